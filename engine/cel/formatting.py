"""`text.format(args)`: the clauses of the standard's string extension."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.cel.denotation import Denotation, Optional
from engine.cel.errors import CelError
from engine.cel.numbers import string_from_bool, string_from_double
from engine.cel.timestamps import format_duration, format_timestamp
from engine.cel.values import LARGEST, mismatch, too_large

_CLAUSE = re.compile(r"%(?:%|(?:\.(?P<precision>\d{1,3}))?(?P<letter>.?))", re.DOTALL)
_PRECISION = 6


def formatted(text: str, args: Sequence[Any]) -> str:
    """The text with its clauses (`%s %d %f %e %b %o %x %X`, `%.2f`) replaced by the arguments, in order.

    Raises CelError `bad_argument` for an unknown clause, `out_of_range` for too few arguments, `type_mismatch` for an
    argument of another type than its clause takes.
    """
    parts: list[str] = []
    size = position = used = 0
    for clause in _CLAUSE.finditer(text):
        parts.append(text[position : clause.start()])
        position = clause.end()
        if clause.group() == "%%":
            parts.append("%")
        else:
            parts.append(_clause(clause, args, used))
            used += 1
        size += len(parts[-1]) + len(parts[-2])
        if size > LARGEST:
            raise too_large()
    return "".join([*parts, text[position:]])


def _clause(clause: re.Match[str], args: Sequence[Any], position: int) -> str:
    write = _CLAUSES.get(clause["letter"])
    if write is None or (clause["precision"] is not None and clause["letter"] not in "fe"):
        raise CelError("bad_argument", f"unknown formatting clause `{clause.group():.20}`")
    if position >= len(args):
        raise CelError("out_of_range", f"no argument {position} of {len(args)} for `{clause.group()}`")
    return write(args[position], int(clause["precision"] or _PRECISION))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _special(value: float) -> str | None:
    if math.isnan(value):
        return "NaN"
    return None if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"


def _decimal(value: Any, _precision: int) -> str:
    special = _special(value) if isinstance(value, float) else None
    if special is None and not (_is_whole(value) or (isinstance(value, float) and value.is_integer())):
        raise mismatch("`%d`", value)
    return special or str(int(value))


def _double(letter: str) -> Callable[[Any, int], str]:
    def write(value: Any, precision: int) -> str:
        if not isinstance(value, float) and not _is_whole(value):
            raise mismatch(f"`%{letter}`", value)
        return _special(value) or f"{float(value):.{precision}{letter}}"

    return write


def _binary(value: Any, _precision: int) -> str:
    if not isinstance(value, int):
        raise mismatch("`%b`", value)
    return f"{int(value):b}"


def _octal(value: Any, _precision: int) -> str:
    if not _is_whole(value):
        raise mismatch("`%o`", value)
    return f"{int(value):o}"


def _hexadecimal(value: Any, _precision: int) -> str:
    if isinstance(value, (str, bytes)):
        if len(value) > LARGEST // 8:
            raise too_large()
        return (value.encode() if isinstance(value, str) else value).hex()
    if not _is_whole(value):
        raise mismatch("`%x`", value)
    return f"{int(value):x}"


def _string(value: Any, _precision: int) -> str:
    written = _Writer()
    written.write(value)
    return "".join(written.parts)


class _Writer:
    """Text of a value, bounded while it is made: lists may hold the same long list many times."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.room = LARGEST

    def put(self, text: str) -> None:
        self.room -= len(text) + 1
        if self.room < 0:
            raise too_large()
        self.parts.append(text)

    def write(self, value: Any) -> None:
        if isinstance(value, (list, tuple)):
            self.sequence("[", "]", value)
        elif isinstance(value, dict):
            self.map(value)
        else:
            self.put(_scalar(value))

    def sequence(self, opening: str, closing: str, items: Sequence[Any]) -> None:
        self.put(opening)
        for place, item in enumerate(items):
            if place:
                self.put(", ")
            self.write(item)
        self.put(closing)

    def map(self, entries: Mapping[Any, Any]) -> None:
        self.put("{")
        for place, (name, value) in enumerate(sorted((_scalar(name), value) for name, value in entries.items())):
            self.put(f"{', ' if place else ''}{name}: ")
            self.write(value)
        self.put("}")


def _scalar(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return string_from_bool(value)
        case None:
            return "null"
        case int():
            return str(int(value))
        case float():
            return _special(value) or string_from_double(value)
        case bytes():
            return value.decode(errors="replace")
        case datetime():
            return format_timestamp(value)
        case timedelta():
            return format_duration(value)
        case Denotation():
            return value.name
        case Optional():
            return f"optional({_scalar(value.value)})" if value.present else "optional.none()"
    raise mismatch("`%s`", value)


_CLAUSES: Mapping[str, Callable[[Any, int], str]] = {
    "s": _string,
    "d": _decimal,
    "f": _double("f"),
    "e": _double("e"),
    "b": _binary,
    "o": _octal,
    "x": _hexadecimal,
    "X": lambda value, precision: _hexadecimal(value, precision).upper(),
}
