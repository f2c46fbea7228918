"""Running workflow instances: an event or a due deadline moves a statechart, its effects go into the turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.cel import CelError
from engine.core import flatchart, macrostep, statechart
from engine.core.chartrun import FIRED, FailedError, Run
from engine.core.env import Env
from engine.core.flatchart import Table
from engine.core.partition import Instance
from engine.core.program import After, Workflow
from engine.core.turn import Mark, Turn


class WorkflowView:
    """What an expression reads of a workflow: `state` (empty without an instance) and `context`."""

    __slots__ = ("context", "state")

    def __init__(self, chart: Workflow, instance: Instance | None) -> None:
        self.state = statechart.shown(chart, instance.active) if instance is not None else ""
        self.context: Mapping[str, Any] = instance.context if instance is not None else {}


def copied(instance: Instance) -> Instance:
    """A copy that later changes of the instance do not reach; a context is replaced when it changes."""
    return Instance(instance.active, instance.context, dict(instance.history), dict(instance.timers), instance.done)


def deliver(turn: Turn, chart: Workflow, rows: Table | None, env: Env) -> bool:
    """Give the turn's event to the instance of `chart`; the first event that its initial state handles starts one.

    True when a transition took it.
    """
    event = turn.event
    held = turn.partition.workflows.instances.get(chart.name)
    if held is None and event.type not in chart.starters:
        _ignored(turn, chart, None)
        return False
    if held is not None and _is_lost(turn, chart, rows, held, env):
        return False
    mark, timers = turn.mark(), turn.step.timers.copy()
    run = Run(turn, chart, held if held is not None else Instance(context=chart.defaults), env)
    try:
        _advance(run, rows, event.type, fresh=held is None)
    except FailedError as failed:
        _abandon(turn, chart, run, failed, mark, timers)
        return False
    if run.took:
        _keep(run)
        return True
    refusals = [one for one in turn.step.records[mark[0] :] if one.kind in ("reject", "error")]
    turn.back_to(mark)
    turn.step.timers = timers
    turn.step.records.extend(refusals)
    if not run.refused:
        _ignored(turn, chart, held)
    return False


def _is_lost(turn: Turn, chart: Workflow, rows: Table | None, held: Instance, env: Env) -> bool:
    """Whether an instance is in a state that this pack does not have: an error outcome, and the instance stays as it is."""
    active = held.active
    if rows is not None and len(active) == 1 and active[0] in rows:
        return False
    lost = "+".join(active) if rows is not None else statechart.gone(chart, active)
    if lost is None:
        return False
    reason = f"the instance is in the state `{lost}`, which `{chart.name}` has no more: it stays as it is"
    turn.error(chart.name, CelError("unknown_state", reason), None, env, chart.place)
    return True


def _advance(run: Run, rows: Table | None, event: str, *, fresh: bool) -> None:
    if rows is not None:
        flatchart.advance(run, rows, event, fresh=fresh)
        return
    run.instance = copied(run.instance)
    if fresh:
        macrostep.start(run)
    run.refresh()
    macrostep.advance(run, event)


def due(turn: Turn, chart: Workflow, rows: Table | None, timer: str, env: Env) -> None:
    """Take the transition of a deadline that has come; one that was moved or cancelled meanwhile does nothing.

    One that the pack has no more is forgotten.
    """
    held = turn.partition.workflows.instances.get(chart.name)
    if held is None or held.timers.get(timer) != turn.now or _is_lost(turn, chart, rows, held, env):
        return
    state_name, _, index = timer.rpartition("/")
    after = _deadline(chart, held, state_name, int(index))
    if after is None:
        del held.timers[timer]
        turn.changed("workflows")
        return
    mark, timers = turn.mark(), turn.step.timers.copy()
    run = Run(turn, chart, copied(held), env)
    run.instance.timers[timer] = FIRED
    run.refresh()
    try:
        if turn.holds(chart.name, "after", after.when, env):
            if rows is not None:
                flatchart.move(run, rows, after.transition)
            else:
                macrostep.microstep(run, [(state_name, after.transition)])
                macrostep.settle(run)
    except FailedError as failed:
        _abandon(turn, chart, run, failed, mark, timers)
        held.timers[timer] = FIRED
        turn.changed("workflows")
        return
    _keep(run)


def _deadline(chart: Workflow, held: Instance, state: str, index: int) -> After | None:
    if state not in statechart.with_ancestors(chart, held.active):
        return None
    return next((after for after in chart.states[state].after if after.index == index), None)


def _abandon(
    turn: Turn, chart: Workflow, run: Run, failed: FailedError, mark: Mark, timers: dict[str, int | None]
) -> None:
    turn.back_to(mark)
    turn.step.timers = timers
    place = getattr(failed.part, "place", chart.place)
    turn.error(chart.name, failed.failure, failed.expression, run.env, place)


def _keep(run: Run) -> None:
    run.turn.partition.workflows.instances[run.chart.name] = run.instance
    run.turn.changed("workflows")


def _ignored(turn: Turn, chart: Workflow, held: Instance | None) -> None:
    state = statechart.shown(chart, held.active) if held is not None else None
    turn.record("ignored", chart.name, {"state": state, "type": turn.event.type})
