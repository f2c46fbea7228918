"""Outcome records as people and programs read them: JSON objects with the fields of the contract, in its order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from engine.core.calendar import MICROSECOND, Calendar
from engine.core.event import Record
from engine.core.program import Program


class Writer:
    """Turns records into mappings and JSON lines. Times are written in the zone of the pack's calendar."""

    def __init__(self, program: Program) -> None:
        self._revision = program.revision
        self._calendar: Calendar = program.calendar
        self._encode = msgspec.json.Encoder(enc_hook=str).encode

    def mapping(self, record: Record) -> dict[str, Any]:
        """The record as a mapping: kind, id, at, event, scope, key, name, revision, and the fields of its kind."""
        return {
            "kind": record.kind,
            "id": record.id,
            "at": self._calendar.stamp(record.at) if record.at is not None else None,
            "event": record.event,
            "scope": record.scope,
            "key": record.key,
            "name": record.name,
            "revision": record.revision or self._revision,
            **self._shown(record.fields),
        }

    def line(self, record: Record) -> bytes:
        """The record as one JSON line, without the line's end."""
        return self._encode(self.mapping(record))

    def _shown(self, fields: dict[str, Any]) -> dict[str, Any]:
        if _PLAIN.issuperset(map(type, fields.values())):
            return fields
        return {name: self._plain(value) for name, value in fields.items()}

    def _plain(self, value: Any) -> Any:
        if value.__class__ in _PLAIN:
            return value
        if (
            value.__class__ is dict
            and _PLAIN.issuperset(map(type, value.values()))
            and _TEXT.issuperset(map(type, value))
        ):
            return dict(value)
        if isinstance(value, datetime):
            return value.astimezone(self._calendar.zone).isoformat()
        if isinstance(value, timedelta):
            return span(value)
        if isinstance(value, dict):
            return {str(key): self._plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._plain(item) for item in value]
        return value if isinstance(value, (str, int, float, bool)) else str(value)


_TEXT = frozenset((str,))
_PLAIN = frozenset((str, int, float, bool, type(None)))


def span(value: timedelta) -> str:
    """A duration in CEL's form: seconds with an `s`, e.g. `172800s`, `0.5s`."""
    micros = value // MICROSECOND
    seconds, rest = divmod(abs(micros), 1_000_000)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{'-' if micros < 0 else ''}{seconds}{fraction}s"
