"""What the checker found out about an expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.cel.overloads import Overload, Overloads
from engine.cel.scope import Scope
from engine.cel.syntax import Node
from engine.cel.types import Field, Type


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `code` is stable; `start` and `end` are character offsets into the expression."""

    code: str
    message: str
    start: int
    end: int
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class FieldRead:
    """A field of a record; `entity` is set when a reference is walked to reach the record.

    `near` is a declared field with almost the name of an undeclared one.
    """

    name: str
    field: Field
    entity: str | None = None
    near: str | None = None


@dataclass(frozen=True, slots=True)
class CallPlan:
    """How a call is carried out: overloads of a function, or a Python method when `method` is set.

    `args` begin with the receiver; `direct` is the overload when static types determine it.
    """

    name: str
    args: tuple[Node, ...]
    overloads: Overloads = ()
    direct: Overload | None = None
    method: bool = False
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """A comparison that changes as time passes: `moving op fixed`.

    What moves is the `leaf` (`now`, or a field that ages) with `terms` around it, outermost first: `("+", x)` stands
    for `… + x`, `("-", x)` for `… - x`, `("from", x)` for `x - …`. `sign` is 1 when it grows, -1 when it shrinks.
    """

    node: Node
    leaf: Node
    terms: tuple[tuple[str, Node], ...]
    op: str
    fixed: Node
    sign: int

    @property
    def after_instant(self) -> bool:
        """Whether the value changes one second after the instant at which both sides are equal, not at it."""
        return self.op in ((">", "<=") if self.sign > 0 else ("<", ">="))


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """What is known about single nodes; shared by an expression and its parts."""

    types: Mapping[Node, Type]
    fields: Mapping[Node, FieldRead]
    calls: Mapping[Node, CallPlan]
    doubles: frozenset[Node]


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """An expression with its type and its problems; without problems it can be compiled and traced.

    `reads` holds the selections from roots, e.g. `("data", "amount")`. `ticking` says that a comparison inside
    depends on the current instant.
    """

    text: str
    node: Node
    type: Type
    problems: tuple[Problem, ...]
    reads: frozenset[tuple[str, ...]]
    clocks: tuple[Clock, ...] = field(repr=False)
    scope: Scope = field(repr=False)
    notes: Notes = field(repr=False)

    @property
    def ticking(self) -> bool:
        """Whether the value may change by the passing of time alone."""
        return bool(self.clocks)

    def require_sound(self) -> None:
        """Raise ValueError when there are problems."""
        if self.problems:
            raise ValueError(f"the expression has problems: {self.problems[0].message}")
