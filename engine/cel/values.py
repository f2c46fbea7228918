"""Runtime values: their kinds, equality, order, membership and indexing.

The fast paths of generated code use Python's own operators; these functions are what they must equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.cel.denotation import NONE, Denotation, Optional
from engine.cel.errors import CelError
from engine.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    ListType,
    MapType,
    OptionalType,
    RecordType,
    Type,
    is_text,
)

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1
MOST_STEPS = 100_000
LARGEST = 1 << 20
SMALL_LIST = 256
EXACT = 2**53
"""Up to here every whole number is a double, too."""


class UInt(int):
    """An unsigned 64-bit integer. The caller keeps it in its range."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{int(self)}u"


ANY_LIST = ListType(DYN)
ANY_MAP = MapType(DYN, DYN)
ANY_OPTIONAL = OptionalType(DYN)
_KINDS: Mapping[type, Type] = {
    bool: BOOL,
    int: INT,
    UInt: UINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
    type(None): NULL,
    list: ANY_LIST,
    tuple: ANY_LIST,
    dict: ANY_MAP,
    datetime: TIMESTAMP,
    timedelta: DURATION,
    Denotation: TYPE,
    Optional: ANY_OPTIONAL,
}


def kind(value: Any) -> Type:
    """The runtime type of a value; DYN for objects of the embedding program."""
    return _KINDS.get(type(value), DYN)


def accepts(wanted: Type, value: Any) -> bool:
    """Whether a runtime value may be passed where a type is declared (parts of containers are not looked at)."""
    if wanted == DYN or isinstance(wanted, RecordType):
        return True
    if is_text(wanted):
        return type(value) is str
    if isinstance(wanted, ListType):
        return isinstance(value, (list, tuple))
    if isinstance(wanted, MapType):
        return isinstance(value, dict)
    if isinstance(wanted, OptionalType):
        return isinstance(value, Optional)
    return kind(value) == wanted


def mismatch(what: str, *values: Any) -> CelError:
    """The error for an operation that has no meaning for these values."""
    names = ", ".join(str(kind(value)) for value in values)
    return CelError("type_mismatch", f"{what} is not defined for {names}")


def truth(value: Any) -> bool:
    """The value itself when it is a bool; an error otherwise: nothing else counts as true or false."""
    if value is True or value is False:
        return value
    raise CelError("type_mismatch", f"expected a bool, found {kind(value)}")


Budget = list[int]


def charge(budget: Budget, steps: int) -> None:
    """Take steps from a budget. Raises CelError `iteration_budget` when there are not enough."""
    budget[0] -= steps
    if budget[0] < 0:
        raise CelError("iteration_budget", f"more than {MOST_STEPS} steps of macros and comparisons")


def scan_weight(container: Sequence[Any]) -> int:
    """The steps of looking through a list; short ones are free."""
    return len(container) >> 4 if len(container) > SMALL_LIST else 0


def equal(left: Any, right: Any, budget: Budget | None = None) -> bool:
    """CEL equality: numbers by value, everything else only within its own type, containers by content."""
    one, other = kind(left), kind(right)
    if one in _SCALARS:
        if one == other:
            return bool(left == right)
        if one not in _NUMBERS or other not in _NUMBERS:
            return False
        left, right = _aligned(left, right)
        return bool(left == right)
    if one != other:
        return False
    if one == ANY_OPTIONAL:
        return left is right or (left.present and right.present and equal(left.value, right.value, budget))
    if one not in (ANY_LIST, ANY_MAP):
        return left is right
    if len(left) != len(right):
        return False
    budget = [MOST_STEPS] if budget is None else budget
    charge(budget, len(left))
    if one == ANY_LIST:
        return all(equal(a, b, budget) for a, b in zip(left, right, strict=True))
    return all(name in right and equal(value, right[name], budget) for name, value in left.items())


_SCALARS = frozenset({BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL, TIMESTAMP, DURATION, TYPE})
_NUMBERS = frozenset({INT, UINT, DOUBLE})
_ORDERED = frozenset({BOOL, STRING, BYTES, TIMESTAMP, DURATION})


def unequal(left: Any, right: Any, budget: Budget | None = None) -> bool:
    """The negation of `equal`."""
    return not equal(left, right, budget)


def _ordered(op: str, left: Any, right: Any) -> tuple[Any, Any]:
    """The operands as Python may compare them. Raises CelError `type_mismatch` when they have no order."""
    one, other = kind(left), kind(right)
    if one in _NUMBERS and other in _NUMBERS:
        return _aligned(left, right)
    if one != other or one not in _ORDERED:
        raise mismatch(f"`{op}`", left, right)
    return left, right


def _aligned(left: Any, right: Any) -> tuple[Any, Any]:
    """Two numbers; beside a double a whole number is compared as a double, though it may be beyond 2**53."""
    if isinstance(left, float) or isinstance(right, float):
        return float(left), float(right)
    return left, right


def less(left: Any, right: Any) -> bool:
    """`<` with its operands checked."""
    one, other = _ordered("<", left, right)
    return bool(one < other)


def less_equal(left: Any, right: Any) -> bool:
    """`<=` with its operands checked."""
    one, other = _ordered("<=", left, right)
    return bool(one <= other)


def greater(left: Any, right: Any) -> bool:
    """`>` with its operands checked."""
    one, other = _ordered(">", left, right)
    return bool(one > other)


