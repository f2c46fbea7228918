from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from engine.core.program import Program

SHANGHAI = """
pack: {name: p, calendar: shanghai}
calendars:
  tokyo: {tz: Asia/Tokyo}
  shanghai:
    tz: Asia/Shanghai
    week_starts: sunday
    workdays: mon-thu, sat
    hours: 08:30-17:45
    holidays: CN
    days_off: [2026-03-04]
    days_on: [2026-03-06]
"""


def test_a_calendar_has_the_days_and_hours_that_are_written(compiled: Callable[..., Program]) -> None:
    calendar = compiled(SHANGHAI).calendar

    assert calendar.name == "shanghai"
    assert calendar.week_starts == 6
    assert calendar.workdays == {0, 1, 2, 3, 5}
    assert calendar.hours == (510, 1065)
    assert not calendar.works(date(2026, 3, 4))
    assert calendar.works(date(2026, 3, 6))
    assert not calendar.works(date(2026, 3, 13))


def test_holidays_of_a_country_bring_their_compensation_workdays(compiled: Callable[..., Program]) -> None:
    calendar = compiled(SHANGHAI.replace("mon-thu, sat", "mon-fri")).calendar

    assert not calendar.works(date(2026, 10, 1))
    assert calendar.works(date(2026, 10, 10))


def test_without_a_name_the_first_calendar_is_the_packs_own_and_without_any_it_is_utc(
    compiled: Callable[..., Program],
) -> None:
    assert compiled(SHANGHAI.replace(", calendar: shanghai", "")).calendar.name == "tokyo"
    assert compiled("pack: {name: p}").calendar.start_of_day(datetime(2026, 3, 2, 9, tzinfo=UTC)) == datetime(
        2026, 3, 2, tzinfo=UTC
    )
