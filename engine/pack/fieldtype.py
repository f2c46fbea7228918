"""Field types: `string`, `text`, `double?`, `list(string)`, `ref(rep)`, `KA | A | B`; what they mean in expressions and in JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.cel import BOOL, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, EnumType, ListType, MapType, RefType, Type
from engine.core.program import BlankError
from engine.pack.diagnostic import did_you_mean
from engine.pack.span import parse_instant, parse_span

Convert = Callable[[Any], Any]

_LIST = re.compile(r"list\((.*)\)\Z", re.DOTALL)
_REF = re.compile(r"ref\(\s*([\w.]*)\s*\)\Z")
_WORD = re.compile(r"[^\s|?=(){}\[\],\"']+\Z")
_INT_MAX = 2**63 - 1


class UnknownTypeError(ValueError):
    """A text that is no field type; `hint` may say what was meant, `code` is that of the diagnostic."""

    def __init__(self, message: str, hint: str | None = None, code: str = "unknown_type") -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


@dataclass(frozen=True, slots=True)
class FieldType:
    """A field type that was read. `convert(value)` takes JSON and gives the run-time value, or raises ValueError.

    What is of class `exact` and not empty needs no conversion. `ref` names the entity that a value refers to, `listed` the one that
    each item of a list does.
    """

    cel: Type
    optional: bool
    convert: Convert
    ref: str | None
    name: str
    default: str | None = None
    exact: type | None = None
    listed: str | None = None


def parse_type(text: str, entities: Iterable[str], *, default: bool = False) -> FieldType:
    """Read a field type; with `default` it may end in `= expression`. Raises UnknownTypeError."""
    body, _, given = text.partition("=") if default else (text, "", "")
    body = body.strip()
    optional = body.endswith("?")
    body = body.removesuffix("?").strip()
    cel, convert = _parse(body, frozenset(entities))
    ref = cel.entity if isinstance(cel, RefType) else None
    exact = str if convert in (_string, _reference) else bool if convert is _bool else None
    return FieldType(cel, optional, convert, ref, body, given.strip() or None, exact, _listed(cel))


def _listed(cel: Type) -> str | None:
    """What the items of a list refer to, however deep they lie."""
    inner = cel
    while isinstance(inner, ListType):
        inner = inner.item
    return inner.entity if inner is not cel and isinstance(inner, RefType) else None


def _parse(text: str, entities: frozenset[str]) -> tuple[Type, Convert]:
    if text in _PRIMITIVES:
        return _PRIMITIVES[text]
    inner = _LIST.match(text)
    if inner:
        item, convert = _parse(inner.group(1).strip(), entities)
        return ListType(item), _list_of(convert)
    reference = _REF.match(text)
    if reference:
        name = reference.group(1)
        if name not in entities:
            raise UnknownTypeError(f"there is no entity `{name}`", did_you_mean(name, entities), "unknown_entity")
        return RefType(name), _reference
    if "|" in text:
        values = _alternatives(text)
        return EnumType(values), _one_of(values)
    known = (*_PRIMITIVES, "list(string)", *(f"ref({name})" for name in entities))
    raise UnknownTypeError(
        f"there is no type `{text}`", did_you_mean(text, known) or "alternatives are written `A | B`"
    )


def _alternatives(text: str) -> tuple[str, ...]:
    values = tuple(part.strip() for part in text.split("|"))
    for value in values:
        if not _WORD.match(value):
            raise UnknownTypeError(f"`{value}` is not a word that an alternative can be")
    if len(set(values)) < len(values):
        raise UnknownTypeError("an alternative is given twice")
    return values


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"`{value[:40]}{'…' if len(value) > 40 else ''}`"
    if isinstance(value, (dict, list)):
        return "a map" if isinstance(value, dict) else "a list"
    return repr(value)[:40]


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a text, not {_shown(value)}")
    return value


def said(value: Any) -> str:
    """A text that says something."""
    text = _string(value)
    if not text.strip():
        raise BlankError("is blank")
    return text


def _reference(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be an id, not {_shown(value) if value != '' else 'an empty text'}")
    return value


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be a whole number, not {_shown(value)}")
    if not -_INT_MAX - 1 <= value <= _INT_MAX:
        raise ValueError("must fit into 64 bits")
    return value


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"must be a number, not {_shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("must be a number that fits into a double") from None
    if not math.isfinite(number):
        raise ValueError("must be a finite number")
    return number


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_shown(value)}")
    return value


def _timestamp(value: Any) -> datetime:
    return parse_instant(value)


def _duration(value: Any) -> timedelta:
    return parse_span(value)


def _map(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"must be a map, not {_shown(value)}")
    return value


def anything(value: Any) -> Any:
    """Whatever JSON holds, as it is."""
    return value


def _one_of(values: tuple[str, ...]) -> Convert:
    allowed = frozenset(values)

    def convert(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"must be one of {', '.join(values)}, not {_shown(value)}")
        return value

    return convert


def _list_of(item: Convert) -> Convert:
    def convert(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError(f"must be a list, not {_shown(value)}")
        found = []
        for index, part in enumerate(value):
            try:
                found.append(item(part))
            except ValueError as error:
                raise ValueError(f"item {index + 1}: {error}") from None
        return found

    return convert


_PRIMITIVES: dict[str, tuple[Type, Convert]] = {
    "string": (STRING, _string),
    "text": (STRING, said),
    "int": (INT, _int),
    "double": (DOUBLE, _double),
    "bool": (BOOL, _bool),
    "timestamp": (TIMESTAMP, _timestamp),
    "duration": (DURATION, _duration),
    "map": (MapType(STRING, DYN), _map),
    "any": (DYN, anything),
}
