from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.calendar import Calendar, to_instant, to_micros

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


@pytest.fixture
def calendar() -> Calendar:
    return Calendar("shanghai", SHANGHAI, days_off=frozenset({date(2026, 3, 4)}), days_on=frozenset({date(2026, 3, 7)}))


def test_a_week_begins_on_monday_at_local_midnight(calendar: Calendar) -> None:
    start, end = calendar.window("week", at("2026-03-04T23:59:59+08:00"))
    assert (calendar.stamp(start), calendar.stamp(end)) == ("2026-03-02T00:00:00+08:00", "2026-03-09T00:00:00+08:00")


def test_the_first_instant_of_a_week_belongs_to_it_and_not_to_the_one_before(calendar: Calendar) -> None:
    monday = at("2026-03-09T00:00:00+08:00")
    assert calendar.window("week", monday)[0] == monday
    assert calendar.window("week", monday - 1)[1] == monday


def test_months_follow_each_other_over_the_end_of_a_year(calendar: Calendar) -> None:
    start, end = calendar.window("month", at("2026-12-31T23:00:00+08:00"))
    assert (calendar.stamp(start), calendar.stamp(end)) == ("2026-12-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00")


def test_a_day_with_a_change_of_the_clock_is_as_long_as_it_is() -> None:
    berlin = Calendar("berlin", ZoneInfo("Europe/Berlin"))
    start, end = berlin.window("day", at("2026-03-29T12:00:00+02:00"))
    assert (end - start) / 3_600_000_000 == 23


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-03-02T17:30:00+08:00", "2026-03-03T10:30:00+08:00"),
        ("2026-03-02T10:00:00+08:00", "2026-03-02T12:00:00+08:00"),
        ("2026-03-03T17:00:00+08:00", "2026-03-05T10:00:00+08:00"),
        ("2026-03-06T19:00:00+08:00", "2026-03-07T11:00:00+08:00"),
        ("2026-03-02T16:00:00+08:00", "2026-03-02T18:00:00+08:00"),
    ],
    ids=["over the night", "inside a day", "over a holiday", "into a compensation workday", "to the end of a shift"],
)
def test_two_working_hours_end_when_two_hours_of_work_are_done(calendar: Calendar, asked: str, due: str) -> None:
    assert calendar.stamp(calendar.add_working(at(asked), 2 * 3_600_000_000)) == due


def test_working_hours_may_go_over_midnight() -> None:
    night = Calendar("night", SHANGHAI, hours=(22 * 60, 6 * 60))
    due = night.add_working(at("2026-03-03T05:00:00+08:00"), 2 * 3_600_000_000)
    assert night.stamp(due) == "2026-03-03T23:00:00+08:00"


def test_workdays_between_counts_the_first_day_and_not_the_last(calendar: Calendar) -> None:
    first, last = datetime(2026, 3, 2, 15, tzinfo=SHANGHAI), datetime(2026, 3, 9, 9, tzinfo=SHANGHAI)
    assert calendar.workdays_between(first, last) == 5
    assert calendar.workdays_between(last, first) == -5


def test_instants_keep_their_microseconds() -> None:
    assert to_micros(to_instant(1_772_000_000_123_457)) == 1_772_000_000_123_457


@given(
    st.sampled_from(
        [
            "Asia/Shanghai",
            "Europe/Berlin",
            "America/New_York",
            "Asia/Kathmandu",
            "Africa/Monrovia",
            "America/St_Johns",
            "UTC",
        ]
    ),
    st.integers(-(10**15), 4 * 10**15),
    st.booleans(),
)
def test_stamps_are_those_of_the_standard_library(zone: str, micros: int, whole: bool) -> None:
    instant = micros - micros % 1_000_000 if whole else micros
    expected = to_instant(instant).astimezone(ZoneInfo(zone)).isoformat()

    assert Calendar("c", ZoneInfo(zone)).stamp(instant) == expected


def test_a_stamp_is_right_on_both_sides_of_a_change_of_the_clock_at_an_odd_minute() -> None:
    calendar = Calendar("c", ZoneInfo("America/St_Johns"))
    change = at("2010-03-14T03:31:00+00:00")

    assert calendar.stamp(change - 1_000_000) == "2010-03-14T00:00:59-03:30"
    assert calendar.stamp(change) == "2010-03-14T01:01:00-02:30"


@given(
    st.integers(0, 14 * 1440),
    st.integers(1, 60 * 60),
    st.sampled_from([(9 * 60, 18 * 60), (22 * 60, 6 * 60), (0, 24 * 60)]),
)
def test_the_working_time_up_to_a_deadline_is_the_time_that_was_given(
    start: int, minutes: int, hours: tuple[int, int]
) -> None:
    calendar = Calendar("c", SHANGHAI, hours=hours, days_off=frozenset({date(2026, 3, 4)}))
    began, span = at("2026-03-02T00:00:00+08:00") + start * 60_000_000, minutes * 60_000_000

    assert calendar.working_between(began, calendar.add_working(began, span)) == span


def test_no_working_time_lies_between_an_instant_and_an_earlier_one(calendar: Calendar) -> None:
    assert calendar.working_between(at("2026-03-02T15:00:00+08:00"), at("2026-03-02T10:00:00+08:00")) == 0
