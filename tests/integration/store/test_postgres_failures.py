"""What a server of PostgreSQL can do to a store: be unsafe, full of guests, slow, or gone; and what is promised all the same."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from conformance.servers import Postgres
from engine.core.event import Event
from engine.errors import StoreError
from engine.store import Batch, DatabaseStore, Logged, open_store
from engine.store import postgres as module
from engine.store.postgres import translated


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as running:
        yield running


@pytest.fixture
def store(server: Postgres) -> Iterator[DatabaseStore]:
    server.start()
    opened = open_store(server.url)
    assert isinstance(opened, DatabaseStore)
    yield opened
    server.start()
    opened.close()


def entry(seq: int) -> Logged:
    return Logged(Event(f"e{seq}", "app", "note", seq, {}, (("rep", "r1"),), seq, seq=seq), b"d" * 16)


def interrupted(store: DatabaseStore, server: Postgres) -> None:
    with store._session.writing() as connection:
        connection.exec_driver_sql("INSERT INTO meta VALUES ('half', 'written')")
        server.stop()
        connection.exec_driver_sql("SELECT 1")


def refused(url: str) -> StoreError:
    with pytest.raises(StoreError) as told:
        open_store(url).sequence()
    return told.value


def test_a_server_that_is_stopped_in_a_transaction_is_a_sentence_and_then_goes_on(
    server: Postgres, store: DatabaseStore
) -> None:
    last = store.sequence()
    with pytest.raises(StoreError, match="store_unavailable"):
        interrupted(store, server)
    assert refused(server.url).code == "store_unavailable"
    with pytest.raises(StoreError, match="store_unavailable"):
        store.sequence()
    server.start()
    assert store.sequence() == last
    assert store._meta("half") is None
    store.commit(Batch(logged=[entry(last + 1)]))
    assert store.sequence() == last + 1


def test_a_batch_that_was_on_its_way_when_the_server_went_is_told_and_can_be_given_again(
    server: Postgres, store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = store.sequence()
    with monkeypatch.context() as patch:
        send = module._send

        def cut(*args: object) -> None:
            server.stop()
            send(*args)  # type: ignore[arg-type]

        patch.setattr(module, "_send", cut)
        store.commit(Batch(logged=[entry(last + 1)]), ahead=True)
        with pytest.raises(StoreError, match="store_unavailable"):
            store.settle()
    server.start()
    store.settle()
    assert store.sequence() == last
    store.commit(Batch(logged=[entry(last + 1)]), ahead=True)
    store.settle()
    assert store.sequence() == last + 1


def test_a_server_that_does_not_wait_for_its_disk_is_refused(server: Postgres) -> None:
    server.start()
    unsafe = f"{server.url}&options=-csynchronous_commit%3Doff"
    error = refused(unsafe)
    assert (error.code, "synchronous_commit = on" in str(error.hint)) == ("store_unsafe", True)
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET fsync = off")
    server.stop()
    server.start()
    error = refused(server.url)
    assert (error.code, "fsync = on" in str(error.hint)) == ("store_unsafe", True)
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM RESET fsync")
    server.stop()
    server.start()
    open_store(server.url).close()


def test_a_server_without_room_for_another_guest_says_so(server: Postgres) -> None:
    server.start()
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("CREATE ROLE guest LOGIN CONNECTION LIMIT 0")
    error = refused(server.url.replace("postgres:@", "guest:@"))
    assert (error.code, "too many connections" in error.message) == ("store_unavailable", True)


def test_a_process_without_a_free_connection_is_busy(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"POOL": 1, "OVERFLOW": 0, "PATIENCE": 0.01}.items():
        monkeypatch.setattr(module, name, value)
    store = open_store(postgres)
    assert isinstance(store, DatabaseStore)
    with store._session.writing(), pytest.raises(StoreError, match="store_busy: all 1 connections"):
        store.sequence()
    assert store.sequence() == 0
    store.close()


def test_text_that_postgresql_cannot_keep_is_an_error_of_its_own(postgres: str) -> None:
    store = open_store(postgres)
    with pytest.raises(StoreError, match="store_text"):
        store.commit(Batch(uniques=[("code", "a\0b", "e1")]))
    assert store.partitions([("rep", "r1")]) == {}
    store.close()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("53100", "store_full"),
        ("53300", "store_busy"),
        ("40P01", "store_busy"),
        ("57P01", "store_unavailable"),
        ("08006", "store_unavailable"),
        ("25006", "store_readonly"),
        ("22021", "store_text"),
        ("42703", "store_failed"),
    ],
)
def test_what_the_server_answers_is_a_code(state: str, code: str) -> None:
    assert translated(DBAPIError("SELECT", (), SimpleNamespace(sqlstate=state))).code == code  # type: ignore[arg-type]


def test_what_the_driver_says_of_a_link_is_the_link() -> None:
    broken = OperationalError("SELECT", (), Exception("server closed the connection unexpectedly\nThis probably means"))
    assert str(translated(broken)).startswith(
        "store_unavailable: the database cannot be reached: server closed the conn"
    )
