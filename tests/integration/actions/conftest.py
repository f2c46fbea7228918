from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.protocol import ConnectorError, Receipt, Request
from engine.core.event import Action
from engine.core.program import Channel
from engine.store import Batch, Store, open_store

START = 1_772_380_800.0  # 2026-03-02T00:00:00+08:00


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Recorder:
    """A connector that keeps what it is asked, and answers with what it was given, the last answer for ever."""

    name = "recorder"
    resends_safely = False

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[Receipt | Exception] = [Receipt("sent", "p1", {"seen": True})]
        self._lock = threading.Lock()

    def perform(self, request: Request) -> Receipt:
        with self._lock:
            self.requests.append(request)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        raise AssertionError("a connector that was given is its giver's to close")

    def fail(self, kind: Any, code: str = "code", retry_after: float | None = None) -> None:
        self.answers.insert(len(self.answers) - 1, ConnectorError(kind, code, "message", retry_after))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, path: Path) -> Iterator[Store]:
    opened = open_store("memory:" if request.param == "memory" else f"sqlite:///{path}")
    yield opened
    opened.close()


@pytest.fixture
def channel() -> Callable[..., Channel]:
    def make(do: str = "webhook", **changes: Any) -> Channel:
        values: dict[str, Any] = {"do": do, "connector": do, "settings": {}, "on_unknown": "hold", "max_attempts": 3}
        return Channel(**(values | {"backoff": 2.0, "timeout": 10.0, "place": None} | changes))

    return make


@pytest.fixture
def put() -> Callable[..., None]:
    def commit(store: Store, *names: str, **changes: Any) -> None:
        store.commit(Batch(actions=[_action(name, changes) for name in names]))

    return commit


def _action(name: str, changes: dict[str, Any]) -> Action:
    values: dict[str, Any] = {"id": name, "do": "webhook", "to": "m1", "to_entity": "rep", "scope": "rep", "key": "r1"}
    values |= {"name": "visit_discipline", "content": {"title": "t"}, "attach": None, "dedupe_key": f"k/{name}"}
    return Action(**(values | {"correction": False, "corrects": None, "at": 0} | changes))
