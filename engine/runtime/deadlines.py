"""Deadlines in working time whose calendar a later pack has changed: what has elapsed is kept, the rest is counted anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.core.calendar import Calendar
from engine.core.codec import identity
from engine.core.event import Event
from engine.core.program import Program, Workflow

Pending = tuple[int, str, str, str]
"""A deadline in the store: when it is due, its scope and key, its name."""


def moved(old: Program, new: Program, pending: Iterable[Pending], now: int) -> Iterator[Event]:
    """The events that move deadlines, from the calendars of one program to those of another, as of `now`."""
    for due, scope, key, name in pending:
        chart = _chart(old, scope, name)
        before, after = _calendar(chart, name), _calendar(_successor(new, scope, name, chart), name)
        if before is None or after is None or before.keeps(after):
            continue
        again = after.add_working(now, before.working_between(now, due))
        if again != due:
            number = identity(scope, key, "moved", name, old.revision, new.revision, now)
            data = {"name": name, "due": again}
            yield Event(id=number, source="rulewright", type="timer.moved", at=now, data=data, keys=((scope, key),))


def _chart(program: Program, scope: str, name: str) -> Workflow | None:
    """The workflow that a deadline belongs to; None for any other deadline."""
    owner, _, rest = name.partition("/")
    found = program.scopes.get(scope)
    if owner != "workflow" or found is None:
        return None
    wanted = rest.partition("/")[0]
    return next((one for one in (*found.workflows, *found.pinned) if one.name == wanted), None)


def _successor(program: Program, scope: str, name: str, chart: Workflow | None) -> Workflow | None:
    """What goes on with the deadline: the same machine, where the program holds it still."""
    found = program.scopes.get(scope)
    held = found.pinned if found is not None and chart is not None else ()
    same = (one for one in held if chart is not None and (one.name, one.form) == (chart.name, chart.form))
    return next(same, None) or _chart(program, scope, name)


def _calendar(chart: Workflow | None, name: str) -> Calendar | None:
    """The calendar that a deadline of a workflow counts by; None where it counts by none."""
    _, _, state_name, index = name.split("/") if name.count("/") == 3 else ("", "", "", "0")
    state = chart.states.get(state_name) if chart is not None else None
    after = next((one for one in state.after if one.index == int(index)), None) if state is not None else None
    return after.calendar if after is not None else None
