"""Pages: how many, and after what. A cursor is opaque to callers; what it says is checked like everything else that comes in."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as UnreadableError
from typing import Annotated, TypeVar

import msgspec
from fastapi import Query

from engine.server.problem import Problem

MOST = 200
"""Items to a page, at most."""

Limit = Annotated[int, Query(ge=1, le=MOST, description="Items to a page.")]
Cursor = Annotated[str | None, Query(max_length=2_048, description="Where the page begins: `next` of the page before.")]
Name = Annotated[str | None, Query(max_length=512)]

T = TypeVar("T", int, str)

_LARGEST = 1 << 62


def cursor_of(place: int | str) -> str:
    """The cursor of a place."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def number_at(cursor: str | None) -> int | None:
    """The number that a cursor says; None: from the beginning. Raises Problem `bad_request`."""
    if cursor is None:
        return None
    found = _read(cursor, int)
    if not 0 <= found <= _LARGEST:
        raise _unreadable()
    return found


def text_at(cursor: str | None) -> str:
    """The text that a cursor says; empty: from the beginning. Raises Problem `bad_request`."""
    return "" if cursor is None else plain(_read(cursor, str), "cursor")


def plain(value: str, name: str) -> str:
    """A text that a store can be asked for. Raises Problem `bad_request`."""
    if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
        raise Problem("bad_request", f"{name}: it holds a character that no name has")
    return value


def _read(cursor: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (msgspec.MsgspecError, UnreadableError, ValueError):
        raise _unreadable() from None


def _unreadable() -> Problem:
    return Problem("bad_request", "cursor: it is none of ours", hint="give `next` of the page before, as it is")
