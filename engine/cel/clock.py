"""Comparisons that change as time passes, and uses of time that no deadline can be made of.

A value *moves* when it is not a condition and depends on the current instant: `now`, a field that ages, and whatever
is computed from them. A condition on something that moves must be a plain comparison of one side that is `now` plus
or minus something with a side that does not move; then the instant at which it changes can be solved for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.cel.checked import Clock, Notes, Problem
from engine.cel.scope import Scope
from engine.cel.syntax import (
    Binary,
    Call,
    Conditional,
    Has,
    Index,
    Macro,
    Name,
    Node,
    OptionalIndex,
    OptionalSelect,
    Select,
    children,
)
from engine.cel.types import BOOL

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MAKING = frozenset({"map", "sortBy", "transformList", "transformMap", "transformMapEntry", "optMap", "optFlatMap"})
_HINT = "compare `now` with an instant, or an age with a duration: `now - x > hours(48)`"


@dataclass(slots=True)
class Clocks:
    """What the pass over one tree has found."""

    scope: Scope
    notes: Notes
    found: list[Clock] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    answers: dict[Node, bool] = field(default_factory=dict)

    @property
    def clocks(self) -> tuple[Clock, ...]:
        """The comparisons that a deadline can be made of."""
        return tuple(self.found)

    def moves(self, node: Node, moving: Mapping[str, bool]) -> bool:
        """Whether a node's value moves; `moving` tells it for the variables of the macros around."""
        if node not in self.answers:
            self.answers[node] = self._moves(node, moving)
        return self.answers[node]

    def _moves(self, node: Node, moving: Mapping[str, bool]) -> bool:
        match node:
            case Name():
                binding = self.scope.bindings.get(node.name)
                return moving.get(node.name, binding is not None and binding.ticks)
            case Has():
                self.parts(node.operand, moving)
                return False
            case Select() | Index() | OptionalSelect() | OptionalIndex():
                read = self.notes.fields.get(node)
                return self.parts(node, moving) or (read is not None and read.field.ages is not None)
            case Binary():
                return self.binary(node, moving)
            case Macro():
                return self.macro(node, moving)
        return self.parts(node, moving) and not self.settled(node)

    def parts(self, node: Node, moving: Mapping[str, bool]) -> bool:
        """Whether any direct part moves; all of them are looked at."""
        found = [self.moves(child, moving) for child in children(node)]
        return any(found)

    def settled(self, node: Node) -> bool:
        """Report a condition that is made of something that moves, in a form that cannot be solved."""
        if isinstance(node, (Call, Conditional)) and self.notes.types.get(node) == BOOL:
            self.refuse(node)
            return True
        return False

    def refuse(self, node: Node) -> None:
        """Report a use of time in a condition that is not a plain comparison."""
        message = "nothing can tell when this condition changes"
        self.problems.append(Problem("clock_form", message, node.start, node.end, _HINT))

    def binary(self, node: Binary, moving: Mapping[str, bool]) -> bool:
        """Arithmetic moves with its operands; comparisons never move, but some of them are clocks."""
        left, right = self.moves(node.left, moving), self.moves(node.right, moving)
        if node.op in "+-*/%":
            return left or right
        if left or right:
            found = None if left and right else self.clock(node, left, moving)
            if found is None:
                self.refuse(node)
            else:
                self.found.append(found)
        return False

    def clock(self, node: Binary, left: bool, moving: Mapping[str, bool]) -> Clock | None:
        """The clock of a comparison of which one side moves, if it has the form of one."""
        if node.op not in _FLIPPED:
            return None
        moving_side, fixed = (node.left, node.right) if left else (node.right, node.left)
        op = node.op if left else _FLIPPED[node.op]
        sign, leaf = 1, moving_side
        terms: list[tuple[str, Node]] = []
        while isinstance(leaf, Binary):
            one, other = (self.moves(side, moving) for side in (leaf.left, leaf.right))
            if leaf.op not in ("+", "-") or (one and other):
                return None
            if other and leaf.op == "-":
                sign = -sign
            terms.append(("from" if other and leaf.op == "-" else leaf.op, leaf.right if one else leaf.left))
            leaf = leaf.left if one else leaf.right
        return Clock(node, leaf, tuple(terms), op, fixed, sign) if self.is_leaf(leaf, moving) else None

    def is_leaf(self, node: Node, moving: Mapping[str, bool]) -> bool:
        """Whether a node grows as fast as `now`: `now` itself, or a field that ages."""
        if isinstance(node, Name):
            return node.name not in moving
        if isinstance(node, (OptionalSelect, OptionalIndex)):
            return False
        read = self.notes.fields.get(node)
        return read is not None and read.field.ages is not None and not self.moves(_owner(node), moving)

    def macro(self, node: Macro, moving: Mapping[str, bool]) -> bool:
        """A macro's variable moves with the list; `map` moves with its body, too."""
        target = self.moves(node.target, moving)
        inner = {**moving, **dict.fromkeys(node.variables, target)}
        bodies = [self.moves(body, inner) for body in node.bodies]
        if node.kind == "bind":
            return bodies[-1]
        if node.kind in _MAKING:
            return target or bodies[-1]
        return target and node.kind == "filter"


def _owner(node: Node) -> Node:
    return children(node)[0]


def examine(node: Node, notes: Notes, scope: Scope) -> Clocks:
    """Find the clocks of an expression, and the uses of time that are none."""
    clocks = Clocks(scope, notes)
    if clocks.moves(node, {}) and notes.types.get(node) == BOOL:
        clocks.refuse(node)
    return clocks
