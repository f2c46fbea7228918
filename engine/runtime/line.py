"""An event as a program hands it over becomes a line; one that is no JSON becomes a line that is refused, with the reason."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any

import msgspec

Line = bytes | str | Mapping[str, Any]

_encode = msgspec.json.Encoder().encode


class UnreadableLine(bytes):
    """What stands in the log of refusals for an event that JSON cannot hold: its text, which is no JSON either."""

    reason: str
    event: str | None
    source: str | None


def line_of(event: Line) -> bytes:
    """The event as a line of JSON, or an `UnreadableLine`. JSON would make null of NaN and infinity: they are refused."""
    try:
        if isinstance(event, (bytes, str)):
            return event if isinstance(event, bytes) else event.encode()
        line = _encode(event)
        # A number that is not finite shows as null; nearly no event has one, so nearly none is walked through.
        where = _infinite(event, "") if b"null" in line else None
    except (TypeError, ValueError, OverflowError, RecursionError) as failure:
        return _unreadable(event, str(failure))
    return line if where is None else _unreadable(event, f"{where} is not a finite number")


def _infinite(value: Any, path: str) -> str | None:
    """The way to the first number that is not finite; None where there is none."""
    if isinstance(value, float):
        return None if math.isfinite(value) else path.removeprefix(".")
    if isinstance(value, Mapping):
        found = (_infinite(item, f"{path}.{name}") for name, item in value.items())
    elif isinstance(value, (list, tuple)):
        found = (_infinite(item, f"{path}[{place}]") for place, item in enumerate(value))
    else:
        return None
    return next((where for where in found if where is not None), None)


def _unreadable(event: Line, reason: str) -> UnreadableLine:
    line = UnreadableLine(_text(event).encode(errors="backslashreplace"))
    line.reason = reason
    line.event, line.source = _named(event, "id"), _named(event, "source")
    return line


def _text(event: Line) -> str:
    try:
        return repr(event)
    except RecursionError:
        return reprlib.repr(event)


def _named(event: Line, name: str) -> str | None:
    """An identity that can be written down."""
    value = event.get(name) if isinstance(event, Mapping) else None
    return value.encode(errors="backslashreplace").decode().replace("\0", "\\u0000") if isinstance(value, str) else None
