"""Flat statecharts, which most are, by table: one active state, a look-up from event to transitions, no sets to compute.

The general interpreter defines what a chart means; this gives the same for charts without nesting, regions, history and
eventless transitions.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.chartrun import Run, act, arm, assign, first, leave, rearm
from engine.core.program import State, Transition, Workflow


@dataclass(frozen=True, slots=True)
class Row:
    """A state with its transitions by event. `moving`: one of its deadlines follows the context."""

    state: State
    on: dict[str, tuple[Transition, ...]]
    moving: bool


Table = dict[str, Row]


def table(chart: Workflow) -> Table | None:
    """The table of a chart, or None when it is not flat."""
    states = chart.states.values()
    plain = all(one.kind in ("atomic", "final") and one.parent is None for one in states)
    if not plain or any(move.event is None or len(move.targets) > 1 for one in states for move in one.transitions):
        return None
    return {one.name: _row(one) for one in states}


def _row(state: State) -> Row:
    on: dict[str, tuple[Transition, ...]] = {}
    for one in state.transitions:
        if one.event is not None:
            on[one.event] = (*on.get(one.event, ()), one)
    return Row(state, on, any(after.until is not None or after.when is not None for after in state.after))


def start(run: Run, rows: Table) -> None:
    """Enter the initial state."""
    row = rows[run.chart.initial[0]]
    run.instance.active = (row.state.name,)
    run.refresh()
    run.turn.record("transition", run.chart.name, {"from": None, "to": row.state.path})
    _enter(run, row)


def advance(run: Run, rows: Table, event: str) -> None:
    """Take an event; `run.took` says whether any transition took it."""
    row = rows[run.instance.active[0]]
    transitions = row.on.get(event)
    chosen = first(run, transitions) if transitions is not None else None
    if chosen is not None:
        run.took = True
        move(run, rows, chosen)


def move(run: Run, rows: Table, one: Transition) -> None:
    """Take a transition: exit, act, enter."""
    row = rows[run.instance.active[0]]
    if one.targets:
        to = rows[one.targets[0]]
        run.turn.record("transition", run.chart.name, {"from": row.state.path, "to": to.state.path})
        leave(run, row.state)
        assign(run, one)
        act(run, one.effects)
        run.instance.active = (to.state.name,)
        run.env.state = to.state.path
        _enter(run, to)
        run.instance.done = to.state.kind == "final"
        row = to
    else:
        assign(run, one)
        act(run, one.effects)
    if row.moving:
        rearm(run)


def _enter(run: Run, row: Row) -> None:
    act(run, row.state.enter)
    for after in row.state.after:
        arm(run, row.state, after)
