"""Instances that an earlier pack left in states that are gone."""

from collections.abc import Callable
from typing import Any

from tests.unit.core.charts import chart

Replay = Callable[..., Any]

OLD = chart(
    """
    context: {n: int = 4}
    initial: open
    states:
      open: {on: {go: waiting}}
      waiting: {after: [{for: 1h, to: open}], on: {go: open}}
    """,
    "go",
    "end",
)
NEW = chart(
    """
    context: {n: int = 0, note: string = 'new'}
    initial: open
    migrate: {waiting: held}
    states:
      open: {on: {go: held}}
      held:
        initial: first
        enter: [{emit: said, data: {job: key, what: "'entered'"}}]
        states:
          first: {after: [{for: 2h, to: open}]}
        on: {end: {to: open, then: [{emit: said, data: {job: key, what: "context.note + string(context.n)"}}]}}
    """,
    "go",
    "end",
)


def test_an_instance_moves_with_its_next_event_and_carries_out_nothing_on_the_way(replay: Replay) -> None:
    _, send = replay(OLD, NEW, "go")
    assert send("end", "09:10") == ["waiting → held.first", "held.first → open", "said new4"]


def test_an_event_that_nothing_takes_moves_it_too(replay: Replay) -> None:
    engine, send = replay(OLD, NEW, "go")
    assert send("go", "09:10") == ["waiting → held.first", "-go"]
    assert engine.state("job", "j1")["workflows"] == {"job": "held.first"}


def test_deadlines_of_the_old_state_end_and_those_of_the_new_one_begin(replay: Replay) -> None:
    engine, _ = replay(OLD, NEW, "go")
    moved = engine.advance("2026-03-02T10:00:00+08:00")
    assert [(one["from"], one["to"]) for one in moved] == [("waiting", "held.first")]
    assert list(engine.advance("2026-03-02T11:59:59+08:00")) == []
    assert [one["to"] for one in engine.advance("2026-03-02T12:00:00+08:00")] == ["open"]


def test_it_stays_where_the_pack_does_not_say_where_to_go(replay: Replay) -> None:
    _, send = replay(OLD, NEW.replace("    migrate: {waiting: held}\n", ""), "go")
    assert send("end", "09:10") == ["!unknown_state"]


PARALLEL = chart(
    """
    parallel: true
    states:
      left: {on: {go: {then: []}}}
      right: {on: {end: {then: []}}}
    """,
    "go",
    "end",
)
ONE = chart(
    """
    initial: both
    migrate: {left: both, right: both}
    states:
      both: {on: {go: other}}
      other: {on: {end: both}}
    """,
    "go",
    "end",
)


def test_regions_that_became_one_state_become_one(replay: Replay) -> None:
    _, send = replay(PARALLEL, ONE, "go")
    assert send("go", "10:00") == ["left+right → both", "both → other"]


def test_regions_do_not_move_to_states_that_exclude_each_other(replay: Replay) -> None:
    _, send = replay(PARALLEL, ONE.replace("right: both", "right: other"), "go")
    assert send("go", "10:01") == ["!unknown_state"]
