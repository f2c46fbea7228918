"""Holidays and compensation workdays of China, against the yearly lists of the State Council's General Office.

2024: 国办发明电〔2023〕7号. 2025: 国办发明电〔2024〕12号. 2026: 国办发明电〔2025〕7号. Of 2027 there are only the days that the
regulation on public holidays itself gives (国务院令第795号): the list with the compensation workdays follows in the autumn before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

from engine.core.calendar import Calendar
from engine.core.program import Program

PACK = """
pack: {name: p, calendar: shanghai}
calendars:
  shanghai: {tz: Asia/Shanghai, workdays: mon-fri, hours: 09:00-18:00, holidays: CN}
"""

OFF = {
    2024: ("01-01", "02-10..02-17", "04-04..04-06", "05-01..05-05", "06-10", "09-15..09-17", "10-01..10-07"),
    2025: ("01-01", "01-28..02-04", "04-04..04-06", "05-01..05-05", "05-31..06-02", "10-01..10-08"),
    2026: (
        "01-01..01-03",
        "02-15..02-23",
        "04-04..04-06",
        "05-01..05-05",
        "06-19..06-21",
        "09-25..09-27",
        "10-01..10-07",
    ),
}
ON = {
    2024: ("02-04", "02-18", "04-07", "04-28", "05-11", "09-14", "09-29", "10-12"),
    2025: ("01-26", "02-08", "04-27", "09-28", "10-11"),
    2026: ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10"),
}
STATUTORY_2027 = ("01-01", "02-05..02-08", "04-05", "05-01..05-02", "06-09", "09-15", "10-01..10-03")


def days(year: int, spans: tuple[str, ...]) -> Iterator[date]:
    for span in spans:
        first, _, last = span.partition("..")
        begin, end = (date.fromisoformat(f"{year}-{day}") for day in (first, last or first))
        yield from (begin + timedelta(days=step) for step in range((end - begin).days + 1))


@pytest.fixture
def calendar(compiled: Callable[..., Program]) -> Calendar:
    return compiled(PACK).calendar


@pytest.mark.parametrize("year", sorted(OFF))
def test_every_day_of_the_year_is_worked_or_free_as_the_list_says(calendar: Calendar, year: int) -> None:
    off, on = set(days(year, OFF[year])), set(days(year, ON[year]))
    whole = [date(year, 1, 1) + timedelta(days=step) for step in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]
    expected = [day for day in whole if day in on or (day.weekday() < 5 and day not in off)]

    assert [day for day in whole if calendar.works(day)] == expected


def test_of_a_year_whose_list_is_not_out_the_public_holidays_are_free(calendar: Calendar) -> None:
    assert not [day for day in days(2027, STATUTORY_2027) if calendar.works(day)]


def test_what_is_announced_later_is_added_by_the_pack(compiled: Callable[..., Program]) -> None:
    added = compiled(
        PACK.replace("holidays: CN", "holidays: CN, days_on: [2027-02-06], days_off: [2027-05-05]")
    ).calendar

    assert added.works(date(2027, 2, 6))
    assert not added.works(date(2027, 5, 5))
