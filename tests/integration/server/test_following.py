"""A revision that somebody else activates is served from then on, and events are read by it."""

from __future__ import annotations

from pathlib import Path

from engine import Engine
from tests.integration.server.conftest import PACK, REPS, Api
from tests.patience import until

LATER = PACK.replace('version: "1"', 'version: "2"').replace(
    "  task.closed:", "  task.seen: {data: {task: string}}\n  task.closed:", 1
)


def test_a_server_follows_what_is_activated(api: Api, address: str, tmp_path: Path) -> None:
    api.http.post("/v1/entities", json=REPS[0])
    event = api.event("task.seen", task="t1")
    assert api.http.post("/v1/events", json=event).json()["code"] == "unknown_type"
    folder = tmp_path / "later"
    folder.mkdir()
    (folder / "pack.yaml").write_text(LATER, encoding="utf-8")
    with Engine.open(folder, address) as other:
        revision = other.program.revision
    assert api.http.post("/v1/events", json=event).status_code == 202
    assert until(lambda: api.http.get("/v1/packs/active").json()["serving"] == revision)
    listed = api.http.get("/v1/packs").json()["items"]
    assert [one["revision"] for one in listed if one["active"]] == [revision]
    assert f'revision="{revision}",version="2"' in api.http.get("/metrics").text
