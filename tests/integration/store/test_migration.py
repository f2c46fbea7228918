"""Stores of an earlier schema are recognised, say what to run, and are moved up and down with all that is in them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy import text

from engine import Engine
from engine.cli import group
from engine.core.event import Event
from engine.errors import RulewrightError, StoreError
from engine.store import Batch, DatabaseStore, Logged, SavedPartition, migration, open_store, schema, version
from engine.store.opening import open_session
from engine.store.session import Session

FIRST, NOW = min(migration.revisions()), schema.VERSION
GOLDEN = Path(__file__).with_name("schema3.sql")
"""What Rulewright wrote into a file before there were migrations."""


@pytest.fixture
def session(address: str) -> Iterator[Session]:
    opened = open_session(address)
    yield opened
    opened.close()


@pytest.fixture
def old(tmp_path: Path) -> str:
    path = tmp_path / "old.db"
    raw = sqlite3.connect(path)
    raw.executescript(GOLDEN.read_text(encoding="utf-8"))
    raw.close()
    return f"sqlite:///{path}"


SQLITE = """
SELECT m.name, x.name, x.type, x."notnull", x.pk FROM sqlite_master AS m JOIN pragma_table_xinfo(m.name) AS x WHERE m.type = 'table'
UNION ALL SELECT tbl_name, name, sql, 0, 0 FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
UNION ALL SELECT name, 'rowid', sql LIKE '%WITHOUT ROWID%', 0, 0 FROM sqlite_master WHERE type = 'table'
"""
POSTGRES = """
SELECT table_name, column_name, data_type || coalesce(collation_name, ''), is_nullable, column_default
FROM information_schema.columns WHERE table_schema = current_schema()
UNION ALL SELECT tablename, indexname, replace(indexdef, current_schema() || '.', ''), '', ''
FROM pg_indexes WHERE schemaname = current_schema()
"""


def shape(session: Session) -> list[tuple[Any, ...]]:
    """Every table, column and index of a database, with all that they say."""
    with session.viewing() as connection:
        rows = connection.execute(text(SQLITE if connection.dialect.name == "sqlite" else POSTGRES))
        return sorted(tuple(map(str, row)) for row in rows)


def differences(session: Session) -> list[Any]:
    with session.viewing() as connection:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), schema.metadata)
        return found


def content(session: Session, tables: list[str]) -> dict[str, int]:
    with session.viewing() as connection:
        return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables}


def fill(address: str) -> None:
    store = open_store(address)
    event = Event("e1", "app", "note", 1, {}, (("rep", "r1"),), 1, seq=1)
    partition = SavedPartition("rep", "r1", 0, 1, {"metrics": b"m"})
    store.commit(
        Batch(logged=[Logged(event, b"d" * 16)], partitions=[partition], timers={("rep", "r1", "t"): 9}, clock=4)
    )
    store.close()


def test_the_ways_lead_to_the_tables_that_a_new_store_has(address: str, session: Session) -> None:
    assert migration.upgrade(session) == migration.Moved(None, NOW)
    assert differences(session) == []
    moved = shape(session)
    with session.writing() as connection:
        schema.metadata.drop_all(connection)
        version.stamps.drop(connection)
    open_store(address).close()
    assert shape(session) == moved


def test_a_store_goes_down_and_up_with_all_that_is_in_it(address: str, session: Session) -> None:
    fill(address)
    before, tables = shape(session), ["events", "deliveries", "partitions", "timers", "meta"]
    held = content(session, tables)
    assert migration.downgrade(session, FIRST) == migration.Moved(NOW, FIRST)
    assert content(session, tables) == held
    with pytest.raises(StoreError, match=f"schema {FIRST}; this program reads schema {NOW}.*rulewright store upgrade"):
        open_store(address)
    assert migration.upgrade(session) == migration.Moved(FIRST, NOW)
    assert (shape(session), content(session, tables)) == (before, held)
    assert differences(session) == []
    store = open_store(address)
    assert (store.sequence(), store.clock(), list(store.timers())) == (1, 4, [(9, "rep", "r1", "t")])
    assert store.partitions([("rep", "r1")])["rep", "r1"].sections == {"metrics": b"m"}
    store.close()


def test_what_is_there_already_stays_as_it_is(address: str, session: Session) -> None:
    open_store(address).close()
    before = shape(session)
    assert migration.upgrade(session) == migration.Moved(NOW, NOW)
    assert migration.downgrade(session, NOW) == migration.Moved(NOW, NOW)
    assert shape(session) == before


def test_a_new_store_is_stamped_for_alembic(address: str, session: Session) -> None:
    open_store(address).close()
    with session.viewing() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == str(NOW)


def test_a_file_from_before_the_migrations_is_moved_and_goes_on(old: str) -> None:
    with pytest.raises(StoreError, match=r"store_version: the store has schema 3.*rulewright store upgrade"):
        open_store(old)
    session = open_session(old)
    first = shape(session)
    assert migration.upgrade(session) == migration.Moved(3, NOW)
    assert differences(session) == []
    with Engine.reopen(old) as engine:
        assert engine.store.sequence() > 4
        assert engine.state("task", "t3")["workflows"] == {"task": "open"}
        engine.advance("2026-03-02T13:00:00+08:00")
        assert engine.state("task", "t3")["workflows"] == {"task": "late"}
        assert [row.status for row in engine.store.actions()] == ["pending", "pending"]
    migration.downgrade(session, 3)
    kept = [row for row in shape(session) if row[0] != version.stamps.name]
    assert kept == first
    session.close()


def test_what_waits_in_the_queue_is_not_thrown_away(address: str, session: Session) -> None:
    store = open_store(address)
    store.commit(Batch(queued=[(3, "rep", "r1", 1)]))
    before = shape(session)
    with pytest.raises(StoreError, match="store_waiting: 1 deliveries wait"):
        migration.downgrade(session, 3)
    assert shape(session) == before
    assert isinstance(store, DatabaseStore)
    assert store.backlog() == {3: 1}
    store.close()


@pytest.mark.parametrize("number", [1, 99])
def test_a_schema_that_no_way_leads_to_or_from_is_left_alone(session: Session, address: str, number: int) -> None:
    open_store(address).close()
    with pytest.raises(StoreError, match=f"no way leads between schema {number}"):
        migration.upgrade(session, number)
    with session.writing() as connection:
        connection.execute(schema.meta.update().values(value=str(number)))
    with pytest.raises(StoreError, match=f"no way leads between schema {number}"):
        migration.upgrade(session)
    with pytest.raises(StoreError, match=f"the store has schema {number}"):
        open_store(address)


def test_processes_that_open_a_new_store_at_once_make_it_once(postgres: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for store in pool.map(open_store, [postgres] * 4):
            assert store.sequence() == 0
            store.close()


def run(*arguments: str) -> str:
    answer = CliRunner().invoke(group, ["store", *arguments], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_the_command_shows_and_moves(old: str) -> None:
    shown = run("show", "--store", old)
    assert f"schema 3; this program reads {NOW}" in shown
    assert "rulewright store upgrade" in shown
    assert "* 3  The log" in shown
    assert run("upgrade", "--store", old) == f"schema 3 → {NOW}\n"
    assert run("upgrade", "--store", old) == f"schema {NOW}: nothing to do\n"
    assert f"* {NOW}" in run("show", "--store", old)
    assert run("downgrade", "--to", "3", "--store", old) == f"schema {NOW} → 3\n"


def test_the_command_shows_no_password(postgres: str) -> None:
    address = postgres.replace("postgres:@", "postgres:secret-word@")
    shown = run("show", "--store", address)
    assert "schema none yet" in shown
    assert "secret-word" not in shown + run("upgrade", "--store", address)


@pytest.mark.parametrize("url", ["memory:", "sqlite:///nowhere.db", "mysql://me:secret-word@host/x"])
def test_the_command_makes_no_store(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RulewrightError) as told:
        CliRunner().invoke(group, ["store", "show", "--store", url], catch_exceptions=False)
    assert "secret-word" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("work", "absent"),
    [
        (
            "from engine.store import open_store; open_store('sqlite:///new.db').close(); open_store('sqlite:///new.db')",
            "alembic",
        ),
        ("import engine.cli.check", "alembic sqlalchemy"),
    ],
)
def test_alembic_is_imported_by_who_moves_a_store_only(work: str, absent: str, tmp_path: Path) -> None:
    program = f"{work}\nimport sys\nfound = {absent.split()!r} & sys.modules.keys()\nassert not found, found"
    program = program.replace(repr(absent.split()), repr(set(absent.split())))
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
