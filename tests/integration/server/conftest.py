"""A server over a pack of the test's own, on a real port, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import astuple

from engine import load
from engine.core.program import Program
from engine.runtime.activation import kept
from engine.server.keyring import SCOPES, new_key
from engine.server.office import Office
from engine.server.run import bound, server_of
from engine.server.settings import Settings
from engine.store import DatabaseStore, open_store

PACK = """
pack: {name: desk, version: "1", title: {en: Desk}, params: {door_key: {value: hidden-param, title: {en: Key}}}}
entities:
  rep: {key: id, data: {id: string, name: string, active: bool}}
  script: {key: id, data: {id: string, industry: string}}
events:
  task.opened:
    lateness: 1h
    keys: {task: data.task, rep: data.rep}
    unique: {photo_reused: data.photo}
    data: {task: string, rep: ref(rep), photo: string?}
  task.closed: {lateness: 1h, keys: {task: data.task, rep: data.rep}, data: {task: string, rep: ref(rep)}}
  talk.started: {lateness: 1h, keys: {rep: data.rep}, data: {rep: ref(rep), industry: string}}
workflows:
  task:
    by: task
    initial: fresh
    states:
      fresh: {on: {task.opened: open}}
      open:
        on:
          task.closed: {to: done, roles: [lead]}
      done: {final: true}
metrics:
  open: {by: rep, of: task.opened, window: lifetime}
alerts:
  busy: {by: rep, red: metrics.open.now >= 2, notify: {red: [{do: tell, with: {rep: "{{ rep.name }}"}}]}}
popups:
  talk:
    title: {en: Talk}
    on: talk.started
    by: rep
    from: script
    rank: {match: [{when: script.industry == data.industry, why: {en: same industry}}]}
    limit: 2
channels:
  tell: {connector: webhook, settings: {url: {env: RULEWRIGHT_WEBHOOK_URL}}}
"""

REPS = [{"entity": "rep", "data": {"id": f"r{i}", "name": f"Rep {i}", "active": True}} for i in range(3)]
SCRIPTS = [{"entity": "script", "data": {"id": f"s{i}", "industry": ("retail", "care")[i % 2]}} for i in range(4)]


class Api:
    """A client of a running server, and what is behind it."""

    def __init__(self, office: Office, address: str) -> None:
        self.office = office
        self.address = address
        self.tokens: list[str] = []
        self._clients: list[httpx.Client] = []
        self._numbers = iter(range(1, 1_000_000))
        self.http = self.client(*SCOPES, source="app", roles=("rep",))

    def client(self, *scopes: str, source: str | None = None, roles: tuple[str, ...] = ()) -> httpx.Client:
        """A client with a key of its own."""
        key, token = new_key("test", scopes, source, roles, 0)
        self.office.store.keep_key(key)
        self.office.keys._read = None
        self.tokens.append(token)
        made = httpx.Client(base_url=self.address, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        self._clients.append(made)
        return made

    def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            client.close()

    def event(self, kind: str, /, *, number: str | None = None, source: str = "app", **data: Any) -> dict[str, Any]:
        """An event of now."""
        return {
            "specversion": "1.0",
            "id": number or f"e{next(self._numbers)}",
            "source": source,
            "type": kind,
            "time": datetime.now(UTC).isoformat(),
            "data": data,
        }

    def quiet(self) -> None:
        """Step until nothing waits."""
        assert self.office.crew is not None
        while self.office.store.backlog():
            self.office.crew.sweep()


Serve = Callable[..., AbstractContextManager[Api]]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    return load([folder])


@pytest.fixture
def serve(program: Program) -> Serve:
    """`serve(url, **settings)` runs a server as a context: a thread, a real port."""

    @contextmanager
    def serving(url: str, **settings: Any) -> Iterator[Api]:
        store = open_store(url)
        assert isinstance(store, DatabaseStore)
        store.save_pack(*astuple(kept(program, 0)))
        office = Office(program, store, Settings(**settings))
        with bound("127.0.0.1", 0) as listening:
            server = server_of(office)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            api = Api(office, f"http://127.0.0.1:{listening.getsockname()[1]}")
            try:
                assert api.http.get("/readyz").status_code == 200
                yield api
            finally:
                api.close()
                server.should_exit = True
                thread.join()

    return serving


@pytest.fixture
def api(serve: Serve, address: str) -> Iterator[Api]:
    """A running server with reps and scripts."""
    with serve(address) as running:
        lines = "\n".join(map(_json, REPS + SCRIPTS))
        answer = running.http.post("/v1/entities", content=lines, headers={"Content-Type": "application/x-ndjson"})
        assert answer.json()["accepted"] == len(REPS + SCRIPTS)
        yield running


def _json(value: Any) -> str:
    import json

    return json.dumps(value)
