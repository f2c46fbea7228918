"""Running workflow instances: an event or a due deadline moves a statechart, its effects go into the turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.cel import CelError
from engine.core import flatchart, macrostep, migration, statechart
from engine.core.chartrun import FIRED, FailedError, Run, copied, forbid, without
from engine.core.env import Env
from engine.core.flatchart import Table
from engine.core.partition import Instance
from engine.core.planner import Planner
from engine.core.program import After, Workflow
from engine.core.turn import Mark, Turn

Machine = Table | Planner
"""A chart made ready to run: the table of a flat one, the plans of any other."""


def machine(chart: Workflow) -> Machine:
    """A chart made ready to run."""
    return flatchart.table(chart) or Planner(chart)


class WorkflowView:
    """What an expression reads of a workflow: `state` (empty without an instance) and `context`."""

    __slots__ = ("context", "state")

    def __init__(self, chart: Workflow, instance: Instance | None) -> None:
        self.state = statechart.shown(chart, instance.active) if instance is not None else ""
        self.context: Mapping[str, Any] = instance.context if instance is not None else {}


def deliver(turn: Turn, chart: Workflow, ready: Machine, env: Env) -> bool:
    """Give the turn's event to the instance of `chart`; the first event that its initial state handles starts one.

    True when a transition took it.
    """
    event = turn.event
    held = turn.partition.workflows.instances.get(chart.name)
    if held is None and event.type not in chart.starters:
        _ignored(turn, chart, None)
        return False
    if held is not None:
        held = _present(turn, chart, ready, held, env)
        if held is None:
            return False
    mark, timers = turn.mark(), turn.step.timers.copy()
    run = Run(turn, chart, held if held is not None else Instance(context=chart.defaults), env)
    try:
        _advance(run, ready, event.type, fresh=held is None)
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
    if run.forbidden is not None and not run.refused:
        forbid(run, run.forbidden)
    elif not run.refused:
        _ignored(turn, chart, held)
    return False


def _present(turn: Turn, chart: Workflow, ready: Machine, held: Instance, env: Env) -> Instance | None:
    """The instance in states that the pack has: moved there if need be. None where it cannot be: an error outcome."""
    active = held.active
    if ready.__class__ is dict and len(active) == 1 and active[0] in ready:
        return held
    lost = statechart.gone(chart, active)
    if lost is None and (len(active) == 1 or isinstance(ready, Planner)):
        return held
    if lost is None:
        lost = "+".join(active)
    elif migration.leads_on(chart, active):
        return _migrated(turn, chart, held, env)
    reason = f"the instance is in the state `{lost}`, which `{chart.name}` has no more: it stays as it is"
    turn.error(chart.name, CelError("unknown_state", reason), None, env, chart.place)
    return None


def _migrated(turn: Turn, chart: Workflow, held: Instance, env: Env) -> Instance | None:
    mark, timers = turn.mark(), turn.step.timers.copy()
    run = Run(turn, chart, copied(held), env)
    try:
        migration.move(run)
    except FailedError as failed:
        _abandon(turn, chart, run, failed, mark, timers)
        return None
    _keep(run)
    return run.instance


def _advance(run: Run, ready: Machine, event: str, *, fresh: bool) -> None:
    if not isinstance(ready, Planner):
        flatchart.advance(run, ready, event, fresh=fresh)
        return
    run.instance = copied(run.instance)
    if fresh:
        macrostep.start(run, ready)
    run.refresh(ready.shown(run.instance.active))
    macrostep.advance(run, ready, event)


def due(turn: Turn, chart: Workflow, ready: Machine, timer: str, env: Env) -> None:
    """Take the transition of a deadline that has come; one that was moved or cancelled meanwhile does nothing.

    One that the pack has no more is forgotten.
    """
    held = turn.partition.workflows.instances.get(chart.name)
    if held is None or held.timers.get(timer) != turn.now:
        return
    held = _present(turn, chart, ready, held, env)
    if held is None or held.timers.get(timer) != turn.now:
        return
    state_name, _, index = timer.rpartition("/")
    after = _deadline(chart, held, state_name, int(index))
    if after is None:
        held.timers = without(held.timers, timer)
        turn.changed("workflows")
        return
    mark, timers = turn.mark(), turn.step.timers.copy()
    run = Run(turn, chart, copied(held), env)
    run.instance.timers = {**held.timers, timer: FIRED}
    run.refresh(statechart.shown(chart, held.active))
    try:
        if turn.holds(chart.name, "after", after.when, env):
            if isinstance(ready, Planner):
                macrostep.microstep(run, ready, ((state_name, after.transition),))
                macrostep.settle(run, ready)
            else:
                flatchart.move(run, ready, after.transition)
    except FailedError as failed:
        _abandon(turn, chart, run, failed, mark, timers)
        held.timers = {**held.timers, timer: FIRED}
        turn.changed("workflows")
        return
    _keep(run)


def postpone(turn: Turn, name: str, due: int) -> None:
    """Move a deadline that is pending: its calendar says now that it comes at another instant."""
    _, chart, timer = name.split("/", 2)
    held = turn.partition.workflows.instances.get(chart)
    if held is not None and held.timers.get(timer, FIRED) != FIRED:
        held.timers = {**held.timers, timer: due}
        turn.timer(name, due)
        turn.changed("workflows")


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
    run.instance.machine = run.chart.form
    run.turn.partition.workflows.instances[run.chart.name] = run.instance
    run.turn.changed("workflows")


def _ignored(turn: Turn, chart: Workflow, held: Instance | None) -> None:
    state = statechart.shown(chart, held.active) if held is not None else None
    turn.record("ignored", chart.name, {"state": state, "type": turn.event.type})
