"""The door: a line becomes an event that fits its declaration, or a refusal with a code and a reason."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from engine.cel import CelError
from engine.core.calendar import to_micros
from engine.core.codec import digest
from engine.core.event import Event
from engine.core.program import BlankError, EventType, FieldRule, Program
from engine.runtime.line import UnreadableLine

LINE_BYTES = 256 * 1024
"""The longest line that is taken, in bytes."""

FUTURE_US = 600 * 1_000_000
"""How far ahead of its receipt an event may be: one wrong clock must not fire everything."""

RESERVED = ("timer.", "action.", "pack.", "entity.")


class Envelope(msgspec.Struct):
    """A CloudEvents 1.0 object as it arrives."""

    id: str
    source: str
    type: str
    time: datetime
    data: dict[str, Any] = {}
    specversion: str = "1.0"
    subject: str | None = None
    receivedtime: datetime | None = None


@dataclass(slots=True)
class Refusal:
    """Why something was not taken. `event` and `source` where they could be read."""

    code: str
    reason: str
    line: bytes
    event: str | None = None
    source: str | None = None
    at: int | None = None


@dataclass(slots=True)
class Arrival:
    """An event that fits its declaration; whether it may be appended now is decided next."""

    event: Event
    digest: bytes
    declared: EventType
    line: bytes


class _Reading:
    """What key expressions can see: the event alone."""

    __slots__ = ("data", "event")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.data = event.data


class Door:
    """Reads lines against a program's declarations. Knows nothing of time or of what was seen before."""

    def __init__(self, program: Program) -> None:
        self._events = program.events
        self._decode = msgspec.json.Decoder(Envelope).decode

    def read(self, line: bytes, *, trusted: bool = False) -> Arrival | Refusal:
        """One CloudEvents JSON object. `trusted`: reserved types may be written (receipts of the engine's own workers)."""
        if isinstance(line, UnreadableLine):
            return Refusal("bad_json", f"not JSON: {line.reason}", bytes(line), line.event, line.source)
        if len(line) > LINE_BYTES:
            return Refusal("too_large", f"the line has {len(line)} bytes; {LINE_BYTES} are allowed", line)
        try:
            envelope = self._decode(line)
        except msgspec.ValidationError as failure:
            return _misfit(line, str(failure))
        except (msgspec.DecodeError, RecursionError, UnicodeError) as failure:
            return Refusal("bad_json", f"not a JSON object: {failure}", line)
        return self._declared(envelope, line, trusted)

    def _declared(self, envelope: Envelope, line: bytes, trusted: bool) -> Arrival | Refusal:
        declared = self._events.get(envelope.type)
        refuse = _Refuser(envelope, line)
        if envelope.time.tzinfo is None:
            return refuse("wrong_type", "time: an RFC 3339 time with an offset is expected")
        if declared is None:
            return refuse("unknown_type", f"no event type `{envelope.type}` is declared")
        if not trusted and envelope.type.startswith(RESERVED):
            return refuse("reserved_type", f"`{envelope.type}` is written by the engine only")
        if not trusted and envelope.source.split("/", 1)[0] == "rulewright":
            return refuse("reserved_source", f"`{envelope.source}` is the engine's own source")
        at = to_micros(envelope.time)
        mark = digest([envelope.type, at, envelope.subject, envelope.data])
        problem = fit(envelope.data, declared.fields)
        if problem is not None:
            return refuse(*problem)
        received = envelope.receivedtime
        event = Event(
            id=envelope.id,
            source=envelope.source,
            type=envelope.type,
            at=at,
            data=envelope.data,
            received_us=None if received is None or received.tzinfo is None else to_micros(received),
            subject=envelope.subject,
        )
        if event.received_us is not None and event.at > event.received_us + FUTURE_US:
            return refuse("future", "time lies more than 10 minutes after the receipt: is the sender's clock right?")
        event.keys = keys_of(event, declared)
        return Arrival(event, mark, declared, line)


class _Refuser:
    """Makes refusals of one envelope."""

    def __init__(self, envelope: Envelope, line: bytes) -> None:
        self._envelope = envelope
        self._line = line

    def __call__(self, code: str, reason: str) -> Refusal:
        envelope = self._envelope
        return Refusal(code, reason, self._line, envelope.id, envelope.source)


def _misfit(line: bytes, message: str) -> Refusal:
    code = "missing_field" if "missing required field" in message else "wrong_type"
    try:
        loose = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError) as failure:
        return Refusal("bad_json", f"not a JSON object: {failure}", line)
    if not isinstance(loose, dict):
        return Refusal("bad_json", "a JSON object is expected", line)
    number, source = loose.get("id"), loose.get("source")
    return Refusal(
        code,
        message,
        line,
        number if isinstance(number, str) else None,
        source if isinstance(source, str) else None,
    )


def fit(data: dict[str, Any], fields: tuple[FieldRule, ...]) -> tuple[str, str] | None:
    """Turn the declared fields of `data` into run-time values, in place. Returns (code, reason) for the first that does not fit.

    A null, and a blank `text`, count as absent; undeclared fields are kept as they are.
    """
    for rule in fields:
        value = data.get(rule.name)
        if value and value.__class__ is rule.exact:
            continue
        if value is None:
            if not rule.optional:
                return "missing_field", f"data.{rule.name} is missing ({rule.type_name})"
            data.pop(rule.name, None)
        elif rule.convert is not None:
            try:
                data[rule.name] = rule.convert(value)
            except BlankError as failure:
                if not rule.optional:
                    return "missing_field", f"data.{rule.name} {failure}"
                del data[rule.name]
            except ValueError as failure:
                return "wrong_type", f"data.{rule.name}: {failure}"
    return None


def keys_of(event: Event, declared: EventType) -> tuple[tuple[str, str], ...]:
    """The partitions that an event reaches. A key whose field is absent, or empty, reaches none."""
    env = _Reading(event)
    try:
        found = declared.keys.run(env)
    except Exception:
        found = _keys_one_by_one(env, declared)
    return tuple([(scope, str(key)) for scope, key in found.items() if key is not None and key != ""])


def _keys_one_by_one(env: _Reading, declared: EventType) -> dict[str, Any]:
    """The keys of an event for which one of them fails to evaluate: that one reaches no partition."""
    found: dict[str, Any] = {}
    for scope, expression in declared.keys.pairs:
        with suppress(CelError):
            found[scope] = expression.run(env)
    return found


def uniques_of(event: Event, declared: EventType) -> list[tuple[str, str]]:
    """What an event must be the first to have: (code, value); an absent value claims nothing."""
    env = _Reading(event)
    found: list[tuple[str, str]] = []
    for code, expression in declared.unique:
        try:
            value = expression.run(env)
        except CelError:
            continue
        if value is not None:
            found.append((code, str(value)))
    return found