def greater_equal(left: Any, right: Any) -> bool:
    """`>=` with its operands checked."""
    one, other = _ordered(">=", left, right)
    return bool(one >= other)


def contains(item: Any, container: Any, budget: Budget | None = None) -> bool:
    """`item in container`: an item of a list, or a key of a map."""
    if isinstance(container, dict):
        return _find(container, item) is not _MISSING
    if not isinstance(container, (list, tuple)):
        raise mismatch("`in`", item, container)
    budget = [MOST_STEPS] if budget is None else budget
    charge(budget, scan_weight(container))
    return any(equal(item, other, budget) for other in container)


_MISSING = object()


def _find(container: dict[Any, Any], key: Any) -> Any:
    """Look a key up as CEL compares keys: Python alone would take `true` for 1."""
    one = kind(key)
    if one not in _SCALARS or key not in container:
        return _MISSING
    if one == STRING:
        return container[key]
    return next((value for name, value in container.items() if equal(name, key)), _MISSING)


def index(container: Any, key: Any) -> Any:
    """`container[key]`, without Python's negative positions."""
    if isinstance(container, (list, tuple)):
        return _item(container, key)
    if isinstance(container, Optional):
        return _inside(container, key)
    if isinstance(container, dict):
        value = _find(container, key)
        if value is _MISSING:
            raise CelError("no_such_key", f"no key {key!r:.80}")
        return value
    raise mismatch("`[]`", container, key)


def has_item(container: Any, key: Any) -> bool:
    """Whether `container[key]` is there; keys and positions that can never be are errors."""
    if isinstance(container, (list, tuple)):
        return 0 <= _position(container, key) < len(container)
    if isinstance(container, dict):
        return _find(container, key) is not _MISSING
    raise mismatch("`[?]`", container, key)


def _inside(optional: Optional, key: Any) -> Optional:
    """What is inside an optional value, as an optional value: reading through what is absent gives nothing."""
    if not optional.present or not has_item(optional.value, key):
        return NONE
    return Optional(index(optional.value, key))


def _item(items: Sequence[Any], position: Any) -> Any:
    place = _position(items, position)
    if not 0 <= place < len(items):
        raise CelError("out_of_range", f"no item {place} in a list of {len(items)}")
    return items[place]


def _position(items: Sequence[Any], position: Any) -> int:
    if isinstance(position, bool) or not isinstance(position, (int, float)):
        raise mismatch("`[]`", items, position)
    if isinstance(position, float) and not (abs(position) <= INT_MAX and position.is_integer()):
        raise mismatch("`[]`", items, position)
    return int(position)


def select(container: Any, name: str) -> Any:
    """`container.name` where only run time knows what the container is. Objects stay closed."""
    if isinstance(container, Optional):
        return _inside(container, name)
    if not isinstance(container, dict):
        raise mismatch(f"the field `{name}`", container)
    if name not in container:
        raise CelError("no_such_key", f"no key `{name}`")
    return container[name]


def has_key(container: Any, name: str) -> bool:
    """`has(container.name)` for maps."""
    if isinstance(container, Optional):
        return _inside(container, name).present
    if not isinstance(container, dict):
        raise mismatch(f"the field `{name}`", container)
    return name in container


def too_large() -> CelError:
    """The error for a result over the bound."""
    return CelError("too_large", f"the result would be larger than {LARGEST} characters or items")


def fits(value: Any, most: int = LARGEST) -> bool:
    """Whether a value has at most so many items and characters when it is written out.

    Lists may hold one list many times: what is small in memory can be endless on paper.
    """
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, (str, bytes, list, tuple, dict)):
            most -= len(one)
            if most < 0:
                return False
        if isinstance(one, (list, tuple)):
            pending.extend(one)
        elif isinstance(one, dict):
            pending.extend(one)
            pending.extend(one.values())
        elif isinstance(one, Optional):
            pending.append(one.value)
    return True


def bounded(value: Any) -> Any:
    """The value itself. Raises CelError `too_large` when it does not fit."""
    if not fits(value):
        raise too_large()
    return value


def make_map(entries: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """A map literal; keys are int, uint, bool or string, each once."""
    result: dict[Any, Any] = {}
    for name, value in entries:
        if kind(name) not in (INT, UINT, BOOL, STRING):
            raise mismatch("a map key", name)
        if name in result:
            raise CelError("bad_argument", f"the key {name!r:.80} occurs twice")
        result[name] = value
    return result


def iterable(container: Any) -> Sequence[Any]:
    """What a macro goes over: the items of a list, the keys of a map."""
    if isinstance(container, (list, tuple)):
        return container
    if isinstance(container, dict):
        return list(container)
    raise mismatch("a macro", container)


def pairs(container: Any) -> Sequence[tuple[Any, Any]]:
    """What a macro of two variables goes over: positions and items, or keys and values."""
    if isinstance(container, (list, tuple)):
        return list(enumerate(container))
    if isinstance(container, dict):
        return list(container.items())
    raise mismatch("a macro", container)


def merged(maps: Iterable[Any]) -> dict[Any, Any]:
    """One map of the entries of several."""
    return make_map([entry for each in maps for entry in each.items()])


def count_while(results: Iterable[bool]) -> int:
    """How many results hold before the first that does not."""
    count = 0
    for result in results:
        if not result:
            break
        count += 1
    return count
