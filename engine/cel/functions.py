"""The functions of the language: for each name its overloads."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.cel import formatting, lists, numbers, optionals, strings, timestamps
from engine.cel.denotation import Denotation
from engine.cel.overloads import Overload, Overloads
from engine.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    NUMERIC,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    ListType,
    OptionalType,
    Type,
    join,
)
from engine.cel.values import ANY_LIST, ANY_MAP, ANY_OPTIONAL, UINT_MAX, UInt, kind


def _extreme_type(args: Sequence[Type]) -> Type:
    if len(args) == 1 and isinstance(args[0], ListType):
        return args[0].item if args[0].item in NUMERIC else DYN
    return args[0] if len(set(args)) == 1 else DYN


def _identity(value: Any) -> Any:
    return value


def denoted(value: Any) -> Denotation:
    """The type of a value, as a value."""
    names = {
        ANY_LIST: "list",
        ANY_MAP: "map",
        ANY_OPTIONAL: "optional_type",
        NULL: "null_type",
        TIMESTAMP: "google.protobuf.Timestamp",
        DURATION: "google.protobuf.Duration",
    }
    return Denotation(names.get(kind(value), str(kind(value))))


_SIZE = tuple(Overload((of,), INT, len) for of in (STRING, BYTES, ANY_LIST, ANY_MAP))
_CONVERSIONS: dict[str, Overloads] = {
    "int": (
        Overload((INT,), INT, _identity),
        Overload((UINT,), INT, numbers.int_from_uint),
        Overload((DOUBLE,), INT, numbers.int_from_double),
        Overload((STRING,), INT, numbers.int_from_string),
        Overload((TIMESTAMP,), INT, timestamps.to_seconds),
    ),
    "uint": (
        Overload((UINT,), UINT, _identity),
        Overload((INT,), UINT, numbers.uint_from_int),
        Overload((DOUBLE,), UINT, numbers.uint_from_double),
        Overload((STRING,), UINT, numbers.uint_from_string),
    ),
    "double": (
        Overload((DOUBLE,), DOUBLE, _identity),
        Overload((INT,), DOUBLE, float),
        Overload((UINT,), DOUBLE, float),
        Overload((STRING,), DOUBLE, numbers.double_from_string),
    ),
    "string": (
        Overload((STRING,), STRING, _identity),
        Overload((INT,), STRING, int.__str__),
        Overload((UINT,), STRING, lambda value: str(int(value))),
        Overload((DOUBLE,), STRING, numbers.string_from_double),
        Overload((BOOL,), STRING, numbers.string_from_bool),
        Overload((BYTES,), STRING, strings.decode),
        Overload((TIMESTAMP,), STRING, timestamps.format_timestamp),
        Overload((DURATION,), STRING, timestamps.format_duration),
    ),
    "bytes": (Overload((BYTES,), BYTES, _identity), Overload((STRING,), BYTES, str.encode)),
    "bool": (Overload((BOOL,), BOOL, _identity), Overload((STRING,), BOOL, numbers.bool_from_string)),
    "timestamp": (
        Overload((TIMESTAMP,), TIMESTAMP, _identity),
        Overload((STRING,), TIMESTAMP, timestamps.parse_timestamp),
        Overload((INT,), TIMESTAMP, timestamps.from_seconds),
    ),
    "duration": (
        Overload((DURATION,), DURATION, _identity),
        Overload((STRING,), DURATION, timestamps.parse_duration),
    ),
    "type": (Overload((DYN,), TYPE, denoted),),
    "dyn": (Overload((DYN,), DYN, _identity),),
}


def _numeric(call: Callable[[float], float]) -> Overloads:
    return (Overload((DOUBLE,), DOUBLE, call), Overload((INT,), INT, _identity), Overload((UINT,), UINT, _identity))


def _bits(combine: Callable[[int, int], int]) -> Overloads:
    return (
        Overload((INT, INT), INT, combine),
        Overload((UINT, UINT), UINT, lambda left, right: UInt(combine(int(left), int(right)))),
    )


_MATH: dict[str, Overloads] = {
    "math.abs": (
        Overload((INT,), INT, numbers.absolute),
        Overload((UINT,), UINT, _identity),
        Overload((DOUBLE,), DOUBLE, abs),
    ),
    "math.ceil": _numeric(numbers.ceil),
    "math.floor": _numeric(numbers.floor),
    "math.round": _numeric(numbers.round_half_away),
    "math.trunc": _numeric(numbers.trunc),
    "math.sign": (
        Overload((INT,), INT, numbers.sign),
        Overload((UINT,), UINT, lambda value: UInt(numbers.sign(value))),
        Overload((DOUBLE,), DOUBLE, numbers.sign_of_double),
    ),
    "math.sqrt": tuple(Overload((of,), DOUBLE, numbers.square_root) for of in (DOUBLE, INT, UINT)),
    "math.isNaN": (Overload((DOUBLE,), BOOL, math.isnan),),
    "math.isInf": (Overload((DOUBLE,), BOOL, math.isinf),),
    "math.isFinite": (Overload((DOUBLE,), BOOL, math.isfinite),),
    "math.bitAnd": _bits(operator.and_),
    "math.bitOr": _bits(operator.or_),
    "math.bitXor": _bits(operator.xor),
    "math.bitNot": (
        Overload((INT,), INT, operator.invert),
        Overload((UINT,), UINT, lambda value: UInt(~int(value) & UINT_MAX)),
    ),
    "math.bitShiftLeft": (
        Overload((INT, INT), INT, numbers.shift_left),
        Overload((UINT, INT), UINT, numbers.shift_uint_left),
    ),
    "math.bitShiftRight": (
        Overload((INT, INT), INT, numbers.shift_right),
        Overload((UINT, INT), UINT, numbers.shift_uint_right),
    ),
    "math.greatest": (
        Overload((ANY_LIST,), _extreme_type, numbers.greatest),
        Overload((DYN,), _extreme_type, numbers.greatest, rest=DYN),
    ),
    "math.least": (
        Overload((ANY_LIST,), _extreme_type, numbers.least),
        Overload((DYN,), _extreme_type, numbers.least, rest=DYN),
    ),
}


def _span(unit: str) -> Overloads:
    make = timestamps.span(unit)
    return (Overload((INT,), DURATION, make), Overload((DOUBLE,), DURATION, make))


def _item_type(args: Sequence[Type]) -> Type:
    return args[0].item if isinstance(args[0], OptionalType) else DYN


def _default_type(args: Sequence[Type]) -> Type:
    return join(_item_type(args), args[1])


def _optional_of(args: Sequence[Type]) -> Type:
    return OptionalType(args[0])


_OPTIONALS: dict[str, Overloads] = {
    "optional.of": (Overload((DYN,), _optional_of, optionals.of),),
    "optional.ofNonZeroValue": (Overload((DYN,), _optional_of, optionals.of_non_zero),),
    "optional.none": (Overload((), ANY_OPTIONAL, optionals.none),),
}

FUNCTIONS: Mapping[str, Overloads] = {
    "size": _SIZE,
    **_CONVERSIONS,
    **_MATH,
    **_OPTIONALS,
    "days": _span("days"),
    "hours": _span("hours"),
    "minutes": _span("minutes"),
    "distance_m": (Overload((DOUBLE, DOUBLE, DOUBLE, DOUBLE), DOUBLE, numbers.distance_m),),
    "last_digit": (Overload((STRING,), INT, strings.last_digit),),
    "has_digit": (Overload((STRING,), BOOL, strings.has_digit),),
    "uid": (Overload((DYN,), STRING, strings.uid, rest=DYN),),
    "signed_by": (Overload((STRING, STRING), STRING, strings.signed_by),),
    "matches": (Overload((STRING, STRING), BOOL, strings.matches),),
    "strings.quote": (Overload((STRING,), STRING, strings.quoted),),
    "base64.encode": (Overload((BYTES,), STRING, strings.base64_encoded),),
    "base64.decode": (Overload((STRING,), BYTES, strings.base64_decoded),),
    "lists.range": (Overload((INT,), ListType(INT), lists.up_to),),
}


def _parts() -> dict[str, Overloads]:
    found: dict[str, Overloads] = {
        name: (Overload((TIMESTAMP,), INT, call), Overload((TIMESTAMP, STRING), INT, call))
        for name, call in timestamps.TIMESTAMP_PARTS.items()
    }
    for name, call in timestamps.DURATION_PARTS.items():
        found[name] = (*found[name], Overload((DURATION,), INT, call))
    return found


def _same_list(args: Sequence[Type]) -> Type:
    return args[0] if isinstance(args[0], ListType) else ANY_LIST


def _flat_list(args: Sequence[Type]) -> Type:
    inner = args[0].item if isinstance(args[0], ListType) else DYN
    return inner if isinstance(inner, ListType) else _same_list(args) if inner != DYN else ANY_LIST


def _item_of(args: Sequence[Type]) -> Type:
    return OptionalType(args[0].item if isinstance(args[0], ListType) else DYN)


METHODS: Mapping[str, Overloads] = {
    "size": _SIZE,
    "contains": (Overload((STRING, STRING), BOOL, str.__contains__),),
    "startsWith": (Overload((STRING, STRING), BOOL, str.startswith),),
    "endsWith": (Overload((STRING, STRING), BOOL, str.endswith),),
    "matches": FUNCTIONS["matches"],
    "lowerAscii": (Overload((STRING,), STRING, strings.lower_ascii),),
    "upperAscii": (Overload((STRING,), STRING, strings.upper_ascii),),
    "trim": (Overload((STRING,), STRING, str.strip),),
    "reverse": (
        Overload((STRING,), STRING, strings.reverse),
        Overload((ANY_LIST,), _same_list, lists.backwards),
    ),
    "format": (Overload((STRING, ANY_LIST), STRING, formatting.formatted),),
    "slice": (Overload((ANY_LIST, INT, INT), _same_list, lists.part),),
    "flatten": (
        Overload((ANY_LIST,), _flat_list, lists.flattened),
        Overload((ANY_LIST, INT), ANY_LIST, lists.flattened),
    ),
    "distinct": (Overload((ANY_LIST,), _same_list, lists.distinct),),
    "sort": (Overload((ANY_LIST,), _same_list, lists.ordered),),
    "first": (Overload((ANY_LIST,), _item_of, lists.first),),
    "last": (Overload((ANY_LIST,), _item_of, lists.last),),
    "replace": (
        Overload((STRING, STRING, STRING), STRING, strings.replace),
        Overload((STRING, STRING, STRING, INT), STRING, strings.replace),
    ),
    "split": (
        Overload((STRING, STRING), ListType(STRING), strings.split),
        Overload((STRING, STRING, INT), ListType(STRING), strings.split),
    ),
    "join": (
        Overload((ListType(STRING),), STRING, strings.join),
        Overload((ListType(STRING), STRING), STRING, strings.join),
    ),
    "substring": (
        Overload((STRING, INT), STRING, strings.substring),
        Overload((STRING, INT, INT), STRING, strings.substring),
    ),
    "indexOf": (
        Overload((STRING, STRING), INT, strings.index_of),
        Overload((STRING, STRING, INT), INT, strings.index_of),
    ),
    "lastIndexOf": (
        Overload((STRING, STRING), INT, strings.last_index_of),
        Overload((STRING, STRING, INT), INT, strings.last_index_of),
    ),
    "hasValue": (Overload((ANY_OPTIONAL,), BOOL, optionals.has_value),),
    "value": (Overload((ANY_OPTIONAL,), _item_type, optionals.value),),
    "or": (Overload((ANY_OPTIONAL, ANY_OPTIONAL), lambda args: join(*args), optionals.either),),
    "orValue": (Overload((ANY_OPTIONAL, DYN), _default_type, optionals.value_or),),
    "charAt": (Overload((STRING, INT), STRING, strings.char_at),),
    **_parts(),
}
