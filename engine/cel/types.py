"""The types that expressions are checked against. All are immutable and hashable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


class Type:
    """Base of all types; `str()` is how a configurator writes it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Primitive(Type):
    """A type without parts. Use the constants of this module; there is one object of each."""

    name: str

    def __str__(self) -> str:
        return self.name


INT = Primitive("int")
UINT = Primitive("uint")
DOUBLE = Primitive("double")
BOOL = Primitive("bool")
STRING = Primitive("string")
BYTES = Primitive("bytes")
NULL = Primitive("null")
TIMESTAMP = Primitive("timestamp")
DURATION = Primitive("duration")
TYPE = Primitive("type")
DYN = Primitive("dyn")

NUMERIC = frozenset({INT, UINT, DOUBLE})


@dataclass(frozen=True, slots=True)
class ListType(Type):
    """A list of items of one type."""

    item: Type

    def __str__(self) -> str:
        return f"list({self.item})"


@dataclass(frozen=True, slots=True)
class MapType(Type):
    """A map; at run time a dict."""

    key: Type
    value: Type

    def __str__(self) -> str:
        return f"map({self.key}, {self.value})"


@dataclass(frozen=True, slots=True)
class OptionalType(Type):
    """A value that may be absent without harm: what `a.?b`, `a[?b]` and `optional.of(…)` give."""

    item: Type

    def __str__(self) -> str:
        return f"optional({self.item})"


@dataclass(frozen=True, slots=True)
class EnumType(Type):
    """A string of which the allowed values are known."""

    values: tuple[str, ...]

    def __str__(self) -> str:
        return " | ".join(self.values)


@dataclass(frozen=True, slots=True)
class RefType(Type):
    """The id of an entity; at run time a str. Selecting a field walks to the entity."""

    entity: str

    def __str__(self) -> str:
        return f"ref({self.entity})"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record.

    `access` is how Python reads it. `optional` fields must be guarded by `has`; absent is a missing key or None.
    `ages` says that the field is a duration that grows with `now`, and names the neighbour that holds the
    instant (datetime) since when it grows, or None while nothing grows.
    """

    type: Type
    optional: bool = False
    access: Literal["item", "attr"] = "item"
    ages: str | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """A bound Python method of the record's object: `record.last(3)`."""

    params: tuple[Type, ...]
    result: Type


@dataclass(frozen=True, slots=True)
class RecordType(Type):
    """A thing with named fields; at run time a dict, or an object for fields with `access="attr"`.

    `series` is the item type of the object's attribute `closed` (newest first) and enables `streak`. Undeclared
    fields of an `open` record may be read as optional `dyn`.
    """

    name: str
    fields: Mapping[str, Field] = field(hash=False)
    methods: Mapping[str, Method] = field(default_factory=dict, hash=False)
    series: Type | None = field(default=None, hash=False)
    open: bool = False

    def __str__(self) -> str:
        return self.name


def is_text(kind: Type) -> bool:
    """Whether values are Python strings: strings, enumerations and references."""
    return kind == STRING or isinstance(kind, (EnumType, RefType))


def assignable(actual: Type, wanted: Type) -> bool:
    """Whether a value of one type may stand where another is wanted. What is only known at run time may."""
    if DYN in (actual, wanted) or actual == wanted:
        return True
    if isinstance(actual, ListType) and isinstance(wanted, ListType):
        return assignable(actual.item, wanted.item)
    if isinstance(actual, OptionalType) and isinstance(wanted, OptionalType):
        return assignable(actual.item, wanted.item)
    if isinstance(actual, MapType) and isinstance(wanted, MapType):
        return assignable(actual.key, wanted.key) and assignable(actual.value, wanted.value)
    if isinstance(wanted, EnumType) and isinstance(actual, EnumType):
        return set(actual.values) <= set(wanted.values)
    if isinstance(wanted, RefType) and isinstance(actual, RefType):
        return False
    return is_text(actual) and is_text(wanted)


def comparable(left: Type, right: Type) -> bool:
    """Whether `<` and its kin are defined."""
    if DYN in (left, right) or (left in NUMERIC and right in NUMERIC) or (is_text(left) and is_text(right)):
        return True
    return left == right and left in (BYTES, BOOL, TIMESTAMP, DURATION)


def equatable(left: Type, right: Type) -> bool:
    """Whether `==` can ever be true."""
    if DYN in (left, right) or left == right or (left in NUMERIC and right in NUMERIC):
        return True
    if isinstance(left, ListType) and isinstance(right, ListType):
        return equatable(left.item, right.item)
    if isinstance(left, OptionalType) and isinstance(right, OptionalType):
        return equatable(left.item, right.item)
    if isinstance(left, MapType) and isinstance(right, MapType):
        return equatable(left.key, right.key) and equatable(left.value, right.value)
    if isinstance(left, RefType) and isinstance(right, RefType):
        return False
    if isinstance(left, EnumType) and isinstance(right, EnumType):
        return not set(left.values).isdisjoint(right.values)
    return is_text(left) and is_text(right)


def join(left: Type, right: Type) -> Type:
    """The type of a value that has one of two types."""
    if left == right:
        return left
    if isinstance(left, EnumType) and isinstance(right, EnumType):
        return EnumType(tuple(dict.fromkeys((*left.values, *right.values))))
    if is_text(left) and is_text(right):
        return STRING
    if isinstance(left, ListType) and isinstance(right, ListType):
        return ListType(join(left.item, right.item))
    if isinstance(left, OptionalType) and isinstance(right, OptionalType):
        return OptionalType(join(left.item, right.item))
    return DYN
