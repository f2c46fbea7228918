"""`/v1/alerts`: what is amiss now."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from engine.core.partition import Partition
from engine.server.access import InOffice, Reader
from engine.server.page import Cursor, Limit, Name, text_at
from engine.server.problem import Problem
from engine.server.shapes import Page, answer, problems
from engine.server.states import Items, alerts, leafed

router = APIRouter()

Level = Annotated[Literal["yellow", "red", "green"] | None, Query(description="By default all that are not green.")]


@router.get("/v1/alerts", summary="Alerts that stand", responses={200: {"model": Page}, **problems("unknown_name")})
def list_alerts(
    office: InOffice, _key: Reader, name: Name = None, level: Level = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Alerts in the order of scopes and keys; those of one name, or of one level, where it is asked."""
    program = office.program
    scopes = [
        scope
        for scope, one in sorted(program.scopes.items())
        if any(name is None or alert.name == name for alert in one.alerts)
    ]
    if name is not None and not scopes:
        raise Problem("unknown_name", f"no alert is called `{name}`")

    def wanted(item: str) -> bool:
        return item != "green" if level is None else item == level

    def shown(partition: Partition) -> Items:
        return [one for one in alerts(program, partition) if name in (None, one["alert"]) and wanted(one["level"])]

    return answer(leafed(office, scopes, text_at(cursor), limit, shown))
