"""Packs over HTTP: pushed, activated, compared and taken back, while events come in."""

from __future__ import annotations

import io
import zipfile

import httpx
import pytest

from tests.integration.server.conftest import PACK, Api

TESTED = """
tests:
  busy:
    given: {rep: [{id: r1, name: Rep, active: true}]}
    events:
      - {type: task.opened, time: "2026-03-02T10:00:00+08:00", data: {task: t1, rep: r1}}
    expect: {alerts: {busy: {r1: LEVEL}}}
"""


def zipped(text: str, name: str = "desk/pack.yaml") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, text)
    return made.getvalue()


def pushed(api: Api, text: str) -> httpx.Response:
    return api.http.post("/v1/packs", content=zipped(text), headers={"Content-Type": "application/zip"})


def earlier(level: str = "red") -> str:
    """The pack with a lower limit, and a test of it."""
    return PACK.replace("metrics.open.now >= 2", "metrics.open.now >= 1") + TESTED.replace("LEVEL", level)


def opened(api: Api, task: str) -> None:
    assert api.http.post("/v1/events", json=api.event("task.opened", task=task, rep="r1")).status_code == 202
    api.quiet()


def levels(api: Api) -> list[str]:
    return [one["level"] for one in api.http.get("/v1/alerts?name=busy").json()["items"]]


def test_a_pack_is_pushed_activated_and_taken_back(api: Api) -> None:
    first = api.office.program.revision
    opened(api, "t1")
    assert levels(api) == []
    answer = pushed(api, earlier())
    assert answer.status_code == 201
    made = answer.json()
    assert (made["name"], made["tests"]) == ("desk", 1)
    diff = api.http.get(f"/v1/packs/{made['revision']}/diff").json()
    assert [(one["kind"], one["section"], one["name"]) for one in diff["items"]] == [
        ("changed", "alerts", "busy"),
        ("added", "tests", "busy"),
    ]
    done = api.http.post(f"/v1/packs/{made['revision']}/activate", json={"note": "earlier"})
    assert done.status_code == 200
    assert (done.json()["previous"], done.json()["by"], done.json()["note"]) == (first, "test", "earlier")
    assert api.http.get("/v1/packs/active").json()["serving"] == made["revision"]
    opened(api, "t2")
    assert levels(api) == ["red"]
    decided = api.http.get("/v1/decisions?kind=alert").json()["items"]
    assert {one["revision"] for one in decided} == {made["revision"]}
    back = api.http.post("/v1/packs/rollback")
    assert back.json()["revision"] == first
    audit = api.http.get("/v1/packs/activations").json()["items"]
    assert [one["revision"] for one in audit] == [first, made["revision"]]
    assert audit[0]["seq"] > audit[1]["seq"]
    assert f'revision="{first}"' in api.http.get("/metrics").text


def test_what_is_wrong_with_a_pack_is_told_and_changes_nothing(api: Api) -> None:
    first = api.office.program.revision
    broken = pushed(api, PACK.replace("by: rep, of: task.opened", "by: nobody, of: task.opened"))
    assert (broken.status_code, broken.json()["code"]) == (422, "broken_pack")
    assert broken.json()["diagnostics"][0]["code"]
    failing = pushed(api, earlier("green"))
    assert (failing.status_code, failing.json()["code"]) == (422, "tests_failed")
    same = api.http.post(f"/v1/packs/{first}/activate")
    assert (same.status_code, same.json()["reason"]) == (409, "already_active")
    none = api.http.post("/v1/packs/rollback")
    assert (none.status_code, none.json()["reason"]) == (409, "no_earlier_revision")
    unknown = api.http.post("/v1/packs/0123456789abcdef/activate")
    assert unknown.status_code == 404
    odd = api.http.post(f"/v1/packs/{first}/activate", json={"who": "me"})
    assert (odd.status_code, odd.json()["code"]) == (422, "bad_json")
    assert "rulewright_pack_reload_success 0.0" in api.http.get("/metrics").text
    assert api.http.get("/v1/packs/activations").json()["items"] == []
    opened(api, "t1")
    assert levels(api) == []


@pytest.mark.parametrize("name", ["../pack.yaml", "/etc/pack.yaml", "run.py", ".git/pack.yaml"])
def test_an_archive_that_is_no_plain_pack_is_refused(api: Api, name: str) -> None:
    answer = api.http.post("/v1/packs", content=zipped(PACK, name), headers={"Content-Type": "application/zip"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_bundle")
    plain = api.http.post("/v1/packs", content=PACK.encode(), headers={"Content-Type": "application/yaml"})
    assert plain.json()["code"] == "unsupported_media_type"


def test_packs_need_their_own_scope(api: Api) -> None:
    reader = api.client("decisions:read", "events:write", source="app")
    for path in ("/v1/packs", "/v1/packs/0123456789abcdef/activate", "/v1/packs/rollback"):
        assert reader.post(path).status_code == 403
