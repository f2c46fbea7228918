"""Statecharts beyond the flat ones of the sales packs: nesting, regions, history, eventless and done events, deadlines."""

from collections.abc import Callable
from sys import getsizeof
from typing import Any

import pytest

from engine import Engine
from engine.core.partition import NOTHING
from tests.unit.core.charts import chart

NESTED = chart(
    """
    initial: open
    states:
      open:
        initial: waiting
        enter: [{emit: said, data: {job: key, what: "'enter open'"}}]
        exit: [{emit: said, data: {job: key, what: "'exit open'"}}]
        on: {stop: closed, back: {to: working, internal: true}}
        states:
          waiting:
            enter: [{emit: said, data: {job: key, what: "'enter waiting'"}}]
            exit: [{emit: said, data: {job: key, what: "'exit waiting'"}}]
            on: {go: working}
          working:
            on: {go: {to: closed, then: [{emit: said, data: {job: key, what: "'between'"}}]}}
      closed:
        on: {go: open}
    """,
    "go",
    "stop",
    "back",
)


def test_entering_a_compound_enters_its_initial_child_after_it(play: Callable[..., list[str]]) -> None:
    assert play(NESTED, "go") == [
        "None → open.waiting",
        "said enter open",
        "said enter waiting",
        "open.waiting → open.working",
        "said exit waiting",
    ]


def test_leaving_goes_from_the_inside_out_then_the_transition_acts(play: Callable[..., list[str]]) -> None:
    assert play(NESTED, "go", "go")[-3:] == ["open.working → closed", "said exit open", "said between"]


def test_an_event_that_the_child_does_not_take_is_taken_by_its_parent(play: Callable[..., list[str]]) -> None:
    assert play(NESTED, "go", "stop")[-2:] == ["open.working → closed", "said exit open"]


def test_an_internal_transition_of_a_compound_does_not_leave_it(play: Callable[..., list[str]]) -> None:
    assert play(NESTED, "go", "back")[-1:] == ["open.working → open.working"]


PARALLEL = chart(
    """
    initial: both
    states:
      both:
        parallel: true
        on: {done.both: over}
        states:
          papers:
            initial: missing
            states:
              missing: {on: {paper: complete}}
              complete: {final: true}
          money:
            initial: due
            states:
              due: {on: {paid: settled, paper: due}}
              settled: {final: true}
      over: {final: true}
    """,
    "paper",
    "paid",
)


def test_regions_move_independently_and_end_together(play: Callable[..., list[str]]) -> None:
    assert play(PARALLEL, "paper", "paid") == [
        "None → both.papers.missing+both.money.due",
        "both.papers.missing+both.money.due → both.papers.complete+both.money.due",
        "both.papers.complete+both.money.due → both.papers.complete+both.money.settled",
        "both.papers.complete+both.money.settled → over",
    ]


TOGETHER = chart(
    """
    initial: both
    states:
      both:
        parallel: true
        on: {done.both: {then: [{emit: said, data: {job: key, what: "'both'"}}]}}
        states:
          left:
            on: {done.left: {then: [{emit: said, data: {job: key, what: "'left'"}}]}}
            initial: l1
            states: {l1: {on: {go: l2}}, l2: {final: true}}
          inner:
            parallel: true
            on: {done.inner: {then: [{emit: said, data: {job: key, what: "'inner'"}}]}}
            states:
              middle: {initial: m1, states: {m1: {on: {go: m2, half: m2}}, m2: {final: true}}}
              right: {initial: r1, states: {r1: {on: {go: r2}}, r2: {final: true}}}
    """,
    "go",
    "half",
)


@pytest.mark.parametrize("events", [("go",), ("half", "go")])
def test_parallel_states_end_once_when_their_regions_end_together(
    play: Callable[..., list[str]], events: tuple[str, ...]
) -> None:
    told = [one for one in play(TOGETHER, *events) if one.startswith("said")]
    assert told == ["said left", "said inner", "said both"]


HISTORY = chart(
    """
    initial: work
    states:
      work:
        initial: a
        on: {pause: paused}
        states:
          a: {on: {next: b}}
          b: {initial: b1, states: {b1: {on: {next: b2}}, b2: {on: {next: a}}}}
          memory: {history: KIND, to: a}
      paused: {on: {resume: memory}}
    """,
    "next",
    "pause",
    "resume",
)


@pytest.mark.parametrize(("kind", "back"), [("shallow", "work.b.b1"), ("deep", "work.b.b2")])
def test_history_brings_back_the_child_or_the_whole_inside(
    play: Callable[..., list[str]], kind: str, back: str
) -> None:
    moves = play(HISTORY.replace("KIND", kind), "next", "next", "pause", "resume")
    assert moves[-2:] == ["work.b.b2 → paused", f"paused → {back}"]


ALWAYS = chart(
    """
    context: {count: int = 0}
    initial: counting
    states:
      counting:
        on: {tick: {set: {count: context.count + 1}}}
        always: [{when: context.count >= 2, to: full}]
      full: {final: true}
    """,
    "tick",
)


def test_an_eventless_transition_is_taken_as_soon_as_its_guard_holds(play: Callable[..., list[str]]) -> None:
    assert play(ALWAYS, "tick", "tick", "tick") == ["None → counting", "counting → full", "-tick"]


