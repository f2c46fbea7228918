"""Instants and lengths of time: reading, writing and their parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from engine.cel.arithmetic import LONGEST_DURATION, length_of_time
from engine.cel.errors import CelError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_INSTANT = re.compile(r"(\d{4,9})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)", re.ASCII)
_LENGTH = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:h|ms|us|µs|ns|m|s))+|[+-]?0", re.ASCII)
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|us|µs|ns|m|s)", re.ASCII)
_MICROSECONDS: Mapping[str, Fraction] = {
    "h": Fraction(3_600_000_000),
    "m": Fraction(60_000_000),
    "s": Fraction(1_000_000),
    "ms": Fraction(1000),
    "us": Fraction(1),
    "µs": Fraction(1),
    "ns": Fraction(1, 1000),
}


def parse_timestamp(text: str) -> datetime:
    """An RFC 3339 instant in UTC; digits below a microsecond are cut off."""
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise CelError("bad_argument", f"not an RFC 3339 timestamp: {text!r:.80}")
    *numbers, fraction, zone = match.groups()
    try:
        year, month, day, hour, minute, second = map(int, numbers)
        micros = int((fraction or "0").ljust(6, "0")[:6])
        local = datetime(year, month, day, hour, minute, second, micros, tzinfo=_zone(zone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise CelError("out_of_range", f"no such instant: {text!r:.80}") from None


def from_seconds(seconds: int) -> datetime:
    """The instant so many seconds after 1970-01-01T00:00:00Z."""
    try:
        return EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise CelError("overflow", "the instant is outside the years 1 to 9999") from None


def to_seconds(instant: datetime) -> int:
    """Whole seconds since 1970-01-01T00:00:00Z, rounded down."""
    return (instant - EPOCH) // _SECOND


def parse_duration(text: str) -> timedelta:
    """A length such as `1h30m`, `-1.5s` or `250ms`; what is below a microsecond is rounded."""
    if _LENGTH.fullmatch(text) is None or len(text) > 100:
        raise CelError("bad_argument", f"not a duration: {text!r:.80}")
    parts = _PART.findall(text)
    total = round(sum(Fraction("0" + number) * _MICROSECONDS[unit] for number, unit in parts))
    if total > LONGEST_DURATION // timedelta(microseconds=1):
        raise CelError("out_of_range", "the duration is outside its range")
    return length_of_time(timedelta(microseconds=-total if text.startswith("-") else total))


def format_timestamp(instant: datetime) -> str:
    """RFC 3339 in UTC, with as many fractional digits as needed."""
    utc = instant.astimezone(UTC)
    return f"{utc.year:04d}-{utc:%m-%dT%H:%M:%S}{_fraction(utc.microsecond)}Z"


def format_duration(length: timedelta) -> str:
    """Seconds with the unit: `5400s`, `-1.5s`."""
    sign = "-" if length < timedelta(0) else ""
    seconds, rest = divmod(abs(length), _SECOND)
    return f"{sign}{seconds}{_fraction(rest.microseconds)}s"


def _fraction(micros: int) -> str:
    return f".{micros:06d}".rstrip("0") if micros else ""


def _zone(name: str) -> tzinfo:
    if name in ("Z", "z", "UTC"):
        return UTC
    match = _OFFSET.fullmatch(name)
    if match is None:
        return ZoneInfo(name)
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)


def _local(instant: datetime, zone: str) -> datetime:
    try:
        return instant.astimezone(_zone(zone))
    except (ValueError, OSError, LookupError, OverflowError):
        raise CelError("bad_argument", f"no time zone {zone!r:.80}") from None


_PARTS: Mapping[str, Callable[[datetime], int]] = {
    "getFullYear": lambda at: at.year,
    "getMonth": lambda at: at.month - 1,
    "getDate": lambda at: at.day,
    "getDayOfMonth": lambda at: at.day - 1,
    "getDayOfWeek": lambda at: at.isoweekday() % 7,
    "getDayOfYear": lambda at: at.timetuple().tm_yday - 1,
    "getHours": lambda at: at.hour,
    "getMinutes": lambda at: at.minute,
    "getSeconds": lambda at: at.second,
    "getMilliseconds": lambda at: at.microsecond // 1000,
}


def _getter(part: Callable[[datetime], int]) -> Callable[..., int]:
    def get(instant: datetime, zone: str = "UTC") -> int:
        return part(_local(instant, zone))

    return get


TIMESTAMP_PARTS: Mapping[str, Callable[..., int]] = {name: _getter(part) for name, part in _PARTS.items()}


def _truncated(length: timedelta, unit: timedelta) -> int:
    count = abs(length) // unit
    return -count if length < timedelta(0) else count


DURATION_PARTS: Mapping[str, Callable[[timedelta], int]] = {
    "getHours": lambda length: _truncated(length, timedelta(hours=1)),
    "getMinutes": lambda length: _truncated(length, timedelta(minutes=1)),
    "getSeconds": lambda length: _truncated(length, _SECOND),
    "getMilliseconds": lambda length: _milliseconds(length),
}


def _milliseconds(length: timedelta) -> int:
    """The milliseconds inside the last second, with the sign of the whole."""
    count = abs(length).microseconds // 1000
    return -count if length < timedelta(0) else count


def span(unit: str) -> Callable[[Any], timedelta]:
    """The function that makes a duration of a number of `days`, `hours` or `minutes`."""

    def make(count: float) -> timedelta:
        try:
            return length_of_time(timedelta(**{unit: count}))
        except (OverflowError, ValueError):
            raise CelError("overflow", "the duration is outside its range") from None

    return make
