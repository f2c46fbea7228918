"""Deadlines in working time whose calendar a later pack has changed: what has elapsed is kept, the rest is counted anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.core.calendar import Calendar
from engine.core.codec import identity
from engine.core.event import Event
from engine.core.program import Program

Pending = tuple[int, str, str, str]
"""A deadline in the store: when it is due, its scope and key, its name."""


def moved(old: Program, new: Program, pending: Iterable[Pending], now: int) -> Iterator[Event]:
    """The events that move deadlines, from the calendars of one program to those of another, as of `now`."""
    for due, scope, key, name in pending:
        before, after = _calendar(old, scope, name), _calendar(new, scope, name)
        if before is None or after is None or before.keeps(after):
            continue
        again = after.add_working(now, before.working_between(now, due))
        if again != due:
            number = identity(scope, key, "moved", name, old.revision, new.revision, now)
            data = {"name": name, "due": again}
            yield Event(id=number, source="rulewright", type="timer.moved", at=now, data=data, keys=((scope, key),))


def _calendar(program: Program, scope: str, name: str) -> Calendar | None:
    """The calendar that a deadline of a workflow counts by; None for any other deadline."""
    owner, _, rest = name.partition("/")
    found = program.scopes.get(scope)
    if owner != "workflow" or found is None:
        return None
    chart_name, state_name, index = rest.split("/")
    chart = next((one for one in found.workflows if one.name == chart_name), None)
    state = chart.states.get(state_name) if chart is not None else None
    after = next((one for one in state.after if one.index == int(index)), None) if state is not None else None
    return after.calendar if after is not None else None
