"""Values that stand for something else: a type, or a value that may be absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Denotation:
    """A type as a value: what `type(x)` gives and what `int` in an expression means."""

    name: str

    def __str__(self) -> str:
        return self.name


NAMES: Final = frozenset(
    [
        *("bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint", "optional_type"),
        *("google.protobuf.Timestamp", "google.protobuf.Duration"),
    ]
)
"""The types that an expression can name."""


class Optional:
    """A value that may be absent. Two of them are equal when both are absent, or when their values are."""

    __slots__ = ("present", "value")

    def __init__(self, value: Any, *, present: bool = True) -> None:
        self.value = value
        self.present = present

    def __repr__(self) -> str:
        return f"optional.of({self.value!r})" if self.present else "optional.none()"


NONE: Final = Optional(None, present=False)
"""The optional value without a value; there is one only."""
