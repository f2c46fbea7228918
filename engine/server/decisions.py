"""`/v1/decisions`: what was decided, and why; and why something was not."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from engine.core.calendar import to_micros
from engine.runtime.explanation import explain, why_not
from engine.runtime.instants import moment
from engine.server.access import InOffice, Reader
from engine.server.page import Cursor, Limit, Name, cursor_of, number_at, plain
from engine.server.problem import Problem
from engine.server.shapes import Object, Page, answer, problems

router = APIRouter()

Asked = Annotated[str, Query(min_length=1, max_length=512)]
At = Annotated[str | None, Query(max_length=64, description="As of this instant (RFC 3339); by default now.")]


@router.get("/v1/decisions", summary="Decisions, the newest first", responses={200: {"model": Page}, **problems()})
def list_decisions(
    office: InOffice,
    _key: Reader,
    kind: Name = None,
    scope: Name = None,
    key: Name = None,
    name: Name = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Decisions of a kind (`alert`, `transition`, `action`, `popup`, `error`, …), of a key, of a name, where it is asked."""
    asked = {"kind": kind, "scope": scope, "key": key, "name": name}
    for what, value in asked.items():
        plain(value or "", what)
    found = office.store.newest_decisions(number_at(cursor), limit, **asked)
    items = [{**office.writer.mapping(record), "seq": seq} for _, seq, record in found]
    return answer({"items": items, "next": cursor_of(found[-1][0]) if len(found) == limit else None})


@router.get(
    "/v1/decisions/{decision}", summary="One decision", responses={200: {"model": Object}, **problems("not_found")}
)
def get_decision(decision: str, office: InOffice, _key: Reader) -> Response:
    """A decision by its id."""
    found = office.store.decision(plain(decision, "decision"))
    if found is None:
        raise Problem("not_found", f"there is no decision {decision}")
    return answer({**office.writer.mapping(found[1]), "seq": found[0]})


@router.get(
    "/v1/decisions/{decision}/explanation",
    summary="Why it was decided",
    responses={200: {"model": Object}, **problems("not_found")},
)
def get_explanation(decision: str, office: InOffice, _key: Reader) -> Response:
    """The place in the pack, the event, and what every part of the conditions was worth; of a reject, what came in."""
    return answer(explain(office.program, office.store, plain(decision, "decision")).mapping())


@router.get(
    "/v1/why-not",
    summary="Why something was not decided",
    responses={200: {"model": Object}, **problems("unknown_name")},
)
def get_why_not(office: InOffice, _key: Reader, name: Asked, key: Asked, at: At = None) -> Response:
    """Why an alert, a rule or a workflow (`quote`, `quote/won`) did nothing for a key."""
    instant = office.store.clock() if at is None else to_micros(moment(at))
    return answer(why_not(office.program, office.store, plain(name, "name"), plain(key, "key"), instant).mapping())
