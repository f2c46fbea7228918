"""`/v1/packs`: the revisions that the store has, and which of them is active."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Response

from engine.core.calendar import Calendar
from engine.server.access import InOffice, Reader
from engine.server.problem import Problem
from engine.server.shapes import Object, answer, problems
from engine.store.listing import Revision

router = APIRouter()


@router.get("/v1/packs", summary="Pack revisions, the newest first", responses={200: {"model": Object}, **problems()})
def list_packs(office: InOffice, _key: Reader) -> Response:
    """Every revision that was ever active here."""
    return answer({"items": [_shown(one, office.program.calendar) for one in office.store.revisions()]})


@router.get("/v1/packs/active", summary="The active pack", responses={200: {"model": Object}, **problems("not_found")})
def get_active_pack(office: InOffice, _key: Reader) -> Response:
    """The active revision, the one that this process serves, and the names of its files. Params are not told: they may be secret."""
    saved = office.store.active_pack()
    if saved is None:
        raise Problem("not_found", "no pack is active")
    about = {"revision": saved.revision, "name": saved.name, "version": saved.version}
    files = [{"name": name, "bytes": len(text)} for name, text in sorted(saved.files.items())]
    return answer({**about, "serving": office.program.revision, "files": files})


def _shown(revision: Revision, calendar: Calendar) -> dict[str, Any]:
    return {**msgspec.structs.asdict(revision), "at": calendar.stamp(revision.at)}
