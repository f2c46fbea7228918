"""What can be asked over HTTP: states, alerts, decisions and their reasons, actions, rejects, packs, entities; a page at a time."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from engine.store import Outcome, Verdict
from tests.integration.server.conftest import Api

NDJSON = {"Content-Type": "application/x-ndjson"}


def pages(http: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    found, cursor = [], None
    while True:
        page = http.get(path, params={**query, **({"cursor": cursor} if cursor else {})}).json()
        found += page["items"]
        if (cursor := page["next"]) is None:
            return found


@pytest.fixture
def busy(api: Api) -> Api:
    """Six tasks of one rep are open, which is a red alert."""
    lines = [json.dumps(api.event("task.opened", task=f"t{i}", rep="r1")) for i in range(6)]
    assert api.http.post("/v1/events", content="\n".join(lines), headers=NDJSON).json()["accepted"] == 6
    api.quiet()
    return api


def test_instances_are_leafed_through(busy: Api) -> None:
    found = pages(busy.http, "/v1/instances", workflow="task", limit=2)
    assert [one["key"] for one in found] == [f"t{i}" for i in range(6)]
    assert {one["state"] for one in found} == {"open"}
    assert pages(busy.http, "/v1/instances", state="done") == []
    assert busy.http.get("/v1/instances", params={"workflow": "none"}).json()["code"] == "unknown_name"
    state = busy.http.get("/v1/instances/rep/r1").json()
    assert [(one["alert"], one["level"]) for one in state["alerts"]] == [("busy", "red")]
    assert busy.http.get("/v1/instances/rep/r9").status_code == 404


def test_alerts_that_stand(busy: Api) -> None:
    [alert] = pages(busy.http, "/v1/alerts")
    assert (alert["alert"], alert["key"], alert["level"]) == ("busy", "r1", "red")
    assert pages(busy.http, "/v1/alerts", level="yellow") == []
    assert len(pages(busy.http, "/v1/alerts", name="busy", level="red")) == 1


def test_decisions_and_why(busy: Api) -> None:
    found = pages(busy.http, "/v1/decisions", kind="transition", limit=4)
    kept = [record.id for _, record in busy.office.store.decisions(kind="transition")]
    assert [one["id"] for one in found] == kept[::-1]
    assert {one["key"] for one in found} == {f"t{i}" for i in range(6)}
    [alert] = pages(busy.http, "/v1/decisions", kind="alert", key="r1")
    why = busy.http.get(f"/v1/decisions/{alert['id']}/explanation").json()
    assert why["record"]["id"] == alert["id"]
    assert "metrics.open" in json.dumps(why["notes"])
    assert busy.http.get("/v1/decisions/none/explanation").json()["code"] == "not_found"
    not_done = busy.http.get("/v1/why-not", params={"name": "task/done", "key": "t1"}).json()
    assert "task/done" in not_done["question"]
    assert busy.http.get("/v1/why-not", params={"name": "nope", "key": "t1"}).json()["code"] == "unknown_name"
    assert busy.http.get("/v1/why-not", params={"name": "task", "key": "t1", "at": "?"}).json()["code"] == "bad_request"


def test_actions_and_a_dead_one_once_more(api: Api) -> None:
    assert api.office.crew is not None
    api.office.crew._dispatcher.stop()
    lines = [json.dumps(api.event("task.opened", task=f"t{i}", rep="r1")) for i in range(2)]
    api.http.post("/v1/events", content="\n".join(lines), headers=NDJSON)
    api.quiet()
    store = api.office.store
    [action] = pages(api.http, "/v1/actions")
    assert action["do"] == "tell"
    number = action["id"]
    if action["status"] == "pending":
        assert store.claim(number, 1 << 60, 30, "w") is not None
        store.begin_attempt(number, 1, "w", 5, "hash")
        store.finish_attempt(number, 1, "w", Outcome("failed", 9, "permanent", "bad", "no"), Verdict("dead", 0, 1))
    shown = api.http.get(f"/v1/actions/{number}").json()
    assert shown["status"] == "dead"
    assert all("token" not in one for one in (shown, *shown["attempts"]))
    assert [one["id"] for one in pages(api.http, "/v1/actions", status="dead")] == [number]
    assert api.http.post(f"/v1/actions/{number}/replay").json() == {"action": number, "status": "pending"}
    assert store.action(number).status == "pending"  # type: ignore[union-attr]
    assert api.http.post(f"/v1/actions/{number}/replay").json()["code"] == "not_replayable"
    assert api.http.post("/v1/actions/none/replay").status_code == 404


def test_a_reject_is_replayed_when_what_it_referred_to_is_known(api: Api) -> None:
    event = api.event("task.opened", task="t1", rep="r7")
    api.http.post("/v1/events", json=event)
    [reject] = pages(api.http, "/v1/rejects", code="unknown_reference")
    assert json.loads(reject["line"]) == event
    assert api.http.get(f"/v1/rejects/{reject['id']}").json() == reject
    json_type = {"Content-Type": "application/json"}
    path = f"/v1/rejects/{reject['id']}/replay"
    assert api.http.post(path, headers=json_type).json()["code"] == "unknown_reference"
    api.http.put("/v1/entities/rep/r7", json={"name": "Rep 7", "active": True})
    again = api.http.post(path, headers=json_type)
    assert (again.status_code, again.json()["event"]) == (202, event["id"])


def test_a_reject_is_replayed_corrected_but_never_as_somebody_else(api: Api) -> None:
    event = api.event("task.opened", task="t1", rep="r7")
    api.http.post("/v1/events", json=event)
    [reject] = pages(api.http, "/v1/rejects")
    path = f"/v1/rejects/{reject['id']}/replay"
    corrected = {**event, "data": {"task": "t1", "rep": "r1"}}
    assert api.http.post(path, json={**corrected, "source": "other"}).json()["code"] == "foreign_source"
    assert api.http.post(path, json=corrected).status_code == 202
    api.http.post("/v1/events", json={**event, "source": "other", "id": "x"})
    [foreign] = pages(api.http, "/v1/rejects", code="foreign_source")
    answer = api.http.post(f"/v1/rejects/{foreign['id']}/replay", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_replayable")


def test_entities_are_put_read_and_leafed_through(api: Api) -> None:
    assert [one["key"] for one in pages(api.http, "/v1/entities/script", limit=2)] == ["s0", "s1", "s2", "s3"]
    assert api.http.put("/v1/entities/script/s9", json={"industry": "care"}).status_code == 202
    assert api.http.get("/v1/entities/script/s9").json()["data"] == {"id": "s9", "industry": "care"}
    assert api.http.get("/v1/entities/script/none").json()["code"] == "not_found"
    assert api.http.get("/v1/entities/none").json()["code"] == "not_found"
    refused = api.http.put("/v1/entities/script/s9", json={"industry": 7})
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/data/industry")
    other = api.http.put("/v1/entities/script/s9", json={"id": "s8", "industry": "care"})
    assert other.json()["code"] == "bad_request"
    one = api.http.post("/v1/entities", json={"entity": "script", "data": {"id": "s5", "industry": "care"}})
    assert (one.status_code, one.json()["status"]) == (202, "accepted")


def test_packs_are_told_without_their_params(api: Api) -> None:
    [revision] = api.http.get("/v1/packs").json()["items"]
    assert (revision["name"], revision["active"]) == ("desk", True)
    active = api.http.get("/v1/packs/active").json()
    assert active["revision"] == active["serving"] == revision["revision"]
    assert "hidden-param" not in json.dumps(active)


@pytest.mark.parametrize("path", ["/v1/decisions", "/v1/rejects", "/v1/actions", "/v1/instances", "/v1/entities/rep"])
@pytest.mark.parametrize("query", [{"cursor": "!"}, {"cursor": "bnVsbA"}, {"limit": 0}, {"limit": 201}])
def test_a_page_that_cannot_be_is_a_problem(api: Api, path: str, query: dict[str, Any]) -> None:
    answer = api.http.get(path, params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
