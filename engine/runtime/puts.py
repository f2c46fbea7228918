"""Entities that become known: tested against their declaration and against each other, then logged.

What one refers to must be known, or come in with it: the order of a file does not matter. Of several lines of one entity for one
instant the last one holds, and only that one is logged, so that the same file once more changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from engine.core.calendar import to_micros
from engine.core.program import FieldRule, Program
from engine.runtime.admission import BAD_TEXT, Refusal, fit, garbled, unkept, untimely
from engine.runtime.entities import EVER, Entities, items
from engine.runtime.head import Head

Data = dict[str, Any]
Name = tuple[str, str]
"""An entity: (kind, key)."""


class EntityLine(msgspec.Struct):
    """A line of an entity file."""

    entity: str
    data: Data
    at: datetime | None = None


@dataclass(slots=True)
class Put:
    """A version that fits its declaration, with what it refers to: (field, entity)."""

    name: Name
    data: Data
    at: int | None
    references: tuple[tuple[str, Name], ...]
    line: bytes


def take(head: Head, entity: str, data: Data, at: int | None) -> None:
    """Make an entity known from `at` on: by default now, or from ever where time has not begun. Refuses what does not fit."""
    _take(head, [_put(head.program, entity, data, at, f"{entity} {data}".encode())], [None])


def take_lines(head: Head, lines: Iterable[tuple[bytes, str | None]], default_at: int | None) -> None:
    """Take JSON lines `{"entity", "data", "at"?}`, each with its place, where it has one; what does not read or fit is refused there."""
    listed = list(lines)
    read = [_read(head.program, line, default_at) for line, _ in listed]
    _take(head, read, [place for _, place in listed])


def offered(head: Head, lines: Iterable[tuple[bytes, str]]) -> Entities:
    """What lines will make known; since ever, where they do not say since when."""
    read = (_read(head.program, line, None) for line, _ in lines)
    puts = [one for one in read if isinstance(one, Put)]
    missing, found = _missing(head, puts), Entities()
    for put in puts:
        if id(put) not in missing:
            found.put(*put.name, EVER if put.at is None else put.at, 0, put.data)
    return found


def _take(head: Head, found: Sequence[Put | Refusal], places: Sequence[str | None]) -> None:
    missing = _missing(head, [one for one in found if isinstance(one, Put)])
    kept: dict[tuple[Name, int], Data] = {}
    for one, place in zip(found, places, strict=True):
        if isinstance(one, Refusal):
            head.refuse(one, place)
        elif (problem := missing.get(id(one))) is not None:
            head.refuse(Refusal("unknown_reference", problem, one.line, at=one.at), place)
        else:
            instant = one.at if one.at is not None else head.now
            version = one.name, EVER if instant is None else instant
            kept.pop(version, None)
            kept[version] = one.data
    for (name, instant), data in kept.items():
        head.put(*name, instant, data)


def _read(program: Program, line: bytes, default_at: int | None) -> Put | Refusal:
    try:
        read = msgspec.json.decode(line, type=EntityLine)
    except msgspec.ValidationError as failure:
        code = "missing_field" if "missing required field" in str(failure) else "wrong_type"
        return Refusal(code, str(failure), line)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as failure:
        return Refusal("bad_json", f"not a JSON object: {failure}", line)
    if read.at is not None and (problem := untimely("at", read.at)) is not None:
        return Refusal(*problem, line)
    return _put(program, read.entity, read.data, default_at if read.at is None else to_micros(read.at), line)


def _put(program: Program, entity: str, data: Data, at: int | None, line: bytes) -> Put | Refusal:
    if garbled(line, [entity]):
        return Refusal(*BAD_TEXT, line, at=at)
    declared = program.entities.get(entity)
    if declared is None:
        return Refusal("unknown_entity", f"no entity `{entity}` is declared", line, at=at)
    key = data.get(declared.key)
    problem = unkept(line, data) or fit(data, declared.fields)
    if problem is None and (key is None or not str(key).strip()):
        problem = "missing_field", f"data.{declared.key} is empty: it is the key of a {entity}"
    if problem is not None:
        return Refusal(*problem, line, at=at)
    return Put((entity, str(key)), data, at, tuple(references(declared.fields, data)), line)


def references(fields: Iterable[FieldRule], data: Data) -> Iterator[tuple[str, Name]]:
    """What data refer to, by the fields that do: (field, entity)."""
    for rule in fields:
        kind = rule.ref or rule.listed
        if kind is not None:
            for key in items(data.get(rule.name)):
                yield rule.name, (kind, key)


def _missing(head: Head, puts: Sequence[Put]) -> dict[int, str]:
    """Why puts cannot be taken, by `id`: they refer to what is neither known nor comes with them, or to such a one in turn."""
    offered = Counter(put.name for put in puts)
    waiting: dict[Name, list[tuple[Put, str]]] = {}
    for put in puts:
        for field, target in put.references:
            if not head.entities.knows(*target):
                waiting.setdefault(target, []).append((put, field))
    missing: dict[int, str] = {}
    absent = [target for target in waiting if not offered[target]]
    while absent:
        target = absent.pop()
        for put, field in waiting.pop(target, ()):
            if id(put) in missing:
                continue
            missing[id(put)] = f"data.{field}: there is no {target[0]} `{target[1]}`"
            offered[put.name] -= 1
            if not offered[put.name]:
                absent.append(put.name)
    return missing
