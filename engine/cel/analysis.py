"""Questions about expressions that the matcher and the compiler ask: constants, conjuncts, equalities, thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import replace
from typing import Any

from engine.cel import reading
from engine.cel.checked import Checked
from engine.cel.checker import check
from engine.cel.errors import CelError
from engine.cel.exact import Evaluator
from engine.cel.scope import UNSET, Scope
from engine.cel.syntax import Binary, Has, Literal, Logic, Macro, Name, Node, children, path, walk

_LARGEST_CONSTANT = 10_000
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def constants(checked: Checked) -> dict[Node, Any]:
    """The values of all sub-expressions that are the same in every evaluation, do not fail and are not large."""
    folding = _Folding(checked)
    folding.fold(checked.node, frozenset())
    return folding.found


class _Folding(Evaluator):
    """An evaluator that never evaluates a constant twice."""

    def __init__(self, checked: Checked) -> None:
        super().__init__(checked, None)
        self.found: dict[Node, Any] = {}

    def value(self, node: Node, variables: Mapping[str, Any]) -> Any:
        return self.found[node] if node in self.found else super().value(node, variables)

    def fold(self, node: Node, hidden: frozenset[str]) -> None:
        """Find the constants at and below a node."""
        inner = hidden.union(node.variables) if isinstance(node, Macro) else hidden
        parts = children(node)
        for part in parts:
            self.fold(part, hidden if isinstance(node, Macro) and part is node.target else inner)
        if isinstance(node, Name):
            fixed = node.name not in hidden and _is_parameter(node, self.scope)
        else:
            fixed = not isinstance(node, (Macro, Has)) and all(part in self.found for part in parts)
        if fixed:
            self._keep(node)

    def _keep(self, node: Node) -> None:
        try:
            value = self.value(node, {})
        except CelError:
            return
        if not isinstance(value, Sized) or len(value) <= _LARGEST_CONSTANT:
            self.found[node] = value


def _is_parameter(node: Name, scope: Scope) -> bool:
    binding = scope.bindings.get(node.name)
    return binding is not None and binding.constant is not UNSET


def conjuncts(node: Node) -> tuple[Node, ...]:
    """The conditions that must all hold: the parts of the outermost `&&`, left to right."""
    if not isinstance(node, Logic) or node.op != "&&":
        return (node,)
    return tuple(part for operand in node.operands for part in conjuncts(operand))


def sub(checked: Checked, node: Node) -> Checked:
    """A part of a checked expression as an expression of its own; offsets still count in the whole text."""
    inside = set(walk(node))
    return replace(
        checked,
        node=node,
        type=checked.notes.types[node],
        problems=tuple(p for p in checked.problems if node.start <= p.start and p.end <= node.end),
        reads=reading.reads(node, checked.scope, checked.notes.calls),
        clocks=tuple(clock for clock in checked.clocks if clock.node in inside),
    )


def as_equality(node: Node, scope: Scope) -> tuple[tuple[str, ...], Any] | None:
    """`(path, constant)` for `path == constant` in either order; None for anything else."""
    if not isinstance(node, Binary) or node.op != "==":
        return None
    found = _oriented(node, scope)
    return found and (found[0], found[1])


def as_threshold(node: Node, scope: Scope) -> tuple[tuple[str, ...], str, Any] | None:
    """`(path, op, constant)` for a `<`, `<=`, `>` or `>=` of the two, the path on the left; None otherwise."""
    if not isinstance(node, Binary) or node.op not in _FLIPPED:
        return None
    found = _oriented(node, scope)
    return found and (found[0], node.op if found[2] else _FLIPPED[node.op], found[1])


def _oriented(node: Binary, scope: Scope) -> tuple[tuple[str, ...], Any, bool] | None:
    for reading_side, constant_side, straight in ((node.left, node.right, True), (node.right, node.left, False)):
        names = _variable_path(reading_side, scope)
        constant = constant_of(constant_side, scope)
        if names is not None and constant is not UNSET:
            return names, constant, straight
    return None


def _variable_path(node: Node, scope: Scope) -> tuple[str, ...] | None:
    names = path(node)
    binding = None if names is None else scope.bindings.get(names[0])
    return names if binding is not None and binding.constant is UNSET else None


def constant_of(node: Node, scope: Scope) -> Any:
    """The value of an expression without variables, or UNSET."""
    if isinstance(node, Literal):
        return node.value
    checked = check(node, scope, deadlines=False)
    return UNSET if checked.problems else constants(checked).get(node, UNSET)
