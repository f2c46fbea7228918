"""The entrance: what a caller may send. Whoever asks is known by the key; what the lines say of that is not believed."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from engine.core.program import Program
from engine.core.step import ENGINE_EVENTS
from engine.runtime.admission import FUTURE_US, Arrival, Door, Refusal, uniques_of
from engine.runtime.puts import EntityLine
from engine.store import StoredKey

LONGEST = 512
"""Bytes of an id, a source or a key, at most: all of them are parts of indexes."""


class Entrance:
    """Reads lines of callers against a program. Pure: the instant of the receipt, in microseconds, is told."""

    def __init__(self, program: Program) -> None:
        self._door = Door(program)
        self._entities = program.entities

    def read(self, line: bytes, key: StoredKey, received: int, *, replayed: bool = False) -> Arrival | Refusal:
        """An event that this caller may send, or why not. What is `replayed` was sent by whoever may have its source."""
        found = self._door.read(line, trusted="system" in key.scopes)
        problem = _long(found.event if isinstance(found, Refusal) else found.event.id, "id")
        if problem is not None:
            return Refusal("too_long", problem, line)
        if isinstance(found, Refusal):
            named = found.source is not None and _long(found.source, "source") is not None
            return replace(found, source=None) if named else found
        return self._checked(found, key, received, replayed)

    def unkept(self, line: bytes) -> Refusal | None:
        """Why the line of an entity could not be kept, whatever else may be wrong with it."""
        try:
            read = msgspec.json.decode(line, type=EntityLine)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return None
        declared = self._entities.get(read.entity)
        problem = None if declared is None else _long(str(read.data.get(declared.key, "")), f"data.{declared.key}")
        return None if problem is None else Refusal("too_long", problem, line)

    def _checked(self, arrival: Arrival, key: StoredKey, received: int, replayed: bool) -> Arrival | Refusal:
        event = arrival.event
        problem = _foreign(event.source, key, replayed) or _engines(event.type, event.source) or _unkept(arrival)
        if problem is not None:
            source = event.source if _long(event.source, "source") is None else None
            return Refusal(*problem, arrival.line, event.id, source)
        if event.at > received + FUTURE_US:
            reason = "time lies more than 10 minutes after the receipt: is the sender's clock right?"
            return Refusal("future", reason, arrival.line, event.id, event.source)
        event.received_us = received
        event.roles = () if replayed else key.roles
        return arrival


Problem = tuple[str, str]


def _foreign(source: str, key: StoredKey, replayed: bool) -> Problem | None:
    if replayed or source == key.source:
        return None
    return "foreign_source", "source: the events of this key have another source"


def _engines(kind: str, source: str) -> Problem | None:
    """What not even a key of the system may write: what the engine alone says of itself."""
    if kind in ENGINE_EVENTS or kind.startswith("pack."):
        return "reserved_type", f"`{kind}` is written by the engine only"
    if source.split("/", 1)[0] == "rulewright":
        return "reserved_source", f"`{source}` is the engine's own source"
    return None


def _unkept(arrival: Arrival) -> Problem | None:
    event = arrival.event
    named = [("source", event.source), *((f"the key of {scope}", key) for scope, key in event.keys)]
    named += [(code, value) for code, value in uniques_of(event, arrival.declared)]
    found = next((problem for name, value in named if (problem := _long(value, name)) is not None), None)
    return None if found is None else ("too_long", found)


def _long(value: str | None, name: str) -> str | None:
    if value is None or len(value.encode(errors="replace")) <= LONGEST:
        return None
    return f"{name}: it is longer than {LONGEST} bytes"
