"""Instants as callers give them: RFC 3339, with an offset, in the years that calendars reach."""

from __future__ import annotations

from datetime import datetime

from engine.core.calendar import to_micros
from engine.errors import RulewrightError
from engine.runtime.admission import FIRST_YEAR, LAST_YEAR


def moment(value: datetime | str) -> datetime:
    """An instant with its offset. Raises `RulewrightError` `bad_time` for anything else."""
    hint = "write e.g. 2026-03-16T00:00:00+08:00"
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError as failure:
        raise RulewrightError("bad_time", f"`{value}` is not an RFC 3339 time", hint=hint) from failure
    if instant.tzinfo is None:
        raise RulewrightError("bad_time", f"`{value}` has no offset", hint=hint)
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise RulewrightError("bad_time", f"`{value}` is not in the years {FIRST_YEAR} to {LAST_YEAR}", hint=hint)
    return instant


def micros(value: datetime | str) -> int:
    """An instant in microseconds since the epoch. Raises as `moment` does."""
    return to_micros(moment(value))
