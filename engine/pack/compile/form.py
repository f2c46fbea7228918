"""The form of a metric: a few digits that differ where the state of one definition says nothing to another one."""

from __future__ import annotations

from typing import Any

from engine.core.calendar import Calendar
from engine.core.codec import identity
from engine.core.program import Expression, Window

DIGITS = 12


def form_of(params: dict[str, Any], *parts: object) -> str:
    """Twelve digits over the parts of a definition: names, expressions with the types and the parameters in them, windows."""
    return identity(*[_said(part, params) for part in parts])[:DIGITS]


def _said(part: object, params: dict[str, Any]) -> str:
    if isinstance(part, Expression):
        read = sorted({path[1] for path in part.checked.reads if path[0] == "params" and len(path) > 1})
        return repr((part.text, str(part.checked.type), [(name, params.get(name)) for name in read]))
    if isinstance(part, Window):
        zone = part.calendar and (part.calendar.zone.key, part.calendar.week_starts)
        works = _work(part.calendar) if part.calendar is not None and part.unit == "workday" else None
        return repr((part.kind, part.unit, part.size, zone, works))
    if isinstance(part, frozenset):
        return repr(sorted(part))
    return repr(part)


def _work(calendar: Calendar) -> object:
    """What says which days are worked."""
    return sorted(calendar.workdays), sorted(calendar.days_off), sorted(calendar.days_on)
