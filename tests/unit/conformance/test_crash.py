"""The verdict of the crash test: a run without a fault has none, and whatever is done wrong is noticed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from conformance.crash.client import lines
from conformance.crash.pack import PACK
from conformance.crash.verdict import Account, failures
from connectors.protocol import Receipt, Request
from engine import Engine
from engine.core.program import Program
from engine.runtime.appender import Appender
from engine.runtime.crew import GRACE, Crew
from engine.store import DatabaseStore, open_store

Spoil = Callable[[DatabaseStore, Account], Account]


class Told:
    """A channel that keeps what it is told."""

    name = "told"
    resends_safely = False

    def __init__(self) -> None:
        self.said: list[tuple[str, int]] = []

    def perform(self, request: Request) -> Receipt:
        self.said.append((request.content["task"], request.content["round"]))
        return Receipt("sent", "p", {})

    def close(self) -> None:
        raise AssertionError("it was given")


@dataclass(frozen=True)
class Lived:
    program: Program
    store: DatabaseStore
    account: Account

    def found(self, spoil: Spoil) -> list[str]:
        return list(failures(self.program, self.store, spoil(self.store, self.account)))


@pytest.fixture
def lived(tmp_path: Path) -> Iterator[Lived]:
    """A run in which nobody was killed: 120 events about 12 tasks, all of whose deadlines have passed."""
    (tmp_path / "pack.yaml").write_text(PACK, encoding="utf-8")
    with Engine.open(tmp_path / "pack.yaml", f"sqlite:///{tmp_path / 'log.db'}") as engine:
        program = engine.program
    store, told, now = open_store(f"sqlite:///{tmp_path / 'log.db'}"), Told(), [0.0]
    assert isinstance(store, DatabaseStore)
    sent = list(islice(lines(0, 10_000, 12, 0, random.Random(1)), 120))
    appender = Appender(program, store)
    for _, line, _ in sent:
        appender.take([line.encode()])
    now[0] = (store.clock() or 0) / 1e6 + 2 + GRACE / 1e6
    crew = Crew(program, store, clock=lambda: now[0], connectors={"tell": told})
    crew.start()
    while store.backlog() or list(store.timers()):
        crew.sweep()
        now[0] += 1
    assert crew.drain(20)
    while store.unreceipted(1) or store.backlog():
        crew.sweep()
    crew.stop()
    numbers = [number for number, _, _ in sent]
    yield Lived(program, store, Account(numbers, set(numbers), (), tuple(told.said), 0))
    store.close()


def test_a_run_without_a_fault_has_none(lived: Lived) -> None:
    assert lived.found(lambda _, account: account) == []
    assert len(lived.account.delivered) > 5


def _sql(*statements: str) -> Spoil:
    def spoil(store: DatabaseStore, account: Account) -> Account:
        with store._session.writing() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        return account

    return spoil


def _account(change: Callable[[Account], dict[str, Any]]) -> Spoil:
    return lambda _, account: replace(account, **change(account))


FAULTS: dict[str, tuple[Spoil, str]] = {
    "lost": (_account(lambda one: {"accepted": [*one.accepted, "0.999"]}), "accepted events are not in the log"),
    "strange": (_account(lambda one: {"sent": set(one.accepted[1:])}), "that nobody sent"),
    "twice": (_account(lambda one: {"delivered": [*one.delivered, one.delivered[0]]}), "delivered more than once"),
    "untold": (_account(lambda one: {"delivered": one.delivered[1:]}), "were not delivered"),
    "told for nothing": (_account(lambda one: {"delivered": [*one.delivered, ("t99", 1)]}), "should not be"),
    "not poisoned": (_account(lambda one: {"poisoned": [one.accepted[3]]}), "given up are"),
    "too many unknown": (_sql("UPDATE outbox SET status = 'unknown'"), "attempts are unknown, and at most 0"),
    "action stuck": (_sql("UPDATE outbox SET status = 'claimed' WHERE n = 1"), "actions are stuck"),
    "action lost": (_sql("DELETE FROM outbox WHERE n = 1"), "actions are queued, and should be"),
    "delivery stuck": (_sql("INSERT INTO queue VALUES (1, 'task', 't1', 1)"), "deliveries are stuck"),
    "deadline stuck": (_sql("INSERT INTO timers VALUES ('task', 't1', 'x', 1, NULL)"), "deadlines are stuck"),
    "deadline lost": (
        _sql(
            "DELETE FROM events WHERE type = 'timer.fired' AND seq = (SELECT max(seq) FROM events WHERE type = 'timer.fired')"
        ),
        "deadlines never fired",
    ),
    "gap": (_sql("DELETE FROM events WHERE seq = 5"), "the log has gaps"),
    "another state": (
        _sql("UPDATE partitions SET workflows = (SELECT workflows FROM partitions WHERE key = 't2') WHERE key = 't1'"),
        "lines of the state differ",
    ),
    "suspected": (_sql("INSERT INTO crashes VALUES (1, 'task', 't1', 'x', 1, 'lost', false)"), "are still suspected"),
    "given up": (_sql("INSERT INTO crashes VALUES (1, 'task', 't1', 'x', 3, 'lost', true)"), "given up are"),
    "no receipt": (_sql("UPDATE outbox SET receipted = false WHERE n = 1"), "the log does not know how 1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_noticed(lived: Lived, fault: str) -> None:
    spoil, said = FAULTS[fault]
    assert said in "\n".join(lived.found(spoil))
