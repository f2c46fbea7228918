"""The bell over a real server that speaks Redis' protocol: a message crosses processes' brokers, and one that is lost costs a sweep."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import servers
from connectors.protocol import Receipt, Request
from engine.actions.redis import queued
from engine.core.program import Program
from engine.runtime import crew as module
from engine.runtime.appender import Appender
from engine.runtime.bell import Bell
from engine.runtime.crew import GRACE, Crew
from engine.store import DatabaseStore, open_store
from tests.patience import PATIENCE, until

NOON = 1_772_424_000_000_000  # 2026-03-02T12:00:00+08:00


class Told:
    """A channel that notes what it is told, and says when something came."""

    name = "told"
    resends_safely = False

    def __init__(self) -> None:
        self.tasks: list[str] = []
        self.came = threading.Event()

    def perform(self, request: Request) -> Receipt:
        self.tasks.append(request.content["task"])
        self.came.set()
        return Receipt("sent", "p", {})

    def close(self) -> None:
        raise AssertionError("it was given")


def line(kind: str, task: str, time: str) -> bytes:
    return f'{{"id": "{kind}/{task}", "source": "app", "type": "{kind}", "time": "{time}", "data": {{"task": "{task}"}}}}'.encode()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[DatabaseStore, DatabaseStore]]:
    address = f"sqlite:///{tmp_path / 'shared.db'}"
    stores = [opened for opened in (open_store(address), open_store(address)) if isinstance(opened, DatabaseStore)]
    yield stores[0], stores[1]
    for store in stores:
        store.close()


def test_what_one_broker_is_told_another_answers(redis_url: str) -> None:
    heard: list[list[int]] = []
    all_came = threading.Event()

    def answer(shards: list[int]) -> None:
        heard.append(shards)
        if sum(map(len, heard)) == 3:
            all_came.set()

    ringing, listening = Bell(queued(redis_url)()), Bell(queued(redis_url)(), answer)
    for bell in (ringing, listening):
        bell.start()
    ringing.ring([3, 7, 7, 31])
    assert all_came.wait(PATIENCE)
    for bell in (ringing, listening):
        bell.stop()
    assert sorted(heard) == [[3, 7], [31]]


def test_a_worker_steps_and_acts_at_once_when_it_is_told_by_redis(
    program: Program, two: tuple[DatabaseStore, DatabaseStore], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SWEEP", 3600.0)  # it does not look by itself
    appending, working = two
    told = Told()
    crew = Crew(program, working, broker=queued(redis_url), clock=lambda: NOON / 1e6, connectors={"tell": told})
    bell = Bell(queued(redis_url)())
    appender = Appender(program, appending)
    crew.start()
    bell.start()
    bell.ring(appender.take([line("task.opened", "t1", "2026-03-02T10:00:00+08:00")]).shards)
    assert until(lambda: not appending.backlog())
    _, shards = appender.gate.fire(NOON - GRACE)
    bell.ring(shards)
    assert told.came.wait(PATIENCE)
    bell.stop()
    crew.stop()
    assert told.tasks == ["t1"]


def test_messages_that_a_lost_server_took_with_it_are_made_up_for(
    program: Program, two: tuple[DatabaseStore, DatabaseStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    appending, working = two
    with servers.Redis() as server:
        monkeypatch.setattr(module, "SWEEP", 0.05)
        crew = Crew(program, working, broker=queued(server.url), clock=lambda: NOON / 1e6, connectors={"tell": Told()})
        bell = Bell(queued(server.url)())
        appender = Appender(program, appending)
        crew.start()
        bell.start()
        for number in range(3):
            taken = appender.take([line("task.opened", f"t{number}", f"2026-03-02T11:3{number}:00+08:00")])
            server.kill()
            bell.ring(taken.shards)
            server.start()
        assert until(lambda: not appending.backlog())
        bell.stop()
        crew.stop()
    assert len(list(appending.timers())) == 3
