"""Optional values: how they are made, opened, and read through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from engine.cel.denotation import NONE, Optional
from engine.cel.errors import CelError
from engine.cel.values import UInt, has_item, index, kind, mismatch

_ZEROS: tuple[Any, ...] = (False, 0, UInt(0), 0.0, "", b"", None, timedelta(0), [], {}, ())


def of(value: Any) -> Optional:
    """An optional value that is there."""
    return Optional(value)


def none() -> Optional:
    """The optional value that is not there."""
    return NONE


def of_non_zero(value: Any) -> Optional:
    """The value, unless it is zero, false, null, empty or a length of no time."""
    return NONE if any(kind(value) == kind(zero) and value == zero for zero in _ZEROS) else Optional(value)


def has_value(optional: Optional) -> bool:
    """Whether it is there."""
    return optional.present


def value(optional: Optional) -> Any:
    """The value. Raises CelError `no_value` when there is none."""
    if not optional.present:
        raise CelError("no_value", "the optional value is absent")
    return optional.value


def either(optional: Optional, other: Optional) -> Optional:
    """The first one that is there."""
    return optional if optional.present else other


def value_or(optional: Optional, default: Any) -> Any:
    """The value, or another one when it is absent."""
    return optional.value if optional.present else default


def item(container: Any, key: Any) -> Optional:
    """`container[?key]` and `container.?key`: an item of a list or a map, or nothing."""
    if isinstance(container, Optional):
        if not container.present:
            return NONE
        container = container.value
    return Optional(index(container, key)) if has_item(container, key) else NONE


def through(container: Any, read: Callable[[Any], Any]) -> Optional:
    """A declared field of what may be absent; `read` gives None when the field is."""
    if isinstance(container, Optional):
        container = container.value
    found = None if container is None else read(container)
    return NONE if found is None else Optional(found)


def opened(values: Sequence[Any], optional: frozenset[int]) -> list[Any]:
    """The items of a list literal; at the `optional` positions the values of optional values that are there."""
    found: list[Any] = []
    for place, each in enumerate(values):
        if place not in optional:
            found.append(each)
        elif required(each).present:
            found.append(each.value)
    return found


def required(found: Any) -> Optional:
    """The value itself when it is an optional one. Raises CelError `type_mismatch` otherwise."""
    if not isinstance(found, Optional):
        raise mismatch("`?`", found)
    return found


def entries(pairs: Sequence[tuple[Any, Any]], optional: frozenset[int]) -> list[tuple[Any, Any]]:
    """The entries of a map literal, opened like the items of a list."""
    return opened(
        [_within(key, value) if place in optional else (key, value) for place, (key, value) in enumerate(pairs)],
        optional,
    )


def _within(key: Any, found: Any) -> Optional:
    return Optional((key, found.value)) if required(found).present else NONE


def mapped(container: Any, function: Callable[[Any], Any], *, flat: bool) -> Optional:
    """`optMap` and `optFlatMap`: the function of the value, which gives an optional value itself when `flat`."""
    optional = required(container)
    if not optional.present:
        return NONE
    return required(function(optional.value)) if flat else Optional(function(optional.value))
