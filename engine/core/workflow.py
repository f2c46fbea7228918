"""Running workflow instances: an event or a due deadline moves a statechart, its effects go into the turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.cel import CelError
from engine.core import statechart
from engine.core.calendar import MICROSECOND, to_micros
from engine.core.env import Env
from engine.core.partition import Instance
from engine.core.program import After, Do, Emit, Expression, State, Transition, Workflow
from engine.core.turn import Turn

FIRED = -1
"""Stands in an instance's deadlines for one that has fired in the state that is still active."""


class WorkflowView:
    """What an expression reads of a workflow: `state` (empty without an instance) and `context`."""

    __slots__ = ("context", "state")

    def __init__(self, chart: Workflow, instance: Instance | None) -> None:
        self.state = statechart.shown(chart, instance.active) if instance is not None else ""
        self.context: Mapping[str, Any] = instance.context if instance is not None else {}


class _FailedError(Exception):
    """An expression of a transition failed; carries it, so that the turn can say where."""

    def __init__(self, failure: CelError, expression: Expression | None, state_or_effect: Any) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.expression = expression
        self.part = state_or_effect


@dataclass(slots=True)
class _Run:
    """One event through one instance."""

    turn: Turn
    chart: Workflow
    instance: Instance
    env: Env
    raised: list[str] = field(default_factory=list)
    refused: bool = False
    took: bool = False

    def refresh(self) -> None:
        self.env.context = self.instance.context
        self.env.state = statechart.shown(self.chart, self.instance.active) if self.instance.active else ""


def copied(instance: Instance) -> Instance:
    """A copy that later changes of the instance do not reach."""
    return Instance(
        instance.active, dict(instance.context), dict(instance.history), dict(instance.timers), instance.done
    )


def deliver(turn: Turn, chart: Workflow, env: Env) -> None:
    """Give the turn's event to the instance of `chart`; the first event that its initial state handles starts one."""
    event = turn.event
    held = turn.partition.workflows.instances.get(chart.name)
    if held is None and event.type not in chart.starters:
        _ignored(turn, chart, None)
        return
    mark, timers = turn.mark(), dict(turn.step.timers)
    fresh = Instance(context=dict(chart.defaults)) if held is None else copied(held)
    run = _Run(turn, chart, fresh, env)
    try:
        if held is None:
            _start(run)
        run.refresh()
        _macrostep(run, event.type)
    except _FailedError as failed:
        _abandon(turn, chart, run, failed, mark, timers)
        return
    if run.refused or not run.took:
        refusals = turn.step.records[mark.records :]
        turn.back_to(mark)
        turn.step.timers = timers
        turn.step.records.extend(one for one in refusals if one.kind in ("reject", "error"))
        if not run.refused:
            _ignored(turn, chart, held)
        return
    _keep(run)


def due(turn: Turn, chart: Workflow, timer: str, env: Env) -> None:
    """Take the transition of a deadline that has come; one that was moved or cancelled meanwhile does nothing."""
    held = turn.partition.workflows.instances.get(chart.name)
    if held is None or held.timers.get(timer) != turn.now:
        return
    mark, timers = turn.mark(), dict(turn.step.timers)
    run = _Run(turn, chart, copied(held), env)
    run.instance.timers[timer] = FIRED
    state_name, _, index = timer.rpartition("/")
    after = chart.states[state_name].after[int(index)]
    run.refresh()
    try:
        if turn.holds(chart.name, "after", after.when, env):
            _microstep(run, [(state_name, after.transition)])
            _settle(run)
    except _FailedError as failed:
        _abandon(turn, chart, run, failed, mark, timers)
        held.timers[timer] = FIRED
        turn.changed("workflows")
        return
    _keep(run)


def _abandon(
    turn: Turn, chart: Workflow, run: _Run, failed: _FailedError, mark: Any, timers: dict[str, int | None]
) -> None:
    turn.back_to(mark)
    turn.step.timers = timers
    place = getattr(failed.part, "place", chart.place)
    turn.error(chart.name, failed.failure, failed.expression, run.env, place)


