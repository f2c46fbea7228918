"""`/v1/events`: one event, or a batch of them, a line each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from engine.server.access import EventWriter, InExchange, InOffice
from engine.server.body import JSON, LINES, lines_of, media_of
from engine.server.exchange import Exchange
from engine.server.intake import Receipt, Submission
from engine.server.office import Office
from engine.server.problem import TITLES, Problem
from engine.server.shapes import Event, Receipts, answer, body, problems
from engine.server.shapes import Receipt as ReceiptShape

router = APIRouter()

TOLD = 20
"""Ids of a batch that are written to the log of the server."""

EVENT_PROBLEMS = (
    "foreign_source",
    "reserved_type",
    "reserved_source",
    "id_conflict",
    "unsupported_media_type",
    "bad_json",
    "bad_text",
    "missing_field",
    "wrong_type",
    "unknown_type",
    "unknown_reference",
    "late",
    "future",
    "too_long",
    "refused",
)


@router.post(
    "/v1/events",
    status_code=202,
    summary="Send an event, or a batch",
    responses={
        200: {"model": Receipts | ReceiptShape, "description": "A batch, or an event that was known already."},
        202: {"model": ReceiptShape, "description": "The event is durable."},
        **problems(*EVENT_PROBLEMS),
    },
    openapi_extra=body(Event, lines=True),
)
async def post_events(request: Request, key: EventWriter, office: InOffice, exchange: InExchange) -> Response:
    """Append an event, or each line of a batch. The answer comes when it is durable; the same event again changes nothing.

    A batch is answered line by line: one that is refused does not stop the others.
    """
    media = media_of(request)
    if media in JSON:
        [receipt] = await submitted(office, exchange, Submission([await request.body()], key, office.now()))
        return answered(receipt)
    if media not in LINES:
        raise Problem("unsupported_media_type", f"`{media}`; application/json or application/x-ndjson is expected")
    lines = lines_of(await request.body(), office.settings.batch_lines)
    receipts = await submitted(office, exchange, Submission(lines, key, office.now())) if lines else []
    return answer(counted(receipts))


async def submitted(office: Office, exchange: Exchange, submission: Submission) -> list[Receipt]:
    """Submit, and wait until it is durable."""
    receipts = await asyncio.wrap_future(office.committer.submit(submission))
    office.gauges.received(receipts)
    exchange.about(events=[one.event for one in receipts[:TOLD] if one.event], lines=len(receipts))
    return receipts


def answered(receipt: Receipt) -> Response:
    """The answer to a single line: 202, 200 for what was known, or a problem."""
    if receipt.status == "rejected":
        raise refused(receipt)
    return answer(receipt, 202 if receipt.status == "accepted" else 200)


def refused(receipt: Receipt) -> Problem:
    """A refusal as a problem."""
    code = receipt.code if receipt.code in TITLES else "refused"
    reject = None if code == receipt.code else receipt.code
    return Problem(code or "refused", receipt.reason or "", pointer=receipt.pointer, event=receipt.event, reject=reject)


def counted(receipts: Sequence[Receipt]) -> dict[str, object]:
    """The receipts of a batch, and how many there are of each status."""
    counts = Counter(one.status for one in receipts)
    return {**{name: counts[name] for name in ("accepted", "duplicate", "rejected")}, "receipts": receipts}
