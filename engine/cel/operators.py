"""The types of operators, and what is wrong with operands that have no operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cel.arithmetic import operation
from engine.cel.suggestions import did_you_mean
from engine.cel.syntax import Binary, Index, ListLiteral, Literal, Node, OptionalIndex, Unary
from engine.cel.types import (
    BOOL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    NUMERIC,
    STRING,
    TIMESTAMP,
    EnumType,
    ListType,
    MapType,
    OptionalType,
    Type,
    assignable,
    comparable,
    equatable,
    is_text,
)

if TYPE_CHECKING:
    from engine.cel.checker import Checker


def binary_type(checker: Checker, node: Binary, left: Type, right: Type) -> Type:
    """The type of a binary operator; problems are reported to the checker."""
    if node.op in ("==", "!="):
        _check_equality(checker, node, left, right)
        return BOOL
    if node.op == "in":
        _check_membership(checker, node, left, right)
        return BOOL
    if node.op in ("<", "<=", ">", ">="):
        if not comparable(left, right):
            _no_operator(checker, node, left, right, _unit_hint({left, right}))
        return BOOL
    return _arithmetic(checker, node, left, right)


def _no_operator(checker: Checker, node: Binary, left: Type, right: Type, hint: str | None = None) -> Type:
    return checker.report("no_overload", f"`{node.op}` is not defined for {left} and {right}", node, hint)


OPEN_IT = "give what counts when it is absent: `.orValue(…)`"


def _unit_hint(types: set[Type]) -> str | None:
    if any(isinstance(of, OptionalType) for of in types):
        return OPEN_IT
    if DURATION in types and types & NUMERIC:
        return "give the number a unit: `days(n)`, `hours(n)` or `minutes(n)`"
    if TIMESTAMP in types and STRING in types:
        return "read the text as an instant: `timestamp('2026-03-02T00:00:00+08:00')`"
    return None


def _arithmetic(checker: Checker, node: Binary, left: Type, right: Type) -> Type:
    if checker.adapt(node.left, right):
        left = DOUBLE
    if checker.adapt(node.right, left):
        right = DOUBLE
    found = operation(node.op, left, right)
    if found is not None:
        return found[1]
    hint = _unit_hint({left, right})
    if {left, right} <= NUMERIC:
        hint = "convert one side: `double(x)` or `int(x)`"
    elif node.op == "+" and (is_text(left) or is_text(right)):
        hint = "convert the other side: `string(x)`"
    return _no_operator(checker, node, left, right, hint)


def _check_equality(checker: Checker, node: Binary, left: Type, right: Type) -> None:
    check_values(checker, left, node.right)
    check_values(checker, right, node.left)
    if not equatable(left, right):
        other = node.left if right == NULL else node.right
        asks = f"write `has({other.text})` to ask whether it is there"
        hint = asks if NULL in (left, right) else _unit_hint({left, right})
        _no_operator(checker, node, left, right, hint)


def _check_membership(checker: Checker, node: Binary, left: Type, right: Type) -> None:
    check_values(checker, left, node.right)
    if isinstance(right, ListType):
        check_values(checker, right.item, node.left)
    item = right.item if isinstance(right, ListType) else right.key if isinstance(right, MapType) else None
    if right == DYN or (item is not None and equatable(left, item)):
        return
    hint = f"write `{node.right.text}.contains({node.left.text})`" if is_text(right) else None
    _no_operator(checker, node, left, right, hint)


def check_values(checker: Checker, wanted: Type, node: Node) -> None:
    """Report strings that are written in the text and that an enumeration can never be."""
    if not isinstance(wanted, EnumType):
        return
    for literal in node.items if isinstance(node, ListLiteral) else (node,):
        if isinstance(literal, Literal) and isinstance(literal.value, str) and literal.value not in wanted.values:
            message = f"it is never '{literal.value}', only {wanted}"
            checker.report("unknown_value", message, literal, did_you_mean(literal.value, wanted.values))


def negated_type(checker: Checker, node: Unary, operand: Type) -> Type:
    """The type of unary minus."""
    if operand in (INT, DOUBLE, DURATION, DYN):
        return operand
    return checker.report("no_overload", f"`-` is not defined for {operand}", node)


def index_type(checker: Checker, node: Index | OptionalIndex, operand: Type, position: Type) -> Type:
    """The type of `list[position]` and `map[key]`."""
    if operand == DYN:
        return DYN
    if isinstance(operand, ListType) and position in (*NUMERIC, DYN):
        return operand.item
    if isinstance(operand, MapType) and (assignable(position, operand.key) or equatable(position, operand.key)):
        return operand.value
    return checker.report("no_overload", f"{operand} has no item by {position}", node)
