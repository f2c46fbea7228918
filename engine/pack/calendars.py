"""Calendars: zones, working days and hours, holidays of a country with their compensation workdays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo, available_timezones

from engine.core.calendar import Calendar
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import Calendar as Model
from engine.pack.model.vocabulary import DAYS
from engine.pack.reading import At, Definition
from engine.pack.span import parse_date

_HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)\Z")
_SHORT = tuple(day[:3] for day in DAYS)
HOLIDAY_YEARS = range(2015, 2036)

UTC_CALENDAR = Calendar("utc", ZoneInfo("UTC"))


def read_calendars(definitions: Mapping[str, Definition[Model]]) -> dict[str, Calendar]:
    """Every calendar that reads; what does not is in the report."""
    found: dict[str, Calendar] = {}
    for name, definition in definitions.items():
        model, at = definition.model, definition.at
        off, on = _holidays(model, at)
        found[name] = Calendar(
            name,
            _zone(model.tz, at / "tz"),
            DAYS.index(model.week_starts),
            _workdays(model.workdays, at / "workdays"),
            _hours(model.hours, at / "hours"),
            (off | _dates(model.days_off, at / "days_off")) - (given_on := _dates(model.days_on, at / "days_on")),
            on | given_on,
        )
    return found


def _zone(name: str, at: At) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        at.problem("bad_calendar", f"there is no time zone `{name}`", did_you_mean(name, available_timezones()))
        return ZoneInfo("UTC")


def _workdays(text: str, at: At) -> frozenset[int]:
    days: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = (word.strip()[:3] for word in part.partition("-"))
        if first not in _SHORT or (last and last not in _SHORT):
            at.problem(
                "bad_calendar",
                f"`{part.strip()}` is not a day or a range of days",
                "write `mon-fri` or `mon, wed, sat`",
            )
            continue
        start = _SHORT.index(first)
        length = (_SHORT.index(last) - start) % 7 if last else 0
        days |= {(start + step) % 7 for step in range(length + 1)}
    return frozenset(days)


def _hours(text: str, at: At) -> tuple[int, int]:
    match = _HOURS.match(text.strip())
    if match:
        start, start_minute, end, end_minute = (int(part) for part in match.groups())
        begin, finish = start * 60 + start_minute, end * 60 + end_minute
        if begin < 1440 and finish <= 1440 and begin != finish:
            return begin, finish
    at.problem("bad_calendar", f"`{text}` is not a span of hours", "write `09:00-18:00`")
    return 9 * 60, 18 * 60


def _dates(texts: list[str], at: At) -> frozenset[date]:
    found: set[date] = set()
    for index, text in enumerate(texts):
        try:
            found.add(parse_date(text))
        except ValueError as error:
            (at / index).problem("bad_timestamp", str(error))
    return frozenset(found)


def _holidays(model: Model, at: At) -> tuple[frozenset[date], frozenset[date]]:
    """Days off and compensation workdays of a country, for the years that a calendar covers."""
    if model.holidays is None:
        return frozenset(), frozenset()
    import holidays  # a large library, and most packs that are only looked at need no country

    countries = holidays.list_supported_countries()
    if model.holidays not in countries:
        hint = did_you_mean(model.holidays, countries) or "write the country's two letters, such as CN"
        (at / "holidays").problem("bad_calendar", f"there are no holidays of `{model.holidays}`", hint)
        return frozenset(), frozenset()
    known = holidays.country_holidays(model.holidays, years=HOLIDAY_YEARS)
    return frozenset(known), frozenset(getattr(known, "weekend_workdays", ()))


def default_calendar(name: str | None, calendars: Mapping[str, Calendar], at: At | None) -> Calendar:
    """The pack's own calendar, else its first one, else UTC."""
    if name is not None:
        if name in calendars:
            return calendars[name]
        if at is not None:
            (at / "calendar").problem(
                "unknown_calendar", f"there is no calendar `{name}`", did_you_mean(name, calendars)
            )
    return next(iter(calendars.values()), UTC_CALENDAR)
