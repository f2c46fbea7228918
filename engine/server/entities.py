"""`/v1/entities`: what is known of reps, customers and the rest, and from when on."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from engine.core.program import EntityType
from engine.server.access import EntityWriter, InExchange, InOffice, Reader
from engine.server.body import JSON, LINES, lines_of, media_of, one_line
from engine.server.events import answered, counted, submitted
from engine.server.intake import Submission
from engine.server.office import Office
from engine.server.page import Cursor, Limit, cursor_of, plain, text_at
from engine.server.problem import Problem
from engine.server.shapes import Entity, EntityLine, Object, Page, Receipts, answer, body, problems
from engine.server.shapes import Receipt as ReceiptShape

router = APIRouter()

PROBLEMS = (
    "not_found",
    "unsupported_media_type",
    "bad_json",
    "bad_text",
    "missing_field",
    "wrong_type",
    "unknown_entity",
    "unknown_reference",
    "too_long",
    "refused",
)
At = Annotated[
    str | None, Query(max_length=64, description="From when on it holds (RFC 3339); by default from now on.")
]


@router.post(
    "/v1/entities",
    status_code=202,
    summary="Make entities known, one or a batch",
    responses={200: {"model": Receipts}, 202: {"model": ReceiptShape}, **problems(*PROBLEMS)},
    openapi_extra=body(EntityLine, lines=True),
)
async def post_entities(request: Request, key: EntityWriter, office: InOffice, exchange: InExchange) -> Response:
    """Take `{"entity", "data", "at"?}`, or a line each of them; those of a batch may refer to each other in any order."""
    media = media_of(request)
    if media in JSON:
        line = [await request.body()]
        [receipt] = await submitted(office, exchange, Submission(line, key, office.now(), kind="entities"))
        return answered(receipt)
    if media not in LINES:
        raise Problem("unsupported_media_type", f"`{media}`; application/json or application/x-ndjson is expected")
    lines = lines_of(await request.body(), office.settings.batch_lines)
    made = await submitted(office, exchange, Submission(lines, key, office.now(), kind="entities")) if lines else []
    return answer(counted(made))


@router.put(
    "/v1/entities/{kind}/{key}",
    status_code=202,
    summary="Make one entity known, or change it",
    responses={202: {"model": ReceiptShape}, **problems(*PROBLEMS)},
    openapi_extra=body(Entity),
)
async def put_entity(
    kind: str, key: str, request: Request, caller: EntityWriter, office: InOffice, exchange: InExchange, at: At = None
) -> Response:
    """Take a whole version of an entity. The same version again changes nothing."""
    declared = _declared(office, kind)
    data = _object(await one_line(request))
    if data.setdefault(declared.key, key) != key:
        raise Problem(
            "bad_request", f"the path says `{key}`, the data say another {declared.key}", pointer=f"/{declared.key}"
        )
    line = msgspec.json.encode({"entity": kind, "data": data} | ({} if at is None else {"at": at}))
    [receipt] = await submitted(office, exchange, Submission([line], caller, office.now(), kind="entities"))
    return answered(receipt)


@router.get(
    "/v1/entities/{kind}", summary="The entities of a kind", responses={200: {"model": Page}, **problems("not_found")}
)
def list_entities(kind: str, office: InOffice, _key: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """What is known now, in the order of keys."""
    _declared(office, kind)
    found = office.entities(kind, text_at(cursor), limit, office.now())
    following = cursor_of(found[-1][0]) if len(found) == limit else None
    return answer({"items": [{"key": key, "data": data} for key, data in found], "next": following})


@router.get(
    "/v1/entities/{kind}/{key}", summary="One entity", responses={200: {"model": Object}, **problems("not_found")}
)
def get_entity(kind: str, key: str, office: InOffice, _key: Reader) -> Response:
    """What is known of it now."""
    _declared(office, kind)
    data = office.entity(kind, plain(key, "key"), office.now())
    if data is None:
        raise Problem("not_found", f"there is no {kind} `{key}`")
    return answer({"entity": kind, "key": key, "data": data})


def _declared(office: Office, kind: str) -> EntityType:
    declared = office.program.entities.get(kind)
    if declared is None:
        raise Problem("not_found", f"no entity `{kind}` is declared")
    return declared


def _object(line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as failure:
        raise Problem("bad_json", f"not a JSON object: {failure}") from None
