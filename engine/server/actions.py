"""`/v1/actions`: what is to be done, how far it got, and what is dead."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Response

from engine.core.calendar import Calendar
from engine.server.access import ActionWriter, InOffice, Reader
from engine.server.page import Cursor, Limit, cursor_of, number_at, plain
from engine.server.problem import Problem
from engine.server.shapes import Object, Page, answer, problems
from engine.store import Attempt, OutboxRow, Status

router = APIRouter()


@router.get("/v1/actions", summary="Actions, the newest first", responses={200: {"model": Page}, **problems()})
def list_actions(
    office: InOffice, _key: Reader, status: Status | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Actions in one status (`pending`, `claimed`, `sent`, `unknown`, `dead`, `cancelled`), where it is asked."""
    found = office.store.newest_actions(number_at(cursor), limit, status)
    items = [_shown(row, office.program.calendar) for _, row in found]
    return answer({"items": items, "next": cursor_of(found[-1][0]) if len(found) == limit else None})


@router.get("/v1/actions/{action}", summary="One action", responses={200: {"model": Object}, **problems("not_found")})
def get_action(action: str, office: InOffice, _key: Reader) -> Response:
    """An action with its attempts."""
    row = office.store.action(plain(action, "action"))
    if row is None:
        raise Problem("not_found", f"there is no action {action}")
    calendar = office.program.calendar
    attempts = [_attempt(one, calendar) for one in office.store.attempts(action)]
    return answer({**_shown(row, calendar), "attempts": attempts})


@router.post(
    "/v1/actions/{action}/replay",
    summary="Try a dead action again",
    responses={200: {"model": Object}, **problems("not_found", "not_replayable")},
)
def replay_action(action: str, office: InOffice, _key: ActionWriter) -> Response:
    """Make a dead action pending again, with all its tries."""
    if office.store.action(plain(action, "action")) is None:
        raise Problem("not_found", f"there is no action {action}")
    if not office.store.replay_dead(action):
        raise Problem("not_replayable", "it is not dead, or was withdrawn since")
    if office.crew is not None:
        office.crew.notify()
    return answer({"action": action, "status": "pending"})


def _shown(row: OutboxRow, calendar: Calendar) -> dict[str, Any]:
    """An action as people read it; the token of a claim is nobody's business."""
    rest = {name: getattr(row, name) for name in ("status", "tries", "attempt", "doubtful", "result", "code", "reason")}
    action = msgspec.structs.asdict(row.action)
    return {**action, "at": calendar.stamp(row.action.at), **rest, "not_before": calendar.stamp(row.not_before)}


def _attempt(attempt: Attempt, calendar: Calendar) -> dict[str, Any]:
    found = {name: value for name, value in msgspec.structs.asdict(attempt).items() if name not in ("token", "action")}
    finished = None if attempt.finished is None else calendar.stamp(attempt.finished)
    return {**found, "started": calendar.stamp(attempt.started), "finished": finished}
