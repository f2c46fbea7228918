"""`/healthz`, `/readyz`, `/metrics`: for those who watch the server."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from engine.server.access import InOffice, Observer
from engine.server.shapes import answer, problems

router = APIRouter()


@router.get("/healthz", summary="Whether the process lives")
async def healthz() -> dict[str, str]:
    """Answers as long as the process does; no key is needed."""
    return {"status": "ok"}


@router.get("/readyz", summary="Whether requests can be served", responses=problems())
def readyz(office: InOffice) -> Response:
    """200 when the store can be used, 503 when it cannot; no key is needed."""
    office.store.ping()
    return answer({"status": "ok", "revision": office.program.revision})


@router.get(
    "/metrics",
    summary="Metrics in the text format of Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **problems()},
)
def metrics(office: InOffice, _key: Observer) -> Response:
    """Lag, rejects, errors, the outbox, commits, steps, requests, and the active pack."""
    return Response(office.gauges.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
