from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cel import check, compile_deadline, compile_expression
from tests.unit.cel.world import NOW, SCOPE, World, problems

SECOND = timedelta(seconds=1)


def deadline(text: str, e: World | None = None, **data: Any) -> datetime | None:
    checked = check(text, SCOPE)
    assert checked.problems == (), checked.problems
    assert checked.ticking
    compiled = compile_deadline(checked)
    assert compiled is not None
    return compiled(e or World(NOW, **data))


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("now - data.at > days(14)", timedelta(days=11, seconds=1)),
        ("now - data.at <= days(14)", timedelta(days=11, seconds=1)),
        ("now - data.at >= days(14)", timedelta(days=11)),
        ("now - data.at < days(14)", timedelta(days=11)),
        ("days(14) < now - data.at", timedelta(days=11, seconds=1)),
        ("now > data.at + days(4)", timedelta(days=1, seconds=1)),
        ("now >= data.at + days(4)", timedelta(days=1)),
        ("now - days(4) >= data.at", timedelta(days=1)),
        ("now + days(1) > data.at + days(6)", timedelta(days=2, seconds=1)),
        ("days(1) + now >= data.at + days(6)", timedelta(days=2)),
        ("data.at + days(5) - now > days(1)", timedelta(days=1)),
        ("data.at + days(5) - now <= days(1)", timedelta(days=1)),
        ("data.at + days(5) - now < days(1)", timedelta(days=1, seconds=1)),
        ("data.at + days(5) - now >= days(1)", timedelta(days=1, seconds=1)),
        ("now - data.at > params.stall * 1", None),
        ("now - data.at > params.stall", SECOND),
    ],
)
def test_a_comparison_with_now_changes_when_both_sides_are_equal(text: str, due: timedelta | None) -> None:
    if due is None:
        assert problems(text) == ["no_overload"]
    else:
        assert deadline(text) == NOW + due


def test_an_ageing_field_wakes_one_second_after_its_limit() -> None:
    e = World(datetime(2026, 3, 2, 10, 0, 0, tzinfo=UTC))
    e.metrics["missing"].since = e.now
    assert deadline("metrics.missing.oldest > hours(48)", e) == datetime(2026, 3, 4, 10, 0, 1, tzinfo=UTC)
    assert deadline("metrics.missing.oldest >= hours(48)", e) == datetime(2026, 3, 4, 10, 0, 0, tzinfo=UTC)


def test_nothing_growing_has_no_deadline() -> None:
    assert deadline("metrics.missing.oldest > hours(48)") is None


def test_the_earliest_of_several_counts_and_what_is_past_does_not() -> None:
    e = World(NOW)
    e.metrics["missing"].since = NOW - timedelta(hours=30)
    text = "metrics.missing.oldest > hours(48) || metrics.missing.oldest > hours(24) || now >= data.at + days(30)"
    assert deadline(text, e) == NOW + timedelta(hours=18, seconds=1)


def test_a_deadline_is_strictly_after_now() -> None:
    assert deadline("now >= data.at", at=NOW) is None
    assert deadline("now >= data.at", at=NOW + timedelta(microseconds=1)) == NOW + timedelta(microseconds=1)


def test_an_operand_that_is_absent_has_no_deadline() -> None:
    assert deadline("has(data.due) && now >= data.due") is None
    assert deadline("has(data.due) && now >= data.due", due=NOW + SECOND) == NOW + SECOND
    assert deadline("has(data.due) && now >= data.due || now > data.at + days(4)") == NOW + timedelta(days=1, seconds=1)
    assert deadline("now >= any.due || now >= any.nested") is None
    assert deadline("now - timestamp('0001-01-01T00:00:00Z') > days(3652400)") is None


