"""Events over HTTP: durable when answered, taken once, refused with a code and a place, never in somebody else's name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.core.step import Stepper
from engine.store.query import written
from tests.integration.server.conftest import Api, Serve

CLAIMS = written("SELECT coalesce(sum(until), 0) FROM shards")
"""Changes with every claim."""

NDJSON = {"Content-Type": "application/x-ndjson"}


def test_an_event_is_durable_when_it_is_answered_and_taken_once(api: Api) -> None:
    event = api.event("task.opened", task="t1", rep="r1")
    first, again = api.http.post("/v1/events", json=event), api.http.post("/v1/events", json=event)
    assert (first.status_code, first.json()["status"]) == (202, "accepted")
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    assert first.json()["seq"] == again.json()["seq"]
    kept = api.office.store.event(first.json()["seq"])
    assert kept is not None
    assert (kept.id, kept.source, kept.roles) == (event["id"], "app", ("rep",))
    assert kept.received_us is not None
    other = api.http.post("/v1/events", json={**event, "data": {"task": "t2", "rep": "r1"}})
    assert (other.status_code, other.json()["code"], other.json()["pointer"]) == (409, "id_conflict", "/id")


def test_a_batch_is_answered_line_by_line(api: Api) -> None:
    good = [api.event("task.opened", task=f"t{i}", rep="r1") for i in range(3)]
    bad = api.event("task.opened", task="t9", rep="nobody")
    lines = [json.dumps(one) for one in (good[0], bad, good[1], good[0], good[2])] + ["{", ""]
    answer = api.http.post("/v1/events", content="\n".join(lines), headers=NDJSON)
    assert answer.status_code == 200
    found = answer.json()
    assert [one["status"] for one in found["receipts"]] == [
        "accepted",
        "rejected",
        "accepted",
        "duplicate",
        "accepted",
        "rejected",
    ]
    assert (found["accepted"], found["duplicate"], found["rejected"]) == (3, 1, 2)
    assert [one.get("code") for one in found["receipts"] if one["status"] == "rejected"] == [
        "unknown_reference",
        "bad_json",
    ]
    assert found["receipts"][1]["pointer"] == "/data/rep"


def test_with_one_process_on_a_file_events_are_stepped_when_they_are_appended(serve: Serve, tmp_path: Path) -> None:
    with serve(f"sqlite:///{tmp_path / 'alone.db'}") as api:
        store = api.office.store
        for rep in range(3):
            api.http.put(f"/v1/entities/rep/r{rep}", json={"name": f"Rep {rep}", "active": True})
        claimed = store._session.ask(CLAIMS)

        def opened(*tasks: int) -> None:
            events = [api.event("task.opened", task=f"t{i}", rep=f"r{i % 3}") for i in tasks]
            answer = api.http.post("/v1/events", content="\n".join(map(json.dumps, events)), headers=NDJSON).json()
            assert answer["accepted"] == len(tasks)

        opened(0, 1, 2)
        assert (store.backlog(), store._session.ask(CLAIMS)) == ({}, claimed)
        assert sum(one.fields["to"] == "open" for _, one in store.decisions(kind="transition")) == 3
        assert "rulewright_step_seconds_count 1.0" in api.http.get("/metrics").text
        opened(3, 4, 5)  # from here on somebody may act, and what comes of that is stepped under claims
        assert [(one.key, one.name) for _, one in store.decisions(kind="alert")] == [
            (f"r{i}", "busy") for i in range(3)
        ]


def test_an_event_whose_step_crashes_is_given_up_and_takes_nobody_along(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepped = Stepper.step

    def stepping(self: Stepper, partition: Any, *rest: Any) -> Any:
        if partition.key == "bad":
            raise RuntimeError("no step may raise")
        return stepped(self, partition, *rest)

    monkeypatch.setattr(Stepper, "step", stepping)
    events = [api.event("task.opened", task=task, rep="r1") for task in ("good", "bad", "other")]
    answer = api.http.post("/v1/events", content="\n".join(map(json.dumps, events)), headers=NDJSON).json()
    assert answer["accepted"] == 3
    api.quiet()
    rejects = [record for _, record in api.office.store.decisions(kind="reject")]
    assert [(record.fields["code"], record.key) for record in rejects] == [("step_crashed", "bad")]
    assert {one.key for _, one in api.office.store.decisions(kind="transition")} == {"good", "other"}


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"source": "elsewhere"}, 403, "foreign_source", "/source"),
        ({"source": "rulewright"}, 403, "foreign_source", "/source"),
        ({"type": "action.succeeded"}, 422, "missing_field", None),
        ({"type": "timer.fired", "data": {"name": "x"}}, 403, "reserved_type", "/type"),
        ({"type": "entity.put", "data": {"entity": "rep", "id": "r1"}}, 403, "reserved_type", "/type"),
        ({"type": "pack.activated", "data": {}}, 422, "unknown_type", "/type"),
        ({"type": "nothing"}, 422, "unknown_type", "/type"),
        ({"time": "2020-01-01T00:00:00Z"}, 422, "late", "/time"),
        ({"time": "2999-01-01T00:00:00Z"}, 422, "future", "/time"),
        ({"data": {"task": "t1"}}, 422, "missing_field", "/data/rep"),
        ({"data": {"task": 7, "rep": "r1"}}, 422, "wrong_type", "/data/task"),
        ({"id": 7}, 422, "wrong_type", "/id"),
        ({"id": "x" * 600}, 422, "too_long", "/id"),
        ({"id": "a\0b"}, 422, "bad_text", None),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    api: Api, change: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    api.http.post("/v1/events", json=api.event("task.opened", task="t0", rep="r1"))
    answer = api.http.post("/v1/events", json={**api.event("task.opened", task="t1", rep="r1"), **change})
    found = answer.json()
    assert (answer.status_code, found["code"], found["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    if pointer is not None:
        assert found["pointer"] == pointer
    assert code in {one["code"] for one in api.http.get("/v1/rejects").json()["items"]}


def test_reserved_types_need_the_scope_and_never_the_engines_own_source(api: Api) -> None:
    data = {"action": "a", "do": "tell", "name": "busy", "scope": "rep", "key": "r1", "code": "x", "reason": "y"}
    event = api.event("action.failed", **data)
    plain = api.client("events:write", source="app")
    assert plain.post("/v1/events", json=event).json()["code"] == "reserved_type"
    assert api.http.post("/v1/events", json=event).status_code == 202
    system = api.client("events:write", "system", source="rulewright/actions")
    refused = system.post("/v1/events", json={**event, "source": "rulewright/actions", "id": "x"})
    assert refused.json()["code"] == "reserved_source"


def test_who_acts_is_said_by_the_key_and_not_by_the_body(api: Api) -> None:
    api.http.post("/v1/events", json=api.event("task.opened", task="t1", rep="r1"))
    api.http.post(
        "/v1/events", json={**api.event("task.closed", task="t1", rep="r1"), "roles": ["lead"], "role": "lead"}
    )
    api.quiet()
    assert api.http.get("/v1/instances/task/t1").json()["workflows"][0]["state"] == "open"
    lead = api.client("events:write", source="app", roles=("lead",))
    assert lead.post("/v1/events", json=api.event("task.closed", task="t1", rep="r1")).status_code == 202
    api.quiet()
    assert api.http.get("/v1/instances/task/t1").json()["workflows"][0]["state"] == "done"


def test_an_event_that_takes_what_is_taken_is_in_the_log_and_says_so(api: Api) -> None:
    first = api.http.post("/v1/events", json=api.event("task.opened", task="t1", rep="r1", photo="p"))
    second = api.http.post("/v1/events", json=api.event("task.opened", task="t2", rep="r1", photo="p"))
    assert "code" not in first.json()
    assert (second.status_code, second.json()["code"]) == (202, "photo_reused")


def test_other_content_types_are_refused(api: Api) -> None:
    answer = api.http.post("/v1/events", content="a=b", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
