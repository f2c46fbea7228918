"""Every test of this folder that asks for `store` runs over every store: in memory, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.event import Action, Event, Record
from engine.store import Batch, Logged, Store, open_store

MONDAY = 1_772_380_800_000_000  # 2026-03-02T00:00:00+08:00
Make = Callable[..., Any]


@pytest.fixture(params=["memory:", "sqlite://", "file", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'store.db'}" if request.param == "file" else request.param
    if url == "postgres":
        url = request.getfixturevalue("postgres")
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def logged() -> Make:
    def make(seq: int, event_id: str | None = None, **changes: Any) -> Logged:
        values: dict[str, Any] = {
            "id": event_id or f"e{seq}",
            "source": "app",
            "type": "visit.closed",
            "at": MONDAY + seq,
            "data": {"visit_id": "v1", "rep_id": "r1"},
            "keys": (("rep", "r1"), ("visit", "v1")),
            "now": MONDAY + seq,
            "seq": seq,
        }
        return Logged(Event(**(values | changes)), digest=bytes([seq % 256]) * 16)

    return make


@pytest.fixture
def record() -> Make:
    def make(record_id: str, **changes: Any) -> Record:
        values: dict[str, Any] = {
            "kind": "transition",
            "id": record_id,
            "at": MONDAY,
            "event": "e1",
            "scope": "visit",
            "key": "v1",
            "name": "visit",
            "fields": {"from": "planned", "to": "closed"},
        }
        return Record(**(values | changes))

    return make


@pytest.fixture
def action() -> Make:
    def make(action_id: str = "a1", **changes: Any) -> Action:
        values: dict[str, Any] = {
            "id": action_id,
            "do": "dingtalk.message",
            "to": "m1",
            "to_entity": "rep",
            "scope": "rep",
            "key": "r1",
            "name": "visit_discipline",
            "content": {"title": "王芳 需要关注"},
            "attach": None,
            "dedupe_key": f"alert/{action_id}",
            "correction": False,
            "corrects": None,
            "at": MONDAY,
        }
        return Action(**(values | changes))

    return make


@pytest.fixture
def queue(store: Store) -> Callable[..., None]:
    def commit(*actions: Action) -> None:
        store.commit(Batch(actions=list(actions)))

    return commit
