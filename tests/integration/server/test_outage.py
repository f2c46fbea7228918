"""The database is stopped while the server runs: callers are told to come back, and when it is there again everything goes on."""

from __future__ import annotations

import httpx
import pytest

from conformance.servers import Postgres
from tests.integration.server.conftest import REPS, Api, Serve
from tests.patience import until


def until_taken(api: Api, event: dict[str, object]) -> httpx.Response:
    """Send an event again and again, as callers do who are told to come back."""
    answers: list[httpx.Response] = []

    def taken() -> bool:
        answers.append(api.http.post("/v1/events", json=event))
        return answers[-1].status_code != 503

    assert until(taken)
    return answers[-1]


@pytest.fixture
def stoppable() -> Postgres:
    return Postgres()


def test_callers_are_told_to_come_back_and_work_goes_on(serve: Serve, stoppable: Postgres) -> None:
    with stoppable, serve(stoppable.url, work=True) as api:
        for rep in REPS:
            api.http.post("/v1/entities", json=rep)
        before, during = (api.event("task.opened", task=f"t{i}", rep="r1") for i in range(2))
        assert api.http.post("/v1/events", json=before).status_code == 202
        stoppable.stop()
        answer = api.http.post("/v1/events", json=during)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert api.http.get("/readyz").status_code == 503
        assert api.http.get("/healthz").status_code == 200
        assert api.http.get("/v1/decisions").status_code == 503
        api.office.keys._read = None
        assert api.http.get("/v1/packs").json()["code"] == "unavailable"
        stoppable.start()
        assert until_taken(api, during).status_code in (200, 202)
        assert api.http.get("/readyz").status_code == 200
        assert until(lambda: {one["key"] for one in api.http.get("/v1/instances").json()["items"]} == {"t0", "t1"})