DEADLINE = chart(
    """
    context: {due: timestamp?}
    initial: open
    states:
      open:
        on:
          ask: {set: {due: "has(data.at) ? data.at : null"}}
          answer: done
        after:
          - {until: context.due, when: has(context.due), to: late}
          - {working: 2h, in: shanghai, when: "!has(context.due)", to: overdue}
      late: {on: {answer: done}}
      overdue: {on: {answer: done}}
      done: {final: true}
    """,
    "ask",
    "answer",
)


def test_a_deadline_follows_the_context_that_it_is_written_in(play: Callable[..., list[str]]) -> None:
    first, later = ({"at": f"2026-03-02T{hour}:00:00+08:00"} for hour in (12, 15))
    assert play(DEADLINE, ("ask", first), ("ask", later), until="2026-03-02T14:59:59+08:00") == ["None → open"]
    assert play(DEADLINE, ("ask", first), ("ask", later), until="2026-03-02T15:00:00+08:00")[-1] == "open → late"


def test_working_time_counts_where_no_deadline_was_given(play: Callable[..., list[str]]) -> None:
    assert play(DEADLINE, "ask", until="2026-03-02T11:59:59+08:00") == ["None → open"]
    assert play(DEADLINE, "ask", until="2026-03-02T12:00:00+08:00")[-1] == "open → overdue"


def test_leaving_a_state_cancels_its_deadlines(play: Callable[..., list[str]]) -> None:
    assert play(DEADLINE, "ask", "answer", until="2026-04-01T00:00:00+08:00") == ["None → open", "open → done"]


FAILING = chart(
    """
    context: {left: int = 1}
    initial: calm
    states:
      calm:
        on:
          ask: {to: done, set: {left: 10 / context.left}, then: [{emit: said, data: {job: key, what: "'asked'"}}]}
          answer: {set: {left: 0}}
      done: {final: true}
    """,
    "ask",
    "answer",
)


def test_a_transition_whose_value_fails_leaves_everything_as_it_was(play: Callable[..., list[str]]) -> None:
    assert play(FAILING, "answer", "ask", "answer") == ["None → calm", "!division_by_zero"]


EVENT = {"specversion": "1.0", "source": "test", "data": {"job": "j1"}}

BEFORE = chart(
    """
    initial: open
    states:
      open:
        on: {go: waiting, move: {to: kept}}
      waiting:
        on: {go: open}
        after: [{for: 1h, to: open}]
      kept:
        on: {go: back, stop: open}
        after: [{for: 1h, to: waiting}, {for: 2h, to: waiting}]
      back: {on: {stop: kept}}
    """,
    "go",
    "move",
    "stop",
)
AFTER = chart(
    """
    initial: open
    states:
      open:
        on: {go: open, move: {to: kept}}
      kept:
        on: {go: back, stop: open}
        after: [{for: 1h, when: "false", to: open}]
      back: {on: {stop: kept}}
    """,
    "go",
    "move",
    "stop",
)


def test_an_instance_in_a_state_that_is_gone_is_an_error_and_stays_as_it_is(replay: Callable[..., Any]) -> None:
    engine, send = replay(BEFORE, AFTER, "go", "go", "go")
    assert engine.state("job", "j1")["workflows"] == {"job": "waiting"}
    failed = engine.handle({**EVENT, "id": "x", "type": "go", "time": "2026-03-02T09:10:00+08:00"})
    assert [one["code"] for one in failed] == ["unknown_state"]
    assert "`waiting`" in failed.records[0]["reason"]
    assert [one["code"] for one in engine.advance("2026-03-02T12:00:00+08:00")] == ["unknown_state"]
    assert engine.state("job", "j1")["workflows"] == {"job": "waiting"}
    assert send("stop", "12:00") == ["!unknown_state"]


def test_a_deadline_that_is_gone_does_nothing(replay: Callable[..., Any]) -> None:
    engine, send = replay(BEFORE, AFTER, "go", "go", "move")
    assert engine.state("job", "j1")["workflows"] == {"job": "kept"}
    assert list(engine.advance("2026-03-02T18:00:00+08:00")) == []
    assert send("stop", "18:00") == ["kept → open"]


def test_a_chart_that_became_flat_does_not_take_instances_of_two_regions(replay: Callable[..., Any]) -> None:
    flat = chart(
        """
    initial: missing
    states:
      missing: {on: {paper: due}}
      complete: {on: {paid: missing}}
      due: {on: {paid: complete}}
        """,
        "paper",
        "paid",
    )
    _, send = replay(PARALLEL, flat, "paper")
    assert send("paid", "10:00") == ["!unknown_state"]


def test_a_history_of_states_that_are_gone_goes_back_to_its_default(replay: Callable[..., Any]) -> None:
    before = HISTORY.replace("KIND", "deep")
    after = before.replace("b2", "b3")
    engine, send = replay(before, after, "next", "next", "pause")
    assert engine.state("job", "j1")["workflows"] == {"job": "paused"}
    assert send("resume", "10:00") == ["paused → work.a"]


def test_a_configuration_costs_less_than_200_bytes(open_pack: Callable[..., Engine], event: Callable[..., Any]) -> None:
    engine = open_pack(BEFORE)
    engine.handle(event("go", "2026-03-02T10:00", job="j1"))
    engine.handle(event("go", "2026-03-02T10:01", job="j1"))
    held = engine._session.partition("job", "j1").workflows.instances["job"]
    (chart,) = engine.program.scopes["job"].workflows
    parts = (held.active, held.context, held.history, held.timers)
    own = [part for part in parts if part is not NOTHING and part is not chart.defaults]
    assert held.active == ("open",)
    assert sum(map(getsizeof, [held, *own])) < 200