def test_inside_macros_every_item_counts() -> None:
    text = "data.items.exists(i, now - i.at > days(5))"
    assert deadline(text) == NOW + timedelta(days=3, seconds=1)
    nested = "size(data.items.filter(i, data.tags.all(t, t != 'x' && now - i.at >= days(5)))) > 0"
    assert deadline(nested) == NOW + timedelta(days=3)
    assert deadline(text, items=[]) is None
    assert deadline(text, items=None) is None


def test_inside_macros_ages_and_failures_are_treated_as_outside() -> None:
    e = World(NOW)
    e.metrics["missing"].since = NOW - timedelta(hours=1)
    text = "data.numbers.exists(n, metrics.missing.oldest >= hours(n) + hours(1))"
    assert deadline(text, e) == NOW + timedelta(hours=1)
    assert deadline("data.items.exists(i, now - any.missing > days(1))", e) is None
    assert deadline("metrics.visits.streak(n, now - data.at > days(n + 3)) > 1", e) == NOW + timedelta(
        days=1, seconds=1
    )
    e.metrics["missing"].since = None
    assert deadline(text, e) is None


def test_an_expression_that_does_not_tick_has_no_function() -> None:
    assert compile_deadline(check("data.count > 1", SCOPE)) is None
    assert compile_deadline(check("now - data.at", SCOPE)) is None


@pytest.mark.parametrize(
    "text",
    [
        "now.getHours() == 9",
        "now == data.at",
        "now != data.at",
        "now in [data.at]",
        "metrics.missing.oldest.getHours() > 48",
        "now - data.at > now - timestamp('2026-01-01T00:00:00Z')",
        "string(now).startsWith('2026')",
        "days_between(data.at, now) > 3",
        "(data.closed ? now : data.at) > data.at",
        "[now].exists(t, t > data.at)",
        "data.items.map(i, now - i.at).exists(d, d > days(1))",
        "bool(string(now))",
    ],
)
def test_a_condition_on_time_in_another_form_is_refused(text: str) -> None:
    assert problems(text) == ["clock_form"]
    assert problems(text, deadlines=False) == []


@pytest.mark.parametrize("text", ["now", "now - data.at", "string(now)", "now.getHours()", "[now]", "uid(string(now))"])
def test_a_value_may_use_time_in_any_form(text: str) -> None:
    assert problems(text) == []


INSTANTS = st.integers(-200, 200).map(lambda hours: NOW + timedelta(hours=hours))
CLOCKS = st.tuples(
    st.sampled_from(
        [
            "now - data.at {} hours({})",
            "data.at - now {} hours({})",
            "now {} data.at + hours({})",
            "now - hours({1}) {0} data.at",
            "hours({1}) {0} now - data.at",
            "metrics.missing.oldest {} hours({})",
            "data.items.exists(i, now - i.at {} hours({}))",
        ]
    ),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.integers(-100, 100),
).map(lambda parts: f"({parts[0].format(parts[1], parts[2])})")
CONDITIONS = st.recursive(
    CLOCKS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" && ".join),
        st.tuples(inner, inner).map(" || ".join),
        inner.map(lambda text: f"!({text})"),
    ).map(lambda text: f"({text})"),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(text=CONDITIONS, at=INSTANTS, since=st.none() | st.integers(0, 100), steps=st.lists(st.floats(0, 1), max_size=4))
def test_a_condition_does_not_change_before_its_deadline(
    text: str, at: datetime, since: int | None, steps: list[float]
) -> None:
    def world(now: datetime) -> World:
        e = World(now, at=at)
        started = None if since is None else NOW - timedelta(hours=since)
        e.metrics["missing"].since = started
        e.metrics["missing"].oldest = timedelta(0) if started is None else now - started
        return e

    checked = check(text, SCOPE)
    due = compile_deadline(checked)
    holds = compile_expression(checked)
    assert due is not None
    first = due(world(NOW))
    end = first or NOW + timedelta(days=60)
    span = int((end - NOW).total_seconds()) - 1
    for moment in {0, span, *(int(step * span) for step in steps)}:
        assert holds(world(NOW + moment * SECOND)) == holds(world(NOW))
