"""The door: a line becomes an event that fits its declaration, or a refusal with a code and a reason."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec

from engine.cel import CelError
from engine.core.calendar import to_micros
from engine.core.codec import digest
from engine.core.event import Event
from engine.core.program import BlankError, EventType, Exact, FieldRule, Program
from engine.runtime.line import UnreadableLine

LINE_BYTES = 256 * 1024
"""The longest line that is taken, in bytes."""

FUTURE_US = 600 * 1_000_000
"""How far ahead of its receipt an event may be: one wrong clock must not fire everything."""

MOST_DEPTH = 64
"""How deep data may be nested: what is written down must be readable from any depth of a program's own calls."""

FIRST_YEAR, LAST_YEAR = 1970, 2999
"""The years in which events may lie: calendars must be able to look back and ahead from there."""

_NUL = b"\\u0000"
"""The only way in which JSON says U+0000."""

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
        if _NUL in line and (refused := _garbled(line)) is not None:
            return refused
        try:
            envelope = self._decode(line)
        except msgspec.ValidationError as failure:
            return _misfit(line, str(failure))
        except (msgspec.DecodeError, RecursionError, UnicodeError) as failure:
            return Refusal("bad_json", f"not a JSON object: {failure}", line)
        return self._declared(envelope, line, trusted)

    def _declared(self, envelope: Envelope, line: bytes, trusted: bool) -> Arrival | Refusal:
        declared = self._events.get(envelope.type)
        problem = _unlawful(envelope, declared, trusted)
        if problem is not None or declared is None:
            return _refusal(envelope, line, problem)
        at, data = to_micros(envelope.time), envelope.data
        try:
            mark = digest((envelope.type, at, envelope.subject, data))
        except (OverflowError, RecursionError) as failure:
            return _refusal(envelope, line, _unkept(failure))
        problem = too_deep(line, data)
        if problem is None and not fits(data, declared.exact):
            problem = fit(data, declared.fields)
        elif problem is None and declared.rest:
            problem = fit(data, declared.rest)
        if problem is not None:
            return _refusal(envelope, line, problem)
        received = envelope.receivedtime
        event = Event(
            id=envelope.id,
            source=envelope.source,
            type=envelope.type,
            at=at,
            data=data,
            received_us=None if received is None or received.tzinfo is None else to_micros(received),
            subject=envelope.subject,
        )
        if event.received_us is not None and at > event.received_us + FUTURE_US:
            reason = "time lies more than 10 minutes after the receipt: is the sender's clock right?"
            return _refusal(envelope, line, ("future", reason))
        event.keys = keys_of(event, declared)
        return Arrival(event, mark, declared, line)


Problem = tuple[str, str]
"""Why something does not fit: (code, reason)."""


def _unlawful(envelope: Envelope, declared: EventType | None, trusted: bool) -> Problem | None:
    """What is wrong with an envelope, whatever its data say."""
    problem = untimely("time", envelope.time)
    if problem is not None:
        return problem
    if declared is None:
        return "unknown_type", f"no event type `{envelope.type}` is declared"
    if trusted:
        return None
    if envelope.type.startswith(RESERVED):
        return "reserved_type", f"`{envelope.type}` is written by the engine only"
    if envelope.source.startswith("rulewright") and envelope.source.split("/", 1)[0] == "rulewright":
        return "reserved_source", f"`{envelope.source}` is the engine's own source"
    return None


def untimely(field: str, instant: datetime) -> Problem | None:
    """The problem of an instant that has no offset, or lies where calendars cannot look back and ahead."""
    if instant.tzinfo is None:
        return "wrong_type", f"{field}: an RFC 3339 time with an offset is expected"
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        return "wrong_type", f"{field}: the year {instant.year} is not one of {FIRST_YEAR} to {LAST_YEAR}"
    return None


def unkept(line: bytes, data: dict[str, Any]) -> Problem | None:
    """The problem of data that a store could not give back: numbers beyond 64 bits, values that are no data, U+0000, endless nesting."""
    if garbled(line, data):
        return BAD_TEXT
    try:
        digest(data)
    except (OverflowError, RecursionError, TypeError) as failure:
        return _unkept(failure)
    return too_deep(line, data)


BAD_TEXT = "bad_text", "a text holds U+0000, which not every store can keep"


def garbled(line: bytes, value: Any) -> bool:
    """Whether any text in a value holds U+0000; nearly no line shows one, as JSON or as Python writes it, and is looked at."""
    return (_NUL in line or b"\\x00" in line or b"\0" in line) and _holds_nul(value)


def _holds_nul(value: Any) -> bool:
    level = [value]
    while level:
        if any(isinstance(one, str) and "\0" in one for one in level):
            return True
        held = [one for one in level if not isinstance(one, str)]
        inner = [item for one in held for item in (chain(one, one.values()) if isinstance(one, dict) else one)]
        level = [one for one in inner if isinstance(one, (str, dict, list))]
    return False


def _garbled(line: bytes) -> Refusal | None:
    """The refusal of a line in which a text holds U+0000. It says so with the identity as it can be written down."""
    try:
        loose = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    if not _holds_nul(loose):
        return None
    named = loose if isinstance(loose, dict) else {}
    event, source = (_legible(named.get(name)) for name in ("id", "source"))
    return Refusal(*BAD_TEXT, line, event, source)


def _legible(value: object) -> str | None:
    return value.replace("\0", "\\u0000") if isinstance(value, str) else None


def _unkept(failure: Exception) -> Problem:
    return "wrong_type", f"data cannot be kept: {failure}"


def _refusal(envelope: Envelope, line: bytes, problem: Problem | None) -> Refusal:
    assert problem is not None
    return Refusal(*problem, line, envelope.id, envelope.source)


def too_deep(line: bytes, data: dict[str, Any]) -> Problem | None:
    """The problem of data that are nested deeper than can be kept; nearly no line has brackets enough to be looked at."""
    if line.count(b"{") + line.count(b"[") <= MOST_DEPTH or _depth(data) <= MOST_DEPTH:
        return None
    return "wrong_type", f"data are nested more than {MOST_DEPTH} levels deep"


def _depth(data: Any) -> int:
    """How deep lists and maps are nested, looked at level by level, and no deeper than need be."""
    level, depth = [data], 0
    while level and depth <= MOST_DEPTH:
        depth += 1
        inner = [item for one in level for item in (one.values() if isinstance(one, dict) else one)]
        level = [one for one in inner if isinstance(one, (dict, list))]
    return depth


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


def fits(data: dict[str, Any], exact: Exact | None) -> bool:
    """Whether the fields of which only the class counts are all there, of their class and not empty."""
    if exact is None:
        return True
    try:
        values = exact.values(data)
    except KeyError:
        return False
    return exact.classes == (*map(type, values),) and all(values)


def fit(data: dict[str, Any], fields: tuple[FieldRule, ...]) -> Problem | None:
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
    direct = declared.direct
    if direct is not None:
        values = direct.values(event.data)
        if all(values):
            return tuple(zip(direct.scopes, values, strict=True))
    env = _Reading(event)
    try:
        found = declared.keys.run(env)
    except Exception:
        found = _keys_one_by_one(env, declared)
    for key in found.values():
        if not key or key.__class__ is not str:
            return tuple([(scope, str(key)) for scope, key in found.items() if key is not None and key != ""])
    return tuple(found.items())


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
