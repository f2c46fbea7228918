"""A stream of transactions: one is made durable while the next is stepped, and nobody is told before it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import RootTransaction
from sqlalchemy.exc import OperationalError

from engine import Engine
from engine.core.step import Stepper
from engine.errors import StoreError
from engine.runtime import engine as module
from engine.runtime.replay import live, replayed, state_hash
from engine.store import open_store

PACK = """
pack: {name: mini, version: "1", title: {en: Mini}}
calendars:
  shanghai: {tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00}
events:
  seen:
    lateness: 7d
    keys: {rep: data.rep, team: data.team}
    unique: {seen_twice: data.code}
    data: {rep: string, team: string, code: string?}
metrics:
  count: {of: seen, by: rep, value: count(), window: {calendar: week, in: shanghai}}
  all: {of: seen, by: team, value: count(), window: {calendar: week, in: shanghai}}
alerts:
  busy: {by: rep, red: metrics.count.now >= 3}
"""
BATCH = 4


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", BATCH)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    return folder


def line(number: int, rep: str | None = None, code: str = "") -> bytes:
    extra = f', "code": "{code}"' if code else ""
    return (
        f'{{"id": "e{number}", "source": "app", "type": "seen", "time": "2026-03-02T10:{number % 60:02}:00+08:00",'
        f' "data": {{"rep": "{rep or f"r{number % 5}"}", "team": "t"{extra}}}}}'
    ).encode()


def test_what_comes_out_is_durable_when_it_comes(pack: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with Engine.open(pack, url) as engine:
        for number, (_, taken) in enumerate(engine.stream([line(n) for n in range(18)]), 1):
            other = open_store(url)
            assert taken == min(BATCH, 18 - BATCH * (number - 1))
            assert other.sequence() >= min(BATCH * number, 18)
            other.close()


def test_a_stream_decides_what_single_events_decide(pack: Path, tmp_path: Path) -> None:
    lines = [line(n, code=f"c{n % 7}") for n in range(30)] + [line(3, code="c3"), b"not json"]
    with (
        Engine.open(pack, f"sqlite:///{tmp_path / 'one.db'}") as one,
        Engine.open(pack, f"sqlite:///{tmp_path / 'many.db'}") as many,
    ):
        singly = [record for each in lines for record in one.handle(each)]
        together = list(many.handle_many(lines))

        assert together == singly
        again = replayed(many.program, many.store)
        assert state_hash(live(many.store, list(again))) == state_hash(again)


def failing_commit(monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
    commit, count = RootTransaction.commit, 0

    def failing(self: RootTransaction) -> None:
        nonlocal count
        count += 1
        if count == nth:
            raise OperationalError("COMMIT", {}, RuntimeError("the disk is gone"))
        commit(self)

    monkeypatch.setattr(RootTransaction, "commit", failing)


def test_a_commit_that_fails_leaves_the_session_as_the_store_has_it(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line(n) for n in range(12)]
    with Engine.open(pack, f"sqlite:///{tmp_path / 'store.db'}") as engine:
        failing_commit(monkeypatch, nth=2)
        told = []
        with pytest.raises(StoreError, match="the disk is gone"):
            told.extend(engine.stream(lines))

        assert [count for _, count in told] == [BATCH]
        assert engine.store.sequence() == BATCH
        assert engine.metrics("team", "t")["all"].now == BATCH
        assert [count for _, count in engine.stream(lines)] == [0, BATCH, BATCH]
        assert engine.metrics("team", "t")["all"].now == 12


def test_a_crash_while_another_transaction_is_on_its_way_takes_nobody_along(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Stepper.step

    def crashing(self: Stepper, partition: Any, shared: Any, event: Any, tracer: Any = None) -> Any:
        if partition.scope == "rep" and event.id == "e6":
            raise ZeroDivisionError("a mistake of ours")
        return step(self, partition, shared, event, tracer)

    monkeypatch.setattr(Stepper, "step", crashing)
    with Engine.open(pack, f"sqlite:///{tmp_path / 'store.db'}") as engine:
        outcome = engine.handle_many([line(n) for n in range(12)])

        assert [(one["code"], one["event"]) for one in outcome.rejects] == [("step_crashed", "e6")]
        assert engine.metrics("team", "t")["all"].now == 12
        assert engine.store.sequence() == 12


def test_two_streams_on_one_file_lose_nothing(pack: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with Engine.open(pack, url) as one, Engine.open(pack, url) as other:
        for _ in one.stream([line(n) for n in range(10)]):
            pass
        for _ in other.stream([line(n) for n in range(5, 25)]):
            pass
        assert one.handle(line(30)).rejects == []
        assert one.metrics("team", "t")["all"].now == 26


def test_a_stream_that_is_left_early_keeps_what_it_has_done(pack: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with Engine.open(pack, url) as engine:
        stream = engine.stream([line(n) for n in range(12)])
        next(stream)
        assert engine.handle(line(40)).rejects == []
        stream.close()
    with Engine.open(pack, url) as engine:
        assert engine.metrics("team", "t")["all"].now == 2 * BATCH + 1
