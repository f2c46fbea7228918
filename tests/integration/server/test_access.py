"""Who may do what, how often and how much; and that no secret is ever told."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from engine.server.keyring import SCOPES
from engine.server.log import JsonFormatter
from tests.integration.server.conftest import Api, Serve

ROUTES = {
    ("POST", "/v1/events"): "events:write",
    ("POST", "/v1/popups"): "events:write",
    ("POST", "/v1/entities"): "entities:write",
    ("PUT", "/v1/entities/rep/r1"): "entities:write",
    ("GET", "/v1/entities/rep"): "decisions:read",
    ("GET", "/v1/entities/rep/r1"): "decisions:read",
    ("GET", "/v1/instances"): "decisions:read",
    ("GET", "/v1/instances/rep/r1"): "decisions:read",
    ("GET", "/v1/alerts"): "decisions:read",
    ("GET", "/v1/decisions"): "decisions:read",
    ("GET", "/v1/decisions/x"): "decisions:read",
    ("GET", "/v1/decisions/x/explanation"): "decisions:read",
    ("GET", "/v1/why-not"): "decisions:read",
    ("GET", "/v1/actions"): "decisions:read",
    ("GET", "/v1/actions/x"): "decisions:read",
    ("POST", "/v1/actions/x/replay"): "actions:write",
    ("GET", "/v1/rejects"): "decisions:read",
    ("GET", "/v1/rejects/x"): "decisions:read",
    ("POST", "/v1/rejects/x/replay"): "rejects:replay",
    ("GET", "/v1/packs"): "decisions:read",
    ("GET", "/v1/packs/active"): "decisions:read",
    ("GET", "/v1/packs/activations"): "decisions:read",
    ("GET", "/v1/packs/x/diff"): "decisions:read",
    ("POST", "/v1/packs"): "packs:write",
    ("POST", "/v1/packs/x/activate"): "packs:write",
    ("POST", "/v1/packs/rollback"): "packs:write",
    ("GET", "/metrics"): "metrics:read",
}


@pytest.fixture
def team(serve: Serve, tmp_path: Any) -> Iterator[Api]:
    with serve(f"sqlite:///{tmp_path / 'team.db'}", rate=1000.0, burst=500, body_bytes=4096, batch_lines=20) as api:
        yield api


def test_every_route_needs_a_key_and_its_own_scope(team: Api) -> None:
    nobody = httpx.Client(base_url=team.address)
    others = {
        scope: team.client(*(one for one in SCOPES if one != scope), source="app") for scope in set(ROUTES.values())
    }
    for (method, path), scope in ROUTES.items():
        without = nobody.request(method, path)
        assert (without.status_code, without.json()["code"]) == (401, "unauthenticated"), path
        assert without.headers["www-authenticate"] == "Bearer"
        found = others[scope].request(method, path)
        assert (found.status_code, found.json()["code"], found.json()["scope"]) == (403, "forbidden", scope), path
    assert nobody.get("/healthz").json() == {"status": "ok"}
    assert nobody.get("/readyz").json()["status"] == "ok"
    assert nobody.get("/openapi.json").status_code == 401
    assert nobody.get("/nothing").status_code == 401
    nobody.close()


def test_no_route_is_left_out_of_the_list(team: Api) -> None:
    described = team.http.get("/openapi.json").json()["paths"]
    named = {(method.upper(), path) for path, methods in described.items() for method in methods}
    concrete = {("/rep/r1", "/{kind}/{key}"), ("/rep/r1", "/{scope}/{key}"), ("/rep", "/{kind}")}
    concrete |= {("/x", f"/{{{one}}}") for one in ("decision", "action", "reject", "revision")}
    listed = {(method, path.replace(*one)) for method, path in ROUTES for one in (*concrete, ("", ""))}
    assert named - {("GET", "/healthz"), ("GET", "/readyz")} <= listed


@pytest.mark.parametrize("token", ["x", "rw_x_y", "rw__", "\N{SNOWMAN}", "rw_" + "a" * 5000])
def test_a_token_that_is_none_opens_nothing(team: Api, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    answer = httpx.get(f"{team.address}/v1/packs", headers=headers)  # type: ignore[arg-type]
    assert answer.status_code in (400, 401)


def test_a_revoked_key_opens_nothing(team: Api) -> None:
    client = team.client("decisions:read")
    assert client.get("/v1/packs").status_code == 200
    key = team.tokens[-1].split("_")[1]
    assert team.office.store.revoke_key(key, 1)
    assert not team.office.store.revoke_key(key, 1)
    team.office.keys._read = None
    assert client.get("/v1/packs").status_code == 401


def test_a_secret_is_kept_nowhere(team: Api, caplog: pytest.LogCaptureFixture, tmp_path: Any) -> None:
    caplog.set_level(logging.INFO)
    secret = team.tokens[0].split("_", 2)[2]
    team.http.put("/v1/entities/rep/r1", json={"name": "R", "active": True})
    event = team.event("task.opened", task="a-secret-task", rep="r1")
    assert team.http.post("/v1/events", json=event).status_code == 202
    team.http.get("/v1/decisions", params={"cursor": secret})
    told = "\n".join(
        JsonFormatter().format(record) for record in caplog.records if record.name.startswith("rulewright")
    )
    assert "/v1/events" in told
    assert secret not in told
    assert "a-secret-task" not in told
    assert secret not in team.http.get("/metrics").text
    files = list(tmp_path.glob("team.db*"))
    assert any(b"a-secret-task" in file.read_bytes() for file in files)
    assert not any(secret.encode() in file.read_bytes() for file in files)


def test_a_line_of_the_log_has_the_ids(team: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "rulewright.http")
    team.http.put("/v1/entities/rep/r1", json={"name": "R", "active": True})
    event = team.event("talk.started", rep="r1", industry="care")
    answer = team.http.post("/v1/popups", json=event)
    team.http.get("/healthz")
    lines = [
        json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == "rulewright.http"
    ]
    [line] = [one for one in lines if one["request"] == answer.headers["x-request-id"]]
    assert (line["message"], line["status"], line["level"]) == ("POST /v1/popups", 200, "info")
    assert line["events"] == [event["id"]]
    assert line["decisions"] == [answer.json()["popups"][0]["id"]]


def test_a_body_that_is_too_long_is_refused_while_it_comes(team: Api) -> None:
    announced = team.http.post("/v1/events", content=b"x" * 5000, headers={"Content-Type": "application/json"})
    assert (announced.status_code, announced.json()["code"]) == (413, "too_large")
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        for number in range(1_000_000):
            sent.append(number)
            yield b"x" * 1024

    headers = {"Content-Type": "application/json"}
    with suppress(httpx.TransportError):  # the server hangs up on whom it has answered
        assert team.http.post("/v1/events", content=endless(), headers=headers).status_code == 413
    assert len(sent) < 100_000
    assert team.http.get("/v1/packs").status_code == 200


def test_a_batch_of_too_many_lines_is_refused(team: Api) -> None:
    answer = team.http.post("/v1/events", content=b"{}\n" * 21, headers={"Content-Type": "application/x-ndjson"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert team.office.store.sequence() == 0


def test_who_asks_too_often_is_told_when_to_come_back(serve: Serve, tmp_path: Any) -> None:
    with serve(f"sqlite:///{tmp_path / 'team.db'}", rate=0.01, burst=5) as api:
        client = api.client("decisions:read")
        answers = [client.get("/v1/packs") for _ in range(7)]
        assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
        assert answers[-1].json()["code"] == "rate_limited"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 100
        assert api.client("decisions:read").get("/v1/packs").status_code == 200


def test_problems_are_told_in_the_callers_language(team: Api) -> None:
    english = team.http.get("/v1/decisions/none", headers={"Accept-Language": "en;q=0.5, fr"})
    chinese = team.http.get("/v1/decisions/none", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert english.json()["title"] == "There is no such thing"
    assert chinese.json()["title"] == "未找到"
    assert chinese.headers["content-language"] == "zh"
    assert {english.json()["type"], chinese.json()["type"]} == {"urn:rulewright:problem:not_found"}


def test_what_has_no_route_is_a_problem_too(team: Api) -> None:
    for method, path, status, code in (
        ("GET", "/v1/nothing", 404, "not_found"),
        ("DELETE", "/v1/events", 405, "method_not_allowed"),
    ):
        answer = team.http.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_mistake_of_ours_says_nothing_of_how_we_work(
    team: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("inner workings")

    monkeypatch.setattr(team.office.store, "revisions", broken)
    answer = team.http.get("/v1/packs")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "inner workings" not in answer.text
    assert any("inner workings" in (record.exc_text or str(record.exc_info)) for record in caplog.records)


def test_what_operations_watch(team: Api) -> None:
    team.http.put("/v1/entities/rep/r1", json={"name": "R", "active": True})
    team.http.post("/v1/events", json=team.event("task.opened", task="t1", rep="r1"))
    team.http.post("/v1/events", json=team.event("task.opened", task="t1", rep="nobody"))
    team.quiet()
    text = team.http.get("/metrics").text
    revision = team.office.program.revision
    for line in (
        'rulewright_lines_total{status="accepted"} 2.0',
        'rulewright_rejects_total{code="unknown_reference"} 1.0',
        'rulewright_decisions_total{kind="error"} 0.0',
        'rulewright_decisions_total{kind="transition"} 2.0',
        'rulewright_outbox_actions{status="pending"} 0.0',
        "rulewright_deliveries_waiting 0.0",
        "rulewright_lag_seconds 0.0",
        f'rulewright_pack_info{{pack="desk",revision="{revision}",version="1"}} 1.0',
        "rulewright_pack_reload_success 1.0",
        'rulewright_http_requests_total{route="/v1/events",status="202"} 1.0',
    ):
        assert line in text, line
    assert "rulewright_step_seconds_count" in text


def test_the_description_names_the_scheme_and_every_problem(team: Api) -> None:
    described = team.http.get("/openapi.json").json()
    assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    problems = described["paths"]["/v1/events"]["post"]["responses"]["422"]
    assert list(problems["content"]) == ["application/problem+json"]
