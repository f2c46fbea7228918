"""Functions of lists."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from engine.cel.denotation import NONE, Optional
from engine.cel.errors import CelError
from engine.cel.types import BOOL, BYTES, DURATION, STRING, TIMESTAMP, Type
from engine.cel.values import LARGEST, MOST_STEPS, charge, equal, kind, mismatch, too_large

LONGEST_RANGE = 10_000
_ORDERED = frozenset({BOOL, STRING, BYTES, TIMESTAMP, DURATION})


def up_to(count: int) -> list[int]:
    """The whole numbers from 0 up to, not including, `count`; at most 10,000 of them."""
    if not 0 <= count <= LONGEST_RANGE:
        raise CelError("out_of_range", f"a range has 0 to {LONGEST_RANGE} numbers")
    return list(range(count))


def part(items: Sequence[Any], start: int, end: int) -> list[Any]:
    """Items from `start` up to, not including, `end`."""
    if not 0 <= start <= end <= len(items):
        raise CelError("out_of_range", f"no items {start} to {end} in a list of {len(items)}")
    return list(items[start:end])


def first(items: Sequence[Any]) -> Optional:
    """The first item, if there is one."""
    return Optional(items[0]) if items else NONE


def last(items: Sequence[Any]) -> Optional:
    """The last item, if there is one."""
    return Optional(items[-1]) if items else NONE


def backwards(items: Sequence[Any]) -> list[Any]:
    """The items from last to first."""
    return list(items[::-1])


def flattened(items: Sequence[Any], depth: int = 1) -> list[Any]:
    """Lists inside the list replaced by their items, so many levels deep."""
    if depth < 0:
        raise CelError("bad_argument", "a list cannot be flattened less than not at all")
    found: list[Any] = []
    _flatten(items, depth, found)
    return found


def _flatten(items: Sequence[Any], depth: int, found: list[Any]) -> None:
    for item in items:
        if depth and isinstance(item, (list, tuple)):
            _flatten(item, depth - 1, found)
        else:
            found.append(item)
        if len(found) > LARGEST:
            raise too_large()


def distinct(items: Sequence[Any]) -> list[Any]:
    """Each item once, where it comes first; items are the same when `==` says so."""
    found: list[Any] = []
    seen: set[Hashable] = set()
    containers: list[Any] = []
    budget = [MOST_STEPS]
    for item in items:
        if isinstance(item, (list, tuple, dict)):
            charge(budget, len(containers))
            if any(equal(item, other, budget) for other in containers):
                continue
            containers.append(item)
        else:
            mark = _mark(item)
            if mark in seen:
                continue
            seen.add(mark)
        found.append(item)
    return found


def _mark(item: Any) -> Hashable:
    """What equal scalars have in common: numbers their value as a double, others also their type."""
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        return ("number", float(item) if item == item else id(item))
    return (str(kind(item)), id(item) if isinstance(item, Optional) else item)


def ordered(items: Sequence[Any]) -> list[Any]:
    """The items from least to greatest; all are numbers, or all of one type that has an order."""
    return by_keys([(item, item) for item in items])


def by_keys(pairs: Sequence[tuple[Any, Any]]) -> list[Any]:
    """The items of pairs (key, item) by their keys from least to greatest; equal ones stay as they were."""
    _check_comparable([key for key, _ in pairs])
    return [item for _, item in sorted(pairs, key=lambda pair: pair[0])]


def _check_comparable(keys: Sequence[Any]) -> None:
    if all(isinstance(key, (int, float)) and not isinstance(key, bool) for key in keys):
        return
    kinds: dict[Type, Any] = {kind(key): key for key in keys}
    if len(kinds) > 1 or not _ORDERED.issuperset(kinds):
        raise mismatch("`sort`", *kinds.values())
