"""The functions of the language: for each name its overloads, and how one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.cel import numbers, strings, timestamps
from engine.cel.errors import CelError
from engine.cel.scope import HostFunction
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
    UINT,
    ListType,
    Type,
    assignable,
)
from engine.cel.values import ANY_LIST, ANY_MAP, accepts, kind, mismatch

Result = Type | Callable[[Sequence[Type]], Type]


@dataclass(frozen=True, slots=True)
class Overload:
    """One form of a function. The receiver of a method is its first parameter; `rest` types further ones."""

    params: tuple[Type, ...]
    result: Result
    call: Callable[..., Any]
    rest: Type | None = None

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        return count == len(self.params) or (self.rest is not None and count > len(self.params))

    def param(self, position: int) -> Type:
        """The type that is wanted at a position."""
        return self.params[position] if position < len(self.params) else self.rest or DYN

    def fits(self, args: Sequence[Type]) -> bool:
        """Whether arguments of these static types may be passed."""
        return self.takes(len(args)) and all(assignable(a, self.param(i)) for i, a in enumerate(args))

    def accepts(self, args: Sequence[Any]) -> bool:
        """Whether these values may be passed."""
        return self.takes(len(args)) and all(accepts(self.param(i), a) for i, a in enumerate(args))

    def result_type(self, args: Sequence[Type]) -> Type:
        """The type of the result for arguments of these types."""
        return self.result(args) if callable(self.result) else self.result


Overloads = tuple[Overload, ...]


def _extreme_type(args: Sequence[Type]) -> Type:
    if len(args) == 1 and isinstance(args[0], ListType):
        return args[0].item if args[0].item in NUMERIC else DYN
    return args[0] if len(set(args)) == 1 else DYN


def _identity(value: Any) -> Any:
    return value


def type_name(value: Any) -> str:
    """The name of a value's type, as CEL calls it."""
    names = {
        ANY_LIST: "list",
        ANY_MAP: "map",
        NULL: "null_type",
        TIMESTAMP: "google.protobuf.Timestamp",
        DURATION: "google.protobuf.Duration",
    }
    return names.get(kind(value), str(kind(value)))


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
    "type": (Overload((DYN,), STRING, type_name),),
    "dyn": (Overload((DYN,), DYN, _identity),),
}


def _numeric(call: Callable[[float], float]) -> Overloads:
    return (Overload((DOUBLE,), DOUBLE, call), Overload((INT,), INT, _identity), Overload((UINT,), UINT, _identity))


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


FUNCTIONS: Mapping[str, Overloads] = {
    "size": _SIZE,
    **_CONVERSIONS,
    **_MATH,
    "days": _span("days"),
    "hours": _span("hours"),
    "minutes": _span("minutes"),
    "distance_m": (Overload((DOUBLE, DOUBLE, DOUBLE, DOUBLE), DOUBLE, numbers.distance_m),),
    "last_digit": (Overload((STRING,), INT, strings.last_digit),),
    "has_digit": (Overload((STRING,), BOOL, strings.has_digit),),
    "uid": (Overload((DYN,), STRING, strings.uid, rest=DYN),),
    "signed_by": (Overload((STRING, STRING), STRING, strings.signed_by),),
    "matches": (Overload((STRING, STRING), BOOL, strings.matches),),
}


def _parts() -> dict[str, Overloads]:
    found: dict[str, Overloads] = {
        name: (Overload((TIMESTAMP,), INT, call), Overload((TIMESTAMP, STRING), INT, call))
        for name, call in timestamps.TIMESTAMP_PARTS.items()
    }
    for name, call in timestamps.DURATION_PARTS.items():
        found[name] = (*found[name], Overload((DURATION,), INT, call))
    return found


METHODS: Mapping[str, Overloads] = {
    "size": _SIZE,
    "contains": (Overload((STRING, STRING), BOOL, str.__contains__),),
    "startsWith": (Overload((STRING, STRING), BOOL, str.startswith),),
    "endsWith": (Overload((STRING, STRING), BOOL, str.endswith),),
    "matches": FUNCTIONS["matches"],
    "lowerAscii": (Overload((STRING,), STRING, strings.lower_ascii),),
    "upperAscii": (Overload((STRING,), STRING, strings.upper_ascii),),
    "trim": (Overload((STRING,), STRING, str.strip),),
    "reverse": (Overload((STRING,), STRING, strings.reverse),),
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
    "lastIndexOf": (Overload((STRING, STRING), INT, strings.last_index_of),),
    "charAt": (Overload((STRING, INT), STRING, strings.char_at),),
    **_parts(),
}


def host(function: HostFunction) -> Overloads:
    """A function of the embedding program as an overload; what it raises becomes a CelError."""

    def call(*args: Any) -> Any:
        try:
            return function.call(*args)
        except CelError:
            raise
        except Exception as error:
            raise CelError("bad_argument", str(error) or type(error).__name__) from error

    return (Overload(function.params, function.result, call),)


def choose(overloads: Overloads, args: Sequence[Type]) -> Overload | None:
    """The one overload for static types; None when there is none or when run time has to decide."""
    fitting = [overload for overload in overloads if overload.fits(args)]
    return fitting[0] if fitting and (DYN not in args or len(fitting) == 1) else None


def dispatch(name: str, overloads: Overloads, *args: Any) -> Any:
    """Call the overload that takes these values. Raises CelError `type_mismatch` when none does."""
    for overload in overloads:
        if overload.accepts(args):
            return overload.call(*args)
    raise mismatch(f"`{name}`", *args)
