"""The general interpreter of statecharts: nested and parallel states, history, eventless transitions, done events and signals."""

from __future__ import annotations

from engine.cel import CelError
from engine.core import statechart
from engine.core.chartrun import FailedError, Run, act, arm, assign, first, leave, rearm
from engine.core.planner import Entered, Plan, Planner
from engine.core.statechart import Chosen


def start(run: Run, planner: Planner) -> None:
    """Enter the initial configuration, and whatever follows from it by itself."""
    run.refresh("")
    plan = planner.start(run.instance.history)
    run.instance.active = plan.active
    run.turn.record("transition", run.chart.name, {"from": None, "to": plan.shown})
    act(run, run.chart.begin)
    _enter(run, plan)
    settle(run, planner)


def advance(run: Run, planner: Planner, event: str) -> None:
    """Run an event to completion; `run.took` says whether any transition took it."""
    enabled = _enabled(run, planner, event)
    if run.refused or not enabled:
        return
    run.took = True
    microstep(run, planner, enabled)
    settle(run, planner)


def settle(run: Run, planner: Planner) -> None:
    """Eventless transitions, done events and signals, until nothing more happens."""
    outside = run.env.data
    try:
        _settle(run, planner)
    finally:
        run.env.data = outside
    active = run.instance.active
    run.instance.done = planner.done(active)
    rearm(run, planner.moving(active))


def _settle(run: Run, planner: Planner) -> None:
    for _ in range(statechart.MAX_MICROSTEPS):
        run.refresh(planner.shown(run.instance.active))
        enabled = _enabled(run, planner, None)
        if not enabled:
            if not run.raised:
                return
            name, run.env.data = run.raised.pop(0)
            enabled = _enabled(run, planner, name)
        if enabled:
            microstep(run, planner, enabled)
    raise FailedError(CelError("endless_chart", "the chart does not come to rest by itself"), None, run.chart)


def _enabled(run: Run, planner: Planner, event: str | None) -> tuple[Chosen, ...]:
    found: list[Chosen] = []
    active = run.instance.active
    for chain in planner.options(active, event):
        for name, transitions in chain:
            one = first(run, transitions)
            if run.refused:
                return ()
            if one is not None:
                if (name, one) not in found:
                    found.append((name, one))
                break
    if len(found) > 1:
        return planner.without_conflicts(active, run.instance.history, found)
    return tuple(found)


def microstep(run: Run, planner: Planner, enabled: tuple[Chosen, ...]) -> None:
    """Take a set of transitions that do not conflict: exit, act, enter."""
    instance = run.instance
    plan = planner.plan(instance.active, enabled, instance.history)
    if plan.remembered:
        instance.history = {**instance.history, **plan.remembered}
    if plan.moves:
        run.turn.record("transition", run.chart.name, {"from": plan.before, "to": plan.shown})
    for state in plan.left:
        leave(run, state)
    for _, one in enabled:
        assign(run, one.assign, one)
        act(run, one.effects)
    instance.active = plan.active
    run.refresh(plan.shown)
    _enter(run, plan)


def _enter(run: Run, plan: Plan) -> None:
    for entered in plan.entered:
        _enter_one(run, entered)


def _enter_one(run: Run, entered: Entered) -> None:
    state = entered.state
    act(run, state.enter)
    for after in state.after:
        arm(run, state, after)
    act(run, entered.begin)
    run.raised += [(name, {}) for name in entered.ended]
