"""What macros may cost: a budget of steps for an evaluation, which loops and the work inside them draw on.

Outside macros the length of the text bounds the work. Inside, work that grows with a text or a list is charged, too:
100,000 rounds over a megabyte each would otherwise be within the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.cel.checked import Notes
from engine.cel.syntax import Binary, Call, ListLiteral, Macro, MapLiteral, Node, walk
from engine.cel.types import BYTES, DYN, ListType, MapType, OptionalType, Type, is_text
from engine.cel.values import Budget, charge, iterable, pairs, scan_weight

_LIGHT = frozenset({"size", "startsWith", "endsWith", "type", "dyn"})


def is_heavy(node: Binary | Call, notes: Notes) -> bool:
    """Whether the work of a node grows with the size of its operands, or of the list that it makes."""
    if isinstance(node, Binary):
        return node.op == "+" and _has_size(notes.types[node])
    plan = notes.calls[node]
    if plan.name in _LIGHT:
        return False
    return isinstance(notes.types[node], ListType) or any(_has_size(notes.types[arg]) for arg in plan.args)


def _has_size(of: Type) -> bool:
    return of in (BYTES, DYN) or is_text(of) or isinstance(of, (ListType, MapType, OptionalType))


def is_built(node: Node, notes: Notes) -> bool:
    """Whether a value is put together from parts, so that it may be larger than anything that it was made of."""
    built = any(isinstance(part, (Macro, ListLiteral, MapLiteral)) for part in walk(node))
    return built and _holds_containers(notes.types[node])


def _holds_containers(of: Type) -> bool:
    if isinstance(of, OptionalType):
        return _holds_containers(of.item)
    if isinstance(of, MapType):
        return True
    return of == DYN or (isinstance(of, ListType) and _has_size(of.item))


def spend(budget: Budget, container: Any) -> Sequence[Any]:
    """The items that a macro goes over, charged in full before the first one."""
    items = iterable(container)
    charge(budget, len(items))
    return items


def spend_pairs(budget: Budget, container: Any) -> Sequence[tuple[Any, Any]]:
    """The pairs that a macro of two variables goes over, charged in full before the first one."""
    items = pairs(container)
    charge(budget, len(items))
    return items


def once(budget: Budget, value: Any) -> Any:
    """A value that one round is made for."""
    charge(budget, 1)
    return value


def charged(budget: Budget, function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of values; charge a step for each 128 characters that go in or come out."""
    result = function(*args)
    charge(budget, _weight(result) + sum(map(_weight, args)))
    return result


def _weight(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return len(value) >> 7
    return scan_weight(value) if isinstance(value, (list, tuple)) else 0


def scan(item: Any, container: Any, budget: Budget) -> bool:
    """Python's own `in`, charged as `contains` charges for lists."""
    if not isinstance(container, dict):
        charge(budget, scan_weight(container))
    return item in container
