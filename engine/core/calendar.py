"""Calendars: local days and weeks, working days, working hours. Pure: zone and holidays are given, not looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND_US = 1_000_000
QUARTER_US = 900 * SECOND_US
DAY_US = 86_400 * SECOND_US

Unit = Literal["day", "week", "month"]


def to_micros(instant: datetime) -> int:
    """An aware instant as microseconds since the epoch, exactly."""
    return (instant - EPOCH) // MICROSECOND


def to_instant(micros: int) -> datetime:
    """Microseconds since the epoch as an aware instant in UTC."""
    return EPOCH + timedelta(0, micros // SECOND_US, micros % SECOND_US)


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """A zone, the first day of its week (0 = Monday), working days and hours, days off and compensation workdays.

    `hours` are minutes since midnight; an end not after its start lies on the next day.
    """

    name: str
    zone: ZoneInfo
    week_starts: int = 0
    workdays: frozenset[int] = frozenset(range(5))
    hours: tuple[int, int] = (9 * 60, 18 * 60)
    days_off: frozenset[date] = frozenset()
    days_on: frozenset[date] = frozenset()
    _bounds: dict[tuple[Unit, date], tuple[int, int]] = field(default_factory=dict, repr=False)
    _last: dict[Unit, tuple[int, int]] = field(default_factory=dict, repr=False)

    def local(self, micros: int) -> datetime:
        """The instant as people of the zone read it."""
        return to_instant(micros).astimezone(self.zone)

    def midnight(self, day: date) -> int:
        """The first instant of a local day."""
        return to_micros(datetime.combine(day, time(), self.zone).astimezone(UTC))

    def window(self, unit: Unit, micros: int) -> tuple[int, int]:
        """The window [start, end) of local days, weeks or months that holds the instant."""
        last = self._last.get(unit)
        if last is not None and last[0] <= micros < last[1]:
            return last
        day = self.local(micros).date()
        if unit == "week":
            first = day - timedelta(days=(day.weekday() - self.week_starts) % 7)
        elif unit == "month":
            first = day.replace(day=1)
        else:
            first = day
        bounds = self._bounds.get((unit, first))
        if bounds is None:
            bounds = self._bounds[unit, first] = (self.midnight(first), self.midnight(following(unit, first)))
        self._last[unit] = bounds
        return bounds

    def works(self, day: date) -> bool:
        """Whether people work on that day: compensation workdays do, holidays do not."""
        return day in self.days_on or (day.weekday() in self.workdays and day not in self.days_off)

    def shift(self, day: date) -> tuple[int, int]:
        """The instants at which the work of a day starts and ends."""
        start, end = self.hours
        ends_on = day if end > start else day + timedelta(days=1)
        return self._at(day, start), self._at(ends_on, end)

    def _at(self, day: date, minutes: int) -> int:
        whole_days, rest = divmod(minutes, 1440)
        clock = time(rest // 60, rest % 60)
        return to_micros(datetime.combine(day + timedelta(days=whole_days), clock, self.zone).astimezone(UTC))

    def add_working(self, micros: int, span: int) -> int:
        """The instant at which `span` microseconds of working time have passed since `micros`.

        Looks at most ten years ahead; a calendar without any work then gives the instant ten years later.
        """
        day = self.local(micros).date() - timedelta(days=1)
        left = span
        for _ in range(3660):
            if self.works(day):
                start, end = self.shift(day)
                begin = max(start, micros)
                if begin < end:
                    if begin + left <= end:
                        return begin + left
                    left -= end - begin
            day += timedelta(days=1)
        return micros + 3650 * DAY_US

    def working_between(self, start: int, end: int) -> int:
        """The microseconds of working time in [start, end); none where `end` is not the later one."""
        day = self.local(start).date() - timedelta(days=1)
        found = 0
        while self.midnight(day) < end:
            if self.works(day):
                begin, finish = self.shift(day)
                found += max(min(finish, end) - max(begin, start), 0)
            day += timedelta(days=1)
        return found

    def keeps(self, other: Calendar) -> bool:
        """Whether people work at the same times by both calendars."""
        return (self.zone.key, self.workdays, self.hours, self.days_off, self.days_on) == (
            other.zone.key, other.workdays, other.hours, other.days_off, other.days_on,
        )  # fmt: skip

    def workdays_between(self, start: datetime, end: datetime) -> int:
        """How many working days lie in [start's day, end's day); negative when `end` is the earlier one."""
        if end < start:
            return -self.workdays_between(end, start)
        day, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        return sum(self.works(day + timedelta(days=n)) for n in range((last - day).days))

    def start_of_day(self, instant: datetime) -> datetime:
        """The first instant of the local day that holds `instant`."""
        return to_instant(self.window("day", to_micros(instant))[0])

    def end_of_day(self, instant: datetime) -> datetime:
        """The first instant after the local day that holds `instant`."""
        return to_instant(self.window("day", to_micros(instant))[1])

    def stamp(self, micros: int) -> str:
        """RFC 3339 with the zone's offset, without a fraction where it is zero."""
        quarter, rest = divmod(micros, QUARTER_US)
        around = _quarter(self.zone, quarter)
        if around is None:
            return self.local(micros).isoformat()
        hour, minutes, offset = around
        minute, second = divmod(rest // SECOND_US, 60)
        text = f"{hour}{minutes + minute:02}:{second:02}"
        fraction = rest % SECOND_US
        return f"{text}.{fraction:06}{offset}" if fraction else f"{text}{offset}"


@lru_cache(maxsize=4096)
def _quarter(zone: ZoneInfo, quarter: int) -> tuple[str, int, str] | None:
    """What all stamps of a quarter of an hour have in common: date and hour, the minutes at which it begins, the offset.

    None where the zone changes its offset inside it, or keeps time by no whole quarters.
    """
    first = to_instant(quarter * QUARTER_US).astimezone(zone)
    last = to_instant((quarter + 1) * QUARTER_US - 1).astimezone(zone)
    if first.utcoffset() != last.utcoffset() or first.minute % 15 or first.second:
        return None
    text = first.isoformat()
    return text[:14], first.minute, text[19:]


def following(unit: Unit, first: date) -> date:
    """The first day of the window after the one that begins on `first`."""
    if unit == "week":
        return first + timedelta(days=7)
    if unit == "month":
        return (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first + timedelta(days=1)
