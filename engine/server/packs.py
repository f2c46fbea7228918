"""`/v1/packs`: the revisions that the store keeps, which of them is active, and letting another one decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response

from engine.core.calendar import Calendar
from engine.errors import RulewrightError
from engine.pack import BrokenPackError, PackFile, assemble
from engine.pack.difference import difference
from engine.runtime.activation import kept
from engine.runtime.appender import Appender
from engine.runtime.examination import Source, examined_aside
from engine.runtime.hosts import active
from engine.runtime.succession import activate, kept_source, roll_back
from engine.server.access import InExchange, InOffice, PackWriter, Reader
from engine.server.body import media_of
from engine.server.bundle import read_bundle
from engine.server.office import Office
from engine.server.page import plain
from engine.server.problem import Problem
from engine.server.shapes import Change, Object, answer, body, problems
from engine.store.batch import Activation
from engine.store.listing import Revision

router = APIRouter()

ARCHIVES = ("application/zip", "application/x-tar", "application/gzip", "application/x-gzip")
_ARCHIVE = {
    "requestBody": {
        "required": True,
        "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in ARCHIVES},
    }
}

Made = TypeVar("Made")


class _Wish(msgspec.Struct, forbid_unknown_fields=True):
    """What whoever changes the active revision may say."""

    note: str = ""
    to: str | None = None


@router.get("/v1/packs", summary="Pack revisions, the newest first", responses={200: {"model": Object}, **problems()})
def list_packs(office: InOffice, _key: Reader) -> Response:
    """Every revision that is kept here."""
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


@router.get("/v1/packs/activations", summary="The audit", responses={200: {"model": Object}, **problems()})
def list_activations(office: InOffice, _key: Reader) -> Response:
    """Which revision was activated at which sequence of the log, by whom, why, and in place of which one; the newest first."""
    calendar = office.program.calendar
    return answer({"items": [_audit(one, calendar) for one in reversed(office.store.activations())]})


@router.get(
    "/v1/packs/{revision}/diff",
    summary="What a revision changes",
    responses={200: {"model": Object}, **problems("not_found")},
)
def get_pack_diff(revision: str, office: InOffice, _key: Reader) -> Response:
    """What a revision defines otherwise than the active one, by section and name."""
    old, new = (_source(office, one) for one in (office.program.revision, plain(revision, "revision")))
    changes = difference(old.files, new.files)
    items = [
        {
            "kind": one.kind,
            "section": one.section,
            "name": one.name,
            "parts": one.parts,
            "place": None if one.place is None else str(one.place),
        }
        for one in changes
    ]
    return answer({"from": office.program.revision, "to": revision, "items": items})


@router.post(
    "/v1/packs",
    status_code=201,
    summary="Push a pack",
    responses={
        201: {"model": Object},
        **problems("unsupported_media_type", "bad_bundle", "broken_pack", "tests_failed"),
    },
    openapi_extra=_ARCHIVE,
)
async def push_pack(request: Request, office: InOffice, _key: PackWriter, exchange: InExchange) -> Response:
    """Check a zip or a tar of YAML files, run the tests of the pack, and keep it. It decides nothing yet."""
    if media_of(request) not in ARCHIVES:
        raise Problem("unsupported_media_type", f"`{media_of(request)}`; one of {', '.join(ARCHIVES)} is expected")
    files = read_bundle(await request.body())
    return await asyncio.to_thread(_pushed, office, exchange.ids, files)


@router.post(
    "/v1/packs/{revision}/activate",
    summary="Let a revision decide",
    responses={
        200: {"model": Object},
        **problems("not_found", "broken_pack", "tests_failed", "not_activated", "bad_json"),
    },
    openapi_extra=body(Change, required=False),
)
async def activate_pack(revision: str, request: Request, office: InOffice, key: PackWriter) -> Response:
    """Let a revision that is kept decide every event from now on, in every process; its tests run first, and all make it ready."""
    wish = _wish(await request.body())
    return await asyncio.to_thread(_activated, office, plain(revision, "revision"), key.name, wish)


@router.post(
    "/v1/packs/rollback",
    summary="Let an earlier revision decide again",
    responses={200: {"model": Object}, **problems("not_found", "not_activated", "bad_json")},
    openapi_extra=body(Change, required=False),
)
async def roll_back_pack(request: Request, office: InOffice, key: PackWriter) -> Response:
    """Let the revision before the active one decide again, or the one that the body names in `to`."""
    wish = _wish(await request.body())
    return await asyncio.to_thread(_rolled_back, office, key.name, wish)


def _pushed(office: Office, ids: dict[str, Any], files: Mapping[str, str]) -> Response:
    source = Source([PackFile(name, name, text) for name, text in files.items()], {})

    def work() -> dict[str, Any]:
        tests = examined_aside(source)
        program = assemble(source.files, source.params)
        office.store.keep_pack(kept(program, office.now()))
        ids["revision"] = program.revision
        return {"revision": program.revision, "name": program.name, "version": program.version, "tests": tests}

    return answer(_tried(office, work), 201)


def _activated(office: Office, revision: str, by: str, wish: _Wish) -> Response:
    source = _source(office, revision)

    def work() -> Activation:
        return activate(_host(office), source, by, wish.note, examined_aside)

    return _switched(office, work)


def _rolled_back(office: Office, by: str, wish: _Wish) -> Response:
    return _switched(office, lambda: roll_back(_host(office), by, wish.to, wish.note))


def _switched(office: Office, work: Callable[[], Activation]) -> Response:
    made = _tried(office, work)
    office.follow()
    return answer(_audit(made, office.program.calendar))


def _host(office: Office) -> Appender:
    return Appender(active(office.store), office.store)


def _tried(office: Office, work: Callable[[], Made]) -> Made:
    """Do it, one at a time. Raises Problem for what is wrong with the pack, or with the moment."""
    with office.changing:
        try:
            return work()
        except BrokenPackError as broken:
            office.gauges.refused_pack()
            first = broken.diagnostics[0]
            listed = [one.as_json() for one in broken.diagnostics[:50]]
            raise Problem("broken_pack", f"{first.place}: {first.message}", diagnostics=listed) from broken
        except RulewrightError as error:
            office.gauges.refused_pack()
            raise _problem(error) from error
        except BrokenProcessPool as failure:
            office.gauges.refused_pack()
            raise Problem("tests_failed", "the process that ran the tests was lost") from failure


def _problem(error: RulewrightError) -> Problem | RulewrightError:
    if error.code in ("unknown_revision",):
        return Problem("not_found", error.message)
    if error.code == "tests_failed":
        return Problem("tests_failed", error.message, hint=error.hint)
    if error.code in ("already_active", "no_earlier_revision", "pinned_unfit", "not_ready"):
        return Problem("not_activated", error.message, hint=error.hint, reason=error.code)
    return error


def _source(office: Office, revision: str) -> Source:
    try:
        return kept_source(office.store, revision)
    except RulewrightError as error:
        raise Problem("not_found", f"there is no revision {revision}") from error


def _wish(text: bytes) -> _Wish:
    try:
        return msgspec.json.decode(text, type=_Wish) if text.strip() else _Wish()
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as failure:
        raise Problem("bad_json", f"the body: {failure}") from None


def _audit(one: Activation, calendar: Calendar) -> dict[str, Any]:
    return {
        "seq": one.seq,
        "revision": one.revision,
        "previous": one.previous,
        "when": calendar.stamp(one.when),
        "by": one.by,
        "note": one.note,
        "tests": one.tests,
        "pinned": [{"workflow": name, "revision": revision} for name, _, revision in one.pinned],
    }


def _shown(revision: Revision, calendar: Calendar) -> dict[str, Any]:
    return {**msgspec.structs.asdict(revision), "at": calendar.stamp(revision.at)}