def _keep(run: _Run) -> None:
    run.turn.partition.workflows.instances[run.chart.name] = run.instance
    run.turn.changed("workflows")


def _ignored(turn: Turn, chart: Workflow, held: Instance | None) -> None:
    state = statechart.shown(chart, held.active) if held is not None else None
    turn.record("ignored", chart.name, {"state": state, "type": turn.event.type})


def _start(run: _Run) -> None:
    chart, instance = run.chart, run.instance
    run.refresh()
    entered = statechart.entry_set(chart, instance, statechart.targets(chart, instance, chart.initial), None)
    instance.active = statechart.leaves(chart, entered)
    to = statechart.shown(chart, instance.active)
    run.turn.record("transition", chart.name, {"from": None, "to": to})
    _enter(run, entered)


def _macrostep(run: _Run, event: str) -> None:
    enabled = _enabled(run, event)
    if run.refused or not enabled:
        return
    run.took = True
    _microstep(run, enabled)
    _settle(run)


def _settle(run: _Run) -> None:
    """Eventless transitions and raised done events, until nothing more happens."""
    for _ in range(statechart.MAX_MICROSTEPS):
        run.refresh()
        enabled = _enabled(run, None)
        if not enabled:
            if not run.raised:
                break
            enabled = _enabled(run, run.raised.pop(0))
        if enabled:
            _microstep(run, enabled)
    else:
        raise _FailedError(CelError("endless_chart", "eventless transitions do not come to rest"), None, run.chart)
    run.instance.done = all(
        run.chart.states[name].kind == "final" and run.chart.states[name].parent is None for name in run.instance.active
    )
    _rearm(run)


def _enabled(run: _Run, event: str | None) -> list[tuple[str, Transition]]:
    chart, found = run.chart, []
    for leaf in run.instance.active:
        for name in (leaf, *statechart.ancestors(chart, leaf)):
            chosen = _first(run, chart.states[name], event)
            if run.refused:
                return []
            if chosen is not None:
                if (name, chosen) not in found:
                    found.append((name, chosen))
                break
    if len(found) > 1:
        configuration = statechart.with_ancestors(chart, run.instance.active)
        found = statechart.without_conflicts(chart, run.instance, configuration, found)
    return found


def _first(run: _Run, state: State, event: str | None) -> Transition | None:
    for one in state.transitions:
        if one.event == event and run.turn.holds(run.chart.name, "when", one.when, run.env):
            if event is not None and not _allowed(run, one):
                return None
            return one
    return None


def _allowed(run: _Run, one: Transition) -> bool:
    turn, chart = run.turn, run.chart
    for requirement in one.require:
        if turn.tracer is not None:
            turn.tracer.asked(chart.name, "require", requirement.when, run.env)
        try:
            if requirement.when.run(run.env):
                continue
            reason = requirement.reason.render(run.env, turn.program.language)
        except CelError as failure:
            turn.error(chart.name, failure, requirement.when, run.env)
        else:
            fields = {"code": requirement.code, "reason": reason, "place": str(requirement.place)}
            turn.record("reject", chart.name, fields)
        run.refused = True
        return False
    return True


def _microstep(run: _Run, enabled: list[tuple[str, Transition]]) -> None:
    chart, instance = run.chart, run.instance
    before = statechart.shown(chart, instance.active)
    configuration = statechart.with_ancestors(chart, instance.active)
    leaving: set[str] = set()
    entering: set[str] = set()
    for source, one in enabled:
        leaving |= statechart.exit_set(chart, instance, configuration, source, one)
    statechart.remember(chart, instance, configuration, leaving)
    for source, one in enabled:
        if one.targets:
            effective = statechart.targets(chart, instance, one.targets)
            within = statechart.domain(chart, one, source, effective)
            entering.update(statechart.entry_set(chart, instance, effective, within))
    moved = any(one.targets for _, one in enabled)
    entered = sorted(entering, key=lambda name: chart.states[name].order)
    after = statechart.leaves(chart, (set(configuration) - leaving) | entering)
    if moved:
        run.turn.record("transition", chart.name, {"from": before, "to": statechart.shown(chart, after)})
    for name in sorted(leaving, key=lambda name: -chart.states[name].order):
        _leave(run, chart.states[name])
    for _, one in enabled:
        _assign(run, one)
        _effects(run, one.effects)
    instance.active = after
    run.refresh()
    _enter(run, entered)


