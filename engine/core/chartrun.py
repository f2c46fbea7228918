"""One event through one instance of a statechart: guards, assignments, effects and deadlines, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.cel import CelError
from engine.core.calendar import MICROSECOND, to_micros
from engine.core.env import Env
from engine.core.partition import Instance
from engine.core.program import (
    After,
    Assign,
    Do,
    Emit,
    Expression,
    Raise,
    Reaction,
    State,
    Transition,
    Values,
    Workflow,
)
from engine.core.turn import Turn, together

FIRED = -1
"""Stands in an instance's deadlines for one that has fired in the state that is still active."""


class FailedError(Exception):
    """An expression of a transition failed; carries it, so that the turn can say where."""

    def __init__(self, failure: CelError, expression: Expression | None, state_or_effect: Any) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.expression = expression
        self.part = state_or_effect


@dataclass(slots=True)
class Run:
    """One event through one instance. `raised` are signals and done events that wait for their turn, with their data.

    `forbidden` is a transition that would have been taken, had somebody else caused it.
    """

    turn: Turn
    chart: Workflow
    instance: Instance
    env: Env
    raised: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: bool = False
    forbidden: Transition | None = None
    took: bool = False

    def refresh(self, shown: str) -> None:
        """Let expressions see the instance as it is now, `shown` as its state."""
        self.env.context = self.instance.context
        self.env.state = shown


def copied(instance: Instance) -> Instance:
    """A copy that later changes of the instance do not reach: its parts are replaced, never changed in place."""
    return Instance(
        instance.active, instance.context, instance.history, instance.timers, instance.done, instance.machine
    )


def first(run: Run, transitions: Iterable[Transition]) -> Transition | None:
    """The first transition whose guard holds and that the actor may cause.

    None when there is none, or when a requirement refuses it (`run.refused`).
    """
    for one in transitions:
        if one.when is None or run.turn.holds(run.chart.name, "when", one.when, run.env):
            if one.roles and not _may(run, one):
                continue
            return one if not one.require or _allowed(run, one) else None
    return None


def _may(run: Run, one: Transition) -> bool:
    """Whether whoever caused the event has one of the roles of a transition."""
    if run.turn.event.acts_in(one.roles):
        return True
    run.forbidden = run.forbidden or one
    return False


def forbid(run: Run, one: Transition) -> None:
    """Refuse an event that nobody with the roles of the actor may cause."""
    wanted = ", ".join(one.roles)
    fields = {"code": "forbidden", "reason": f"only for {wanted}", "place": str(one.place)}
    run.turn.record("reject", run.chart.name, fields)


def _allowed(run: Run, one: Transition) -> bool:
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


def assign(run: Run, wanted: Values, part: Transition | Assign) -> None:
    """Set the context of the instance; an absent value removes. All values are computed before any is set."""
    if not wanted.pairs:
        return
    try:
        computed = wanted.run(run.env)
    except Exception:
        computed = _one_by_one(run, wanted, part)
    context = {**run.instance.context, **computed}
    if None in computed.values():
        context = {name: value for name, value in context.items() if value is not None}
    run.instance.context = run.env.context = context


def _one_by_one(run: Run, wanted: Values, part: Transition | Assign) -> dict[str, Any]:
    """The values of a transition where one of them fails: which one is said by `FailedError`."""
    computed = {}
    for name, expression in wanted.pairs:
        try:
            computed[name] = expression.run(run.env)
        except CelError as failure:
            raise FailedError(failure, expression, part) from failure
    return computed


def act(run: Run, effects: tuple[Reaction, ...]) -> None:
    """Carry out effects."""
    for effect in effects:
        try:
            if isinstance(effect, Emit):
                run.turn.emit(run.chart.name, effect, run.env)
            elif isinstance(effect, Do):
                run.turn.act(run.chart.name, effect, run.env)
            elif effect.when is None or effect.when.run(run.env):
                _inside(run, effect)
        except CelError as failure:
            raise FailedError(failure, None, effect) from failure


def _inside(run: Run, effect: Assign | Raise) -> None:
    """What stays inside the instance."""
    if isinstance(effect, Assign):
        assign(run, effect.values, effect)
    else:
        run.raised.append((effect.signal, together(effect.data, run.env)))


def leave(run: Run, state: State) -> None:
    """Leave a state: its exit effects, and an end to its deadlines."""
    act(run, state.exit)
    if run.instance.timers:
        for after in state.after:
            _cancel(run, f"{state.name}/{after.index}")


def arm(run: Run, state: State, after: After) -> None:
    """Set a deadline of a state that is entered, where its guard holds."""
    name = f"{state.name}/{after.index}"
    try:
        when = _deadline(run, after)
    except CelError as failure:
        raise FailedError(failure, after.until or after.span, after.transition) from failure
    if when is not None:
        _set(run, name, when)


def rearm(run: Run, active: Iterable[State]) -> None:
    """Deadlines that depend on the context follow it; a span that has begun keeps its beginning; what fired stays fired."""
    for state in active:
        for after in state.after:
            if after.until is not None or after.when is not None:
                _rearm(run, f"{state.name}/{after.index}", after)


def _rearm(run: Run, name: str, after: After) -> None:
    set_to = run.instance.timers.get(name)
    try:
        when = _deadline(run, after)
    except CelError as failure:
        raise FailedError(failure, after.until or after.when, after.transition) from failure
    if when is None:
        if set_to != FIRED:
            _cancel(run, name)
    elif set_to is None or (after.until is not None and (when > run.turn.now or set_to != FIRED)):
        _set(run, name, when)


def _cancel(run: Run, name: str) -> None:
    instance = run.instance
    held = instance.timers.get(name)
    if held is not None:
        instance.timers = without(instance.timers, name)
        if held != FIRED:
            run.turn.timer(f"workflow/{run.chart.name}/{name}", None)


def without(timers: dict[str, int], name: str) -> dict[str, int]:
    """Deadlines but one. They are replaced, never changed in place: copies of an instance share them."""
    return {other: due for other, due in timers.items() if other != name}


def _set(run: Run, name: str, when: int) -> None:
    if run.instance.timers.get(name) != when:
        run.instance.timers = {**run.instance.timers, name: when}
        run.turn.timer(f"workflow/{run.chart.name}/{name}", when)


def _deadline(run: Run, after: After) -> int | None:
    if after.when is not None and not after.when.run(run.env):
        return None
    now = run.turn.now
    if after.until is not None:
        instant: datetime | None = after.until.run(run.env)
        return None if instant is None else max(to_micros(instant), now)
    assert after.span is not None
    span = max(after.span.run(run.env) // MICROSECOND, 0)
    return after.calendar.add_working(now, span) if after.calendar is not None else now + int(span)
