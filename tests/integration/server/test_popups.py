"""A pop-up over HTTP: decided while somebody waits for it, on all that came before, and the same that the log keeps."""

from __future__ import annotations

import pytest

from engine.errors import StoreError
from engine.runtime.shard import shard_of
from engine.store.batch import Member
from tests.integration.server.conftest import Api


def test_the_answer_is_what_the_log_keeps(api: Api) -> None:
    answer = api.http.post("/v1/popups", json=api.event("talk.started", rep="r1", industry="care"))
    found = answer.json()
    assert (answer.status_code, found["stale"]) == (200, False)
    [popup] = found["popups"]
    assert [item["id"] for item in popup["items"]] == ["s1", "s3"]
    assert popup["items"][0]["why"] == ["same industry"]
    kept = api.http.get(f"/v1/decisions/{popup['id']}").json()
    assert kept == {**popup, "seq": found["seq"]}


def test_the_same_event_again_is_answered_the_same(api: Api) -> None:
    event = api.event("talk.started", rep="r1", industry="care")
    first, again = api.http.post("/v1/popups", json=event), api.http.post("/v1/popups", json=event)
    assert first.json() == again.json()


def test_where_somebody_else_has_the_shard_the_answer_says_that_it_is_stale(api: Api) -> None:
    store, now = api.office.store, api.office.now()
    shard = shard_of("rep", "r1")
    lease = store.lease([shard], "other", "other", now, now + 60_000_000, 100)
    assert lease
    found = api.http.post("/v1/popups", json=api.event("talk.started", rep="r1", industry="care")).json()
    assert found["stale"] is True
    assert [item["id"] for item in found["popups"][0]["items"]] == ["s1", "s3"]
    assert store.decision(found["popups"][0]["id"]) is None
    assert "rulewright_popups_stale_total 1.0" in api.http.get("/metrics").text
    store.release(lease)
    api.quiet()
    assert store.decision(found["popups"][0]["id"]) is not None


@pytest.mark.parametrize(
    ("kind", "data", "status", "code"),
    [
        ("task.opened", {"task": "t1", "rep": "r1"}, 422, "no_popup"),
        ("talk.started", {"rep": "nobody", "industry": "care"}, 422, "unknown_reference"),
        ("unheard", {}, 422, "unknown_type"),
    ],
)
def test_what_shows_nothing_is_refused(api: Api, kind: str, data: dict[str, str], status: int, code: str) -> None:
    before = api.office.store.sequence()
    answer = api.http.post("/v1/popups", json=api.event(kind, **data))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert api.office.store.sequence() == before


def test_where_nobody_is_in_the_way_it_is_decided_when_it_is_appended(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.quiet()
    store, claims = api.office.store, list[object]()
    lease = store.lease
    monkeypatch.setattr(store, "lease", lambda *asked: claims.append(asked) or lease(*asked))
    found = api.http.post("/v1/popups", json=api.event("talk.started", rep="r1", industry="care")).json()
    assert (found["stale"], [item["id"] for item in found["popups"][0]["items"]]) == (False, ["s1", "s3"])
    assert (claims, store.backlog()) == ([], {})
    assert store.decision(found["popups"][0]["id"]) is not None


def test_after_another_server_was_lost_it_is_decided_under_a_claim(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.quiet()
    store, given_back, claims = api.office.store, list[object](), list[object]()
    store.report(Member("elsewhere:1/serve", "serve", api.office.now() - 60_000_000, "", "", None))
    api.office.follow()
    lease = store.lease
    monkeypatch.setattr(store, "lease", lambda *asked: claims.append(asked) or lease(*asked))
    monkeypatch.setattr(store, "release", given_back.append)
    found = api.http.post("/v1/popups", json=api.event("talk.started", rep="r1", industry="care")).json()
    assert (found["stale"], len(claims), store.holders()) == (False, 1, [])
    api.office.showing.shutdown()
    assert given_back == []


def test_a_pop_up_that_cannot_be_decided_is_a_problem_and_not_a_silence(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise StoreError("store_unavailable", "gone")

    api.office._counter.careful = True
    monkeypatch.setattr(api.office.store, "lease", gone)
    answer = api.http.post("/v1/popups", json=api.event("talk.started", rep="r1", industry="care"))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"]
