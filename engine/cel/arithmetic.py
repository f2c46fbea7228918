"""The arithmetic operators: 64-bit integers, doubles, texts, lists, instants and lengths of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from engine.cel.errors import CelError
from engine.cel.types import (
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    Type,
    is_text,
    join,
)
from engine.cel.values import (
    ANY_LIST,
    INT_MAX,
    INT_MIN,
    LARGEST,
    UINT_MAX,
    UInt,
    kind,
    mismatch,
    too_large,
)

LONGEST_DURATION = timedelta(seconds=315_576_000_000)


def whole(value: int) -> int:
    """An int result inside its 64 bits."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise CelError("overflow", "the result does not fit a 64-bit int")


def unsigned(value: int) -> UInt:
    """A uint result inside its 64 bits."""
    if 0 <= value <= UINT_MAX:
        return UInt(value)
    raise CelError("overflow", "the result does not fit a 64-bit uint")


def add_int(left: int, right: int) -> int:
    """Checked int addition."""
    return whole(left + right)


def subtract_int(left: int, right: int) -> int:
    """Checked int subtraction."""
    return whole(left - right)


def multiply_int(left: int, right: int) -> int:
    """Checked int multiplication."""
    return whole(left * right)


def divide_int(left: int, right: int) -> int:
    """Int division, truncated towards zero."""
    if right == 0:
        raise CelError("division_by_zero", "division by zero")
    quotient = abs(left) // abs(right)
    return whole(quotient if (left < 0) == (right < 0) else -quotient)


def divide_uint(left: int, right: int) -> UInt:
    """Uint division, rounded down."""
    if right == 0:
        raise CelError("division_by_zero", "division by zero")
    return unsigned(int(left) // int(right))


def remainder_int(left: int, right: int) -> int:
    """The remainder with the sign of the dividend; an error where the quotient does not fit."""
    if right == 0:
        raise CelError("division_by_zero", "remainder of a division by zero")
    if right == -1:
        whole(-left)
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def divide_double(left: float, right: float) -> float:
    """IEEE 754 division: zero divisors give infinities or NaN."""
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def concat(left: Any, right: Any) -> Any:
    """Two texts, byte strings or lists joined."""
    if len(left) + len(right) > LARGEST:
        raise too_large()
    return left + right


def length_of_time(value: timedelta) -> timedelta:
    """A duration inside the range of the language, about ±10,000 years."""
    if abs(value) > LONGEST_DURATION:
        raise CelError("overflow", "the duration is outside its range")
    return value


def add_duration(left: timedelta, right: timedelta) -> timedelta:
    """Checked duration addition."""
    return length_of_time(left + right)


def subtract_duration(left: timedelta, right: timedelta) -> timedelta:
    """Checked duration subtraction."""
    return length_of_time(left - right)


def shift(left: Any, right: Any) -> datetime:
    """An instant moved by a duration, in either order."""
    try:
        moved: datetime = left + right
    except OverflowError:
        raise CelError("overflow", "the instant is outside the years 1 to 9999") from None
    return moved


def shift_back(left: datetime, right: timedelta) -> datetime:
    """An instant moved back by a duration."""
    return shift(left, -right)


Operation = Callable[[Any, Any], Any]
_UINT: Mapping[str, Operation] = {
    "+": lambda left, right: unsigned(int(left) + int(right)),
    "-": lambda left, right: unsigned(int(left) - int(right)),
    "*": lambda left, right: unsigned(int(left) * int(right)),
    "/": lambda left, right: divide_uint(left, right),
    "%": lambda left, right: unsigned(remainder_int(int(left), int(right))),
}
_OPERATIONS: Mapping[tuple[str, Type, Type], tuple[Operation, Type]] = {
    ("+", INT, INT): (add_int, INT),
    ("-", INT, INT): (subtract_int, INT),
    ("*", INT, INT): (multiply_int, INT),
    ("/", INT, INT): (divide_int, INT),
    ("%", INT, INT): (remainder_int, INT),
    ("+", DOUBLE, DOUBLE): (lambda left, right: left + right, DOUBLE),
    ("-", DOUBLE, DOUBLE): (lambda left, right: left - right, DOUBLE),
    ("*", DOUBLE, DOUBLE): (lambda left, right: left * right, DOUBLE),
    ("/", DOUBLE, DOUBLE): (divide_double, DOUBLE),
    ("+", STRING, STRING): (concat, STRING),
    ("+", BYTES, BYTES): (concat, BYTES),
    ("+", DURATION, DURATION): (add_duration, DURATION),
    ("-", DURATION, DURATION): (subtract_duration, DURATION),
    ("+", TIMESTAMP, DURATION): (shift, TIMESTAMP),
    ("+", DURATION, TIMESTAMP): (shift, TIMESTAMP),
    ("-", TIMESTAMP, DURATION): (shift_back, TIMESTAMP),
    ("-", TIMESTAMP, TIMESTAMP): (lambda left, right: left - right, DURATION),
    ("+", ANY_LIST, ANY_LIST): (concat, ANY_LIST),
    **{(op, UINT, UINT): (operation, UINT) for op, operation in _UINT.items()},
}


def operation(op: str, left: Type, right: Type) -> tuple[Operation, Type] | None:
    """The function and result type of an operator for static types; None when there is none.

    Operands that only run time knows give the checked operation and, as far as it can be known, its type.
    """
    if isinstance(left, ListType) and isinstance(right, ListType) and op == "+":
        return concat, ListType(join(left.item, right.item) if DYN not in (left.item, right.item) else DYN)
    if DYN in (left, right):
        return (lambda one, other: calculate(op, one, other)), _result(op, left, right)
    return _OPERATIONS.get((op, _plain(left), _plain(right)))


def _plain(of: Type) -> Type:
    if is_text(of):
        return STRING
    return ANY_LIST if isinstance(of, ListType) else of


def _result(op: str, left: Type, right: Type) -> Type:
    results = {
        result
        for (name, one, other), (_, result) in _OPERATIONS.items()
        if name == op and left in (DYN, one) and right in (DYN, other)
    }
    return results.pop() if len(results) == 1 else DYN


def calculate(op: str, left: Any, right: Any) -> Any:
    """An operator applied to values as they are at run time."""
    found = _OPERATIONS.get((op, kind(left), kind(right)))
    if found is None:
        raise mismatch(f"`{op}`", left, right)
    return found[0](left, right)


def negate(value: Any) -> Any:
    """Unary minus."""
    of = kind(value)
    if of == INT:
        return whole(-value)
    if of in (DOUBLE, DURATION):
        return -value
    raise mismatch("`-`", value)
