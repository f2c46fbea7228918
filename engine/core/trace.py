"""Notes of a step that is being explained: which expressions were asked, what every part of them was worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.cel import Trace, trace
from engine.cel.values import fits
from engine.core.env import Env
from engine.core.program import Expression
from engine.errors import Place


@dataclass(frozen=True, slots=True)
class Note:
    """One expression that was asked while `owner` decided. `role` says what it was for: `when`, `require`, `red`, …"""

    owner: str
    role: str
    place: Place
    text: str
    tree: Trace | None
    detail: str = ""


@dataclass(slots=True)
class Tracer:
    """Collects notes. A step without a tracer takes none and costs nothing for it."""

    notes: list[Note] = field(default_factory=list)

    def asked(self, owner: str, role: str, expression: Expression, env: Env) -> None:
        """Evaluate again, exactly, and keep the value of every sub-expression."""
        tree = trace(expression.checked, env)
        self.notes.append(Note(owner, role, expression.place, expression.text, tree))

    def told(self, owner: str, role: str, place: Place, detail: str) -> None:
        """Keep a sentence, where there is no expression to show."""
        self.notes.append(Note(owner, role, place, "", None, detail))


def failing(expression: Expression, env: Env) -> tuple[str, Any]:
    """The source text of the innermost sub-expression that failed, and the plain values of what it read."""
    tree = trace(expression.checked, env)
    node = tree
    while True:
        deeper = next((child for child in node.children if child.error is not None), None)
        if deeper is None:
            break
        node = deeper
    read = {child.text: shown(child.value) for child in node.children if child.error is None and not child.skipped}
    return node.text, {text: value for text, value in read.items() if value is not HIDDEN}


HIDDEN = object()
"""Stands for what cannot be shown: views of metrics, events, numbers that no record can hold."""

LARGEST_SHOWN = 100_000
"""Items and characters of a value that a record may show; one that is larger when written out is hidden."""

_PLAIN = frozenset((str, float, bool, type(None), datetime, timedelta))


def shown(value: Any) -> Any:
    """A value as a record can hold it: texts, numbers, truth values, instants, spans, and lists and maps of them; else `HIDDEN`.

    What is hidden inside a list or a map is left out of it.
    """
    if value.__class__ in _PLAIN:
        return value
    return _shown(value) if fits(value, LARGEST_SHOWN) else HIDDEN


def _shown(value: Any) -> Any:
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else HIDDEN
    if value.__class__ is dict:
        return {
            str(name): item
            for name, item in ((name, _shown(item)) for name, item in value.items())
            if item is not HIDDEN
        }
    if value.__class__ is list or value.__class__ is tuple:
        return [item for item in map(_shown, value) if item is not HIDDEN]
    return HIDDEN
