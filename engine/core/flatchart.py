"""Flat statecharts, which most are, by table: one active state, a look-up from event to transitions, no sets to compute.

The general interpreter defines what a chart means; this gives the same for charts without nesting, regions, history, eventless
transitions and signals, whose initial state sets nothing when it is entered.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.chartrun import Run, act, arm, assign, copied, first, leave, rearm
from engine.core.program import Assign, Raise, State, Transition, Workflow, effects_of


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
    moves = [move for one in states for move in one.transitions]
    if not all(one.kind in ("atomic", "final") and one.parent is None for one in states) or len(chart.initial) > 1:
        return None
    if any(move.event is None or len(move.targets) > 1 for move in moves) or _does_more(chart):
        return None
    return {one.name: _row(one) for one in states}


def _does_more(chart: Workflow) -> bool:
    """Whether the chart tells itself something, or sets something before its first transition."""
    raises = any(isinstance(effect, Raise) for one in chart.states.values() for effect in effects_of(one))
    sets = any(isinstance(effect, Assign) for name in chart.initial for effect in chart.states[name].enter)
    return bool(chart.begin) or raises or sets


def _row(state: State) -> Row:
    on: dict[str, tuple[Transition, ...]] = {}
    for one in state.transitions:
        if one.event is not None:
            on[one.event] = (*on.get(one.event, ()), one)
    return Row(state, on, any(after.until is not None or after.when is not None for after in state.after))


def advance(run: Run, rows: Table, event: str, *, fresh: bool) -> None:
    """Take an event; `run.took` says whether any transition took it. A `fresh` instance enters its initial state first.

    Guards are asked before anything is entered: entering changes nothing that they could see.
    """
    row = rows[run.chart.initial[0] if fresh else run.instance.active[0]]
    transitions = row.on.get(event)
    if transitions is None:
        return
    env = run.env
    env.context, env.state = run.instance.context, row.state.path
    chosen = first(run, transitions)
    if chosen is None:
        return
    run.took = True
    if fresh:
        run.instance.active = (row.state.name,)
        run.turn.record("transition", run.chart.name, {"from": None, "to": row.state.path})
        _enter(run, row.state)
    else:
        run.instance = copied(run.instance)
    move(run, rows, chosen)


def move(run: Run, rows: Table, one: Transition) -> None:
    """Take a transition: exit, act, enter."""
    instance = run.instance
    row = rows[instance.active[0]]
    if not one.targets:
        assign(run, one.assign, one)
        if one.effects:
            act(run, one.effects)
    else:
        left, to = row.state, rows[one.targets[0]]
        run.turn.record("transition", run.chart.name, {"from": left.path, "to": to.state.path})
        if left.exit or instance.timers:
            leave(run, left)
        assign(run, one.assign, one)
        if one.effects:
            act(run, one.effects)
        instance.active = (to.state.name,)
        run.env.state = to.state.path
        _enter(run, to.state)
        instance.done = to.state.kind == "final"
        row = to
    if row.moving:
        rearm(run, (row.state,))


def _enter(run: Run, state: State) -> None:
    if state.enter:
        act(run, state.enter)
    for after in state.after:
        arm(run, state, after)