def _leave(run: _Run, state: State) -> None:
    _effects(run, state.exit)
    for after in state.after:
        _cancel(run, f"{state.name}/{after.index}")


def _enter(run: _Run, entered: list[str]) -> None:
    chart = run.chart
    for name in entered:
        state = chart.states[name]
        _effects(run, state.enter)
        for after in state.after:
            _arm(run, state, after)
        if state.kind == "final" and state.parent is not None:
            _raise_done(run, state.parent)


def _raise_done(run: _Run, parent: str) -> None:
    chart = run.chart
    run.raised.append(f"done.{parent}")
    above = chart.states[parent].parent
    configuration = set(statechart.with_ancestors(chart, run.instance.active))
    if (
        above is not None
        and chart.states[above].kind == "parallel"
        and statechart.finished(chart, configuration, above)
    ):
        run.raised.append(f"done.{above}")


def _assign(run: _Run, one: Transition) -> None:
    context = run.instance.context
    computed = {}
    for name, expression in one.assign:
        try:
            computed[name] = expression.run(run.env)
        except CelError as failure:
            raise _FailedError(failure, expression, one) from failure
    for name, value in computed.items():
        if value is None:
            context.pop(name, None)
        else:
            context[name] = value


def _effects(run: _Run, effects: tuple[Emit | Do, ...]) -> None:
    for effect in effects:
        try:
            if isinstance(effect, Emit):
                run.turn.emit(run.chart.name, effect, run.env)
            else:
                run.turn.act(run.chart.name, effect, run.env)
        except CelError as failure:
            raise _FailedError(failure, None, effect) from failure


def _arm(run: _Run, state: State, after: After) -> None:
    name = f"{state.name}/{after.index}"
    try:
        when = _deadline(run, after)
    except CelError as failure:
        raise _FailedError(failure, after.until or after.span, after.transition) from failure
    if when is not None:
        _set(run, name, when)


def _cancel(run: _Run, name: str) -> None:
    if run.instance.timers.pop(name, FIRED) != FIRED:
        run.turn.timer(f"workflow/{run.chart.name}/{name}", None)


def _deadline(run: _Run, after: After) -> int | None:
    if after.when is not None and not after.when.run(run.env):
        return None
    now = run.turn.now
    if after.until is not None:
        instant: datetime | None = after.until.run(run.env)
        return None if instant is None else max(to_micros(instant), now)
    assert after.span is not None
    span = after.span.run(run.env) // MICROSECOND
    return after.calendar.add_working(now, span) if after.calendar is not None else now + int(span)


def _rearm(run: _Run) -> None:
    """Deadlines that depend on the context follow it; a span that has begun keeps its beginning; what fired stays fired."""
    for name in statechart.with_ancestors(run.chart, run.instance.active):
        state = run.chart.states[name]
        for after in state.after:
            if after.until is None and after.when is None:
                continue
            set_to = run.instance.timers.get(f"{name}/{after.index}")
            try:
                when = _deadline(run, after)
            except CelError as failure:
                raise _FailedError(failure, after.until or after.when, after.transition) from failure
            if when is None:
                if set_to != FIRED:
                    _cancel(run, f"{name}/{after.index}")
            elif set_to is None or (after.until is not None and (when > run.turn.now or set_to != FIRED)):
                _set(run, f"{name}/{after.index}", when)


def _set(run: _Run, name: str, when: int) -> None:
    if run.instance.timers.get(name) != when:
        run.instance.timers[name] = when
        run.turn.timer(f"workflow/{run.chart.name}/{name}", when)
