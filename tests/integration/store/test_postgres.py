"""PostgreSQL does what SQLite does, and its failures are sentences."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from benchmarks.mix import Mix
from engine import Engine
from engine.errors import StoreError
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


def test_processes_that_append_at_once_leave_no_gap(postgres: str) -> None:
    one, two = (open_store(postgres) for _ in range(2))
    assert isinstance(one, DatabaseStore)
    with one._session.appending(), pytest.raises(psycopg.errors.LockNotAvailable), psycopg.connect(postgres) as other:
        other.execute("SET lock_timeout = 50")
        other.execute("SELECT pg_advisory_xact_lock(7236401)")
    one.close()
    two.close()
