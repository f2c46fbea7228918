"""Spans of time, dates and instants as configurators write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:w|d|h|ms|m|s))+\Z")
_PART = re.compile(r"(\d+(?:\.\d+)?)(w|d|h|ms|m|s)")
_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
MAX_SPAN = timedelta(days=36_500)


def is_span(text: str) -> bool:
    """Whether a text reads as a span of time."""
    return bool(_SPAN.match(text))


def parse_span(text: object) -> timedelta:
    """`72h`, `7d`, `1h30m`, `2w`, `500ms`. Raises ValueError with a sentence."""
    if not isinstance(text, str) or not _SPAN.match(text):
        raise ValueError(f"{_shown(text)} is not a span of time such as 72h, 7d or 1h30m")
    total = timedelta()
    for count, unit in _PART.findall(text):
        if float(count) > 1e9:
            raise ValueError(f"{_shown(text)} is longer than 100 years")
        total += float(count) * _UNITS[unit]
    if total > MAX_SPAN:
        raise ValueError(f"{_shown(text)} is longer than 100 years")
    return total


def micros(span: timedelta) -> int:
    """A span in microseconds, exactly."""
    return span // timedelta(microseconds=1)


def parse_instant(text: object) -> datetime:
    """RFC 3339 with an offset, as an aware instant in UTC. Raises ValueError with a sentence."""
    if isinstance(text, str) and _INSTANT.match(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{_shown(text)} is not an instant: {error}") from None
    raise ValueError(f"{_shown(text)} is not an instant with an offset such as 2026-03-02T09:00:00+08:00")


def parse_date(text: object) -> date:
    """`2026-03-02`. Raises ValueError with a sentence."""
    if isinstance(text, str) and _DATE.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError(f"{_shown(text)} is not a date such as 2026-03-02")


def parse_start(text: object, zone: ZoneInfo) -> datetime:
    """An instant, or the first instant of a local day. Raises ValueError with a sentence."""
    if isinstance(text, str) and _DATE.match(text):
        return datetime.combine(parse_date(text), time(), zone).astimezone(UTC)
    try:
        return parse_instant(text)
    except ValueError:
        raise ValueError(f"{_shown(text)} is neither a date such as 2026-03-02 nor an instant with an offset") from None


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return f"`{text[:40]}{'…' if len(text) > 40 else ''}`"
