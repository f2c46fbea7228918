"""PostgreSQL does what SQLite does, and its failures are sentences."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from benchmarks.mix import Mix
from engine import Engine, load
from engine.errors import StoreError
from engine.runtime.appender import Appender
from engine.runtime.puts import take_lines
from engine.runtime.replay import live, replayed, state_hash
from engine.store import DatabaseStore, open_store


def played(store: str) -> tuple[list[bytes], str]:
    with Engine.open("sales", store) as engine:
        feed = Mix(5, 4, 30).feed(400)
        records = [line for lines in feed.play(engine) for line in lines]
        expected = replayed(engine.program, engine.store)
        held = state_hash(live(engine.store, list(expected)))
        assert held == state_hash(expected)
    return records, held


def test_an_engine_on_postgresql_decides_what_one_on_sqlite_decides(postgres: str, tmp_path: Path) -> None:
    assert played(postgres) == played(f"sqlite:///{tmp_path / 'same.db'}")
    with Engine.reopen(postgres) as engine:
        assert engine.store.sequence() > 400


def test_a_connection_that_is_cut_is_made_again(postgres: str) -> None:
    store = open_store(postgres)
    assert store.sequence() == 0
    with psycopg.connect(postgres, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert store.sequence() == 0
    store.close()


def test_a_server_that_is_away_is_a_sentence_without_the_password() -> None:
    with pytest.raises(StoreError, match="store_unavailable") as told:
        open_store("postgresql://me:secret-word@127.0.0.1:1/none")
    assert "secret-word" not in str(told.value)
    assert told.value.__cause__ is None or "secret-word" not in str(told.value.__cause__)


def test_processes_that_append_at_once_leave_no_gap_and_lose_nothing(postgres: str) -> None:
    lines = [line for line, _ in Mix(5, 4, 30).feed(300).events]
    stores = [opened for opened in map(open_store, [postgres] * 3) if isinstance(opened, DatabaseStore)]
    program = load(["sales"])
    Appender(program, stores[0]).through(lambda gate: take_lines(gate, Mix(5, 4, 30).feed(1).entities, None))
    known = stores[0].sequence()

    def append(number: int) -> int:
        appender = Appender(program, stores[number])
        return sum(len(appender.take([line]).sequences) for line in lines[number::3])

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(append, range(3))) == 300
    events = list(stores[0].events())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert sum(event.source == "app" for event in events) == 300
    assert len(events) > known
    for store in stores:
        store.close()
