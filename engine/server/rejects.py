"""`/v1/rejects`: what was refused, and taking it in once more."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from engine.server.access import InExchange, InOffice, Reader, Replayer
from engine.server.body import one_line
from engine.server.events import EVENT_PROBLEMS, answered, submitted
from engine.server.intake import Kind, Submission
from engine.server.office import Office
from engine.server.page import Cursor, Limit, Name, cursor_of, number_at, plain
from engine.server.problem import Problem
from engine.server.shapes import Entity as AnyObject
from engine.server.shapes import Object, Page, Receipt, answer, body, problems
from engine.store import Reject, StoredKey
from engine.store.batch import LINE_LIMIT

router = APIRouter()

FORBIDDEN = frozenset(("foreign_source", "reserved_type", "reserved_source"))
"""What was refused because its sender may not say it; nobody else says it for them."""


class _Source(msgspec.Struct):
    source: str | None = None
    entity: str | None = None


@router.get("/v1/rejects", summary="Rejects, the newest first", responses={200: {"model": Page}, **problems()})
def list_rejects(
    office: InOffice, _key: Reader, code: Name = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Refused lines, those with one code where it is asked."""
    found = office.store.newest_rejects(number_at(cursor), limit, None if code is None else plain(code, "code"))
    following = cursor_of(found[-1].seq) if len(found) == limit else None
    return answer({"items": [_shown(office, one) for one in found], "next": following})


@router.get("/v1/rejects/{reject}", summary="One reject", responses={200: {"model": Object}, **problems("not_found")})
def get_reject(reject: str, office: InOffice, _key: Reader) -> Response:
    """What came in, and why it was refused."""
    return answer(_shown(office, _found(office, reject)))


@router.post(
    "/v1/rejects/{reject}/replay",
    status_code=202,
    summary="Take a refused line in once more",
    responses={
        200: {"model": Receipt, "description": "It was known already."},
        202: {"model": Receipt, "description": "It is durable."},
        **problems(*EVENT_PROBLEMS, "not_found", "not_replayable", "unknown_entity"),
    },
    openapi_extra=body(AnyObject),
)
async def replay_reject(
    reject: str, request: Request, key: Replayer, office: InOffice, exchange: InExchange
) -> Response:
    """Take the line in as it came, because the pack is another by now; or, where the body has one, a corrected line.

    It keeps its source: a corrected line has that of the refused one, or, where that could not be read, that of the key.
    Who replays acts in no role.
    """
    found = await asyncio.to_thread(_found, office, reject)
    if found.code in FORBIDDEN:
        raise Problem("not_replayable", f"it was refused as {found.code}: its sender may not say it")
    line = await one_line(request) if (await request.body()).strip() else _kept(found)
    kind = _kind(line, found, key)
    submission = Submission([line], key, office.now(), kind=kind, replayed=True)
    [receipt] = await submitted(office, exchange, submission)
    return answered(receipt)


def _found(office: Office, reject: str) -> Reject:
    found = office.store.reject(plain(reject, "reject"))
    if found is None:
        raise Problem("not_found", f"there is no reject {reject}")
    return found


def _kept(reject: Reject) -> bytes:
    if len(reject.line) >= LINE_LIMIT:
        raise Problem("not_replayable", f"only its first {LINE_LIMIT} bytes were kept", hint="send the whole line")
    return reject.line


def _kind(line: bytes, reject: Reject, key: StoredKey) -> Kind:
    """Whether it is an event or an entity. Raises Problem `foreign_source` where a line says that it is somebody else's."""
    try:
        read = msgspec.json.decode(line, type=_Source)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return "events"
    if read.entity is not None and read.source is None:
        if "entities:write" not in key.scopes:
            raise Problem("forbidden", "this needs the scope entities:write", scope="entities:write")
        return "entities"
    if read.source != (reject.source or key.source):
        raise Problem("foreign_source", "the line has another source than the one that was refused", pointer="/source")
    return "events"


def _shown(office: Office, reject: Reject) -> dict[str, Any]:
    stamp = office.program.calendar.stamp
    return {
        "id": reject.id,
        "at": None if reject.at is None else stamp(reject.at),
        "source": reject.source,
        "event": reject.event,
        "code": reject.code,
        "reason": reject.reason,
        "line": reject.line.decode(errors="replace"),
        "place": reject.place,
    }
