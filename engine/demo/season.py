"""The eight weeks of the demo, and what is not ordinary in them: who has bad weeks, whose phone is offline, who forgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from engine.demo.diary import SHANGHAI

START = datetime(2026, 3, 2, tzinfo=SHANGHAI)
"""Monday, 00:00, of ISO week 10."""

WEEKS = 8
HOLIDAYS = frozenset({date(2026, 4, 6)})
"""Days off within the eight weeks: the Monday after Qingming."""

BAD_WEEKS: dict[str, tuple[int, ...]] = {"r2": (0, 1), "r6": (1, 2), "r8": (5, 6)}
"""Weeks, counted from 0, in which a rep closes a single visit to a key customer: two in a row turn the light red."""

AWAY: dict[str, tuple[int, ...]] = {"r11": (3, 4)}
"""Weeks in which nothing at all comes from a rep: no event, and a heat map without a point."""

OFFLINE = "r6"
"""Whose phone has no signal on Thursday of week 2, and delivers that day's visit on the Tuesday after."""

OFFLINE_DAY, OFFLINE_ARRIVAL = (2, 3), (3, 1)
"""(week, weekday) of the visit, and of its arrival: later than the red light it turns out to be wrong about."""

FORGOTTEN: dict[str, tuple[int, int]] = {"r9": (3, 1), "r12": (5, 2), "r3": (6, 1)}
"""(week, weekday) of a visit whose feedback is handed in after three days only."""


@dataclass(frozen=True, slots=True)
class Light:
    """A red light that the season must lead to. `week` (from 0) is the one at whose end, or in which, it is lit."""

    rep: str
    week: int
    withdrawn: bool


def lights(weeks: int = WEEKS) -> list[Light]:
    """The red lights of the first `weeks` weeks, in the order in which they are lit."""
    found = [Light(rep, bad[-1], rep == OFFLINE) for rep, bad in BAD_WEEKS.items()]
    found += [Light(rep, away[-1], False) for rep, away in AWAY.items()]
    found += [Light(rep, week, False) for rep, (week, _) in FORGOTTEN.items()]
    return sorted((light for light in found if light.week < weeks), key=lambda light: (light.week, light.rep))


def day(week: int, weekday: int) -> date:
    """The date of a weekday (0: Monday) of a week (from 0)."""
    return (START + timedelta(days=7 * week + weekday)).date()


def at(when: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """An instant of a day in Shanghai."""
    return datetime.combine(when, time(hour, minute, second), SHANGHAI)


def workdays(week: int) -> list[date]:
    """Monday to Friday of a week, without holidays."""
    return [found for weekday in range(5) if (found := day(week, weekday)) not in HOLIDAYS]


def next_workday(when: date) -> date:
    """The first working day after `when`."""
    following = when + timedelta(days=1)
    while following.weekday() > 4 or following in HOLIDAYS:
        following += timedelta(days=1)
    return following


def office(moment: datetime) -> datetime:
    """The moment itself in office hours, else some time in the first hour of the next office day."""
    when = moment.date()
    if 9 <= moment.hour < 18 and when.weekday() < 5 and when not in HOLIDAYS:
        return moment
    opens = when if moment.hour < 9 and when.weekday() < 5 and when not in HOLIDAYS else next_workday(when)
    return at(opens, 9, moment.minute, moment.second)


def week_ends(weeks: int) -> Iterator[datetime]:
    """The ends of the first `weeks` weeks: Mondays, 00:00."""
    return (START + timedelta(weeks=week + 1) for week in range(weeks))
