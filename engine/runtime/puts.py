"""Entities that become known: tested against their declaration, then logged."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from engine.core.calendar import to_micros
from engine.runtime.admission import Refusal, fit
from engine.runtime.session import Session

Data = dict[str, Any]


class EntityLine(msgspec.Struct):
    """A line of an entity file."""

    entity: str
    data: Data
    at: datetime | None = None


def take(
    session: Session, entity: str, data: Data, at: int | None, place: str | None = None, line: bytes = b""
) -> None:
    """Make an entity known from `at` on: by default now, or from ever where time has not begun. Refuses what does not fit."""
    declared = session.program.entities.get(entity)
    line = line or f"{entity} {data}".encode()
    if declared is None:
        session.refuse(Refusal("unknown_entity", f"no entity `{entity}` is declared", line, at=at), place)
        return
    key = data.get(declared.key)
    problem = fit(data, declared.fields)
    if problem is not None:
        session.refuse(Refusal(*problem, line, at=at), place)
        return
    instant = at if at is not None else session.now
    session.put(entity, str(key), 0 if instant is None else instant, data)


def take_line(session: Session, line: bytes, place: str, default_at: int | None) -> None:
    """Take a JSON line `{"entity", "data", "at"?}`; one that does not read is refused at its place."""
    try:
        read = msgspec.json.decode(line, type=EntityLine)
    except msgspec.ValidationError as failure:
        code = "missing_field" if "missing required field" in str(failure) else "wrong_type"
        session.refuse(Refusal(code, str(failure), line), place)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as failure:
        session.refuse(Refusal("bad_json", f"not a JSON object: {failure}", line), place)
    else:
        if read.at is not None and read.at.tzinfo is None:
            session.refuse(Refusal("wrong_type", "at: an RFC 3339 time with an offset is expected", line), place)
            return
        take(session, read.entity, read.data, to_micros(read.at) if read.at is not None else default_at, place, line)
