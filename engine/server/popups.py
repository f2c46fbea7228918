"""`/v1/popups`: an event, and at once what its pop-ups show."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Request, Response

from engine.server.access import EventWriter, InExchange, InOffice
from engine.server.body import one_line
from engine.server.events import EVENT_PROBLEMS, refused, submitted
from engine.server.intake import Submission
from engine.server.problem import Problem
from engine.server.shapes import Event, Shown, answer, body, problems

router = APIRouter()


class _Kind(msgspec.Struct):
    type: str = ""


@router.post(
    "/v1/popups",
    summary="Send an event and get its pop-ups",
    responses={200: {"model": Shown}, **problems(*EVENT_PROBLEMS, "no_popup")},
    openapi_extra=body(Event),
)
async def post_popups(request: Request, key: EventWriter, office: InOffice, exchange: InExchange) -> Response:
    """Append an event that pop-ups listen to, decide them now, and answer with what they show.

    Where somebody else is at work on the same shard for longer than 10 ms, the answer comes from the state as it is committed, and
    says `stale: true`.
    """
    line = await one_line(request)
    kind = _kind(line)
    if kind is not None and kind in office.program.events and not office.moment.listens(kind):
        raise Problem("no_popup", f"no pop-up listens to `{kind}`", pointer="/type", hint="send it to /v1/events")
    submission = Submission([line], key, office.now(), urgent=True)
    [receipt] = await submitted(office, exchange, submission)
    if receipt.status == "rejected" or receipt.seq is None:
        raise refused(receipt)
    shown = office.moment.known(submission.event, submission.decided)
    if shown is None:
        shown = await asyncio.wrap_future(office.moment.ask(receipt.seq, office.showing))
    if shown.stale:
        office.gauges.stale()
    exchange.about(decisions=[record.id for record in shown.records])
    records = [office.writer.mapping(record) for record in shown.records]
    return answer({"event": receipt.event, "seq": receipt.seq, "stale": shown.stale, "popups": records})


def _kind(line: bytes) -> str | None:
    try:
        return msgspec.json.decode(line, type=_Kind).type
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
