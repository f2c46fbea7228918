"""Several who work on one database at the same moment: what each of them sees, who waits for whom, and that nobody waits in a circle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from sqlalchemy import event as event_api

from conformance import servers
from engine import Engine
from engine.core.event import Action, Event
from engine.errors import StoreError
from engine.runtime import engine as engine_module
from engine.store import Batch, DatabaseStore, Lease, Logged, Reject, SavedPartition, open_store, statements
from engine.store.outbox import Outcome, Verdict

PACK = """
pack: {name: mini, version: "1"}
events:
  seen: {keys: {rep: data.rep}, data: {rep: string}}
metrics:
  count: {of: seen, by: rep, value: count(), window: {sliding: 1d}}
"""


def opened(url: str) -> DatabaseStore:
    store = open_store(url)
    assert isinstance(store, DatabaseStore)
    return store


@pytest.fixture
def two(postgres: str) -> Iterator[tuple[DatabaseStore, DatabaseStore]]:
    stores = opened(postgres), opened(postgres)
    yield stores
    for store in stores:
        store.close()


@pytest.fixture
def blocked(postgres: str) -> Callable[[Future[object]], bool]:
    """Whether somebody waits for a lock in this schema by now, before the work is done."""

    def ask(work: Future[object]) -> bool:
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        with psycopg.connect(postgres, autocommit=True) as connection:
            while not work.done():
                row = connection.execute(query).fetchone()
                if row is not None and row[0]:
                    return True
        return False

    return ask


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def entry(seq: int) -> Logged:
    return Logged(Event(f"e{seq}", "app", "note", seq, {}, (("rep", "r1"),), seq, seq=seq), b"d" * 16)


def action(number: str, corrects: str | None = None) -> Action:
    about = {"do": "tell", "to": "m1", "to_entity": "rep", "scope": "rep", "key": "r1", "name": "n", "content": {}}
    more = {
        "attach": None,
        "dedupe_key": f"k/{number}",
        "correction": corrects is not None,
        "corrects": corrects,
        "at": 0,
    }
    return Action(id=number, **about, **more)  # type: ignore[arg-type]


def test_rejects_are_numbered_in_the_order_in_which_they_are_committed(
    two: tuple[DatabaseStore, DatabaseStore], thread: ThreadPoolExecutor, blocked: Callable[[Future[object]], bool]
) -> None:
    one, other = two
    first, second = (Reject(number, 0, "app", "e", "late", "", b"") for number in ("first", "second"))
    with one._session.appending() as connection:
        statements.INSERT_REJECT.many(connection, [("first", 0, "app", "e", "late", "", b"", None)])
        later: Future[object] = thread.submit(other.commit, Batch(rejects=[second]))
        assert blocked(later)
    later.result()
    assert [reject.id for reject in one.rejects()] == [first.id, second.id]


def test_a_view_of_several_queries_is_of_one_moment(two: tuple[DatabaseStore, DatabaseStore]) -> None:
    one, other = two
    one.commit(Batch(actions=[action("a")]))
    claims = iter([True])

    def claim(*_: object) -> None:
        if next(claims, False):
            assert other.claim("a", 0, 60, "token") is not None

    event_api.listen(one._session._engine, "after_cursor_execute", claim)
    assert one.under_way(5) == 1
    assert next(claims, None) is None
    assert one.under_way(5) == 1


def test_a_dead_action_is_not_replayed_past_a_correction_that_is_on_its_way(
    two: tuple[DatabaseStore, DatabaseStore], thread: ThreadPoolExecutor, blocked: Callable[[Future[object]], bool]
) -> None:
    one, other = two
    one.commit(Batch(actions=[action("a")]))
    one.claim("a", 0, 60, "t")
    one.begin_attempt("a", 1, "t", 0, "h")
    one.finish_attempt("a", 1, "t", Outcome("failed", 1, "permanent", "x", "y"), Verdict("dead", 0, 1))

    def correct(connection: object) -> None:
        from engine.store import transaction
        from engine.store.database_outbox import enqueue

        transaction.write(connection, Batch(actions=[action("b", corrects="k/a")]), enqueue)  # type: ignore[arg-type]

    with one._session.writing() as connection:
        correct(connection)
        replayed: Future[object] = thread.submit(other.replay_dead, "a")
        assert blocked(replayed)
    assert replayed.result() is False
    row = one.action("a")
    assert row is not None
    assert row.status == "dead"


@pytest.mark.parametrize("statement", [statements.FIRE_TIMER, statements.DELETE_TIMER, statements.SET_TIMER])
def test_who_changes_several_rows_locks_them_in_order(
    two: tuple[DatabaseStore, DatabaseStore],
    thread: ThreadPoolExecutor,
    blocked: Callable[[Future[object]], bool],
    statement: statements.Statement,
) -> None:
    one, other = two
    for name in ("b", "a"):
        one.commit(Batch(timers={("s", "k", name): 5}))
    keys = [("s", "k", "b"), ("s", "k", "a")]
    rows = {
        statements.FIRE_TIMER: [(9, *key, 5) for key in keys],
        statements.DELETE_TIMER: list(keys),
        statements.SET_TIMER: [(*key, 7, None) for key in keys],
    }[statement]

    def change() -> None:
        with other._session.writing() as connection:
            statement.many(connection, rows)

    with one._session.writing() as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
        connection.exec_driver_sql("UPDATE timers SET fired = 6 WHERE name = 'a'")
        waits: Future[object] = thread.submit(change)
        assert blocked(waits)
        connection.exec_driver_sql("UPDATE timers SET fired = 6 WHERE name = 'b'")
    waits.result()


def test_a_partition_is_saved_on_top_of_the_version_that_was_loaded_only(
    two: tuple[DatabaseStore, DatabaseStore], thread: ThreadPoolExecutor, blocked: Callable[[Future[object]], bool]
) -> None:
    one, other = two
    one.commit(Batch(partitions=[SavedPartition("rep", "r1", 0, 1, {"metrics": b"first"})]))
    with one._session.writing() as connection:
        connection.exec_driver_sql("UPDATE partitions SET version = 2, metrics = 'second'")
        late: Future[object] = thread.submit(
            other.commit, Batch(partitions=[SavedPartition("rep", "r1", 1, 2, {"metrics": b"lost"})])
        )
        assert blocked(late)
    with pytest.raises(StoreError, match="version_conflict"):
        late.result()
    assert one.partitions([("rep", "r1")])["rep", "r1"].sections == {"metrics": b"second"}


def test_two_who_claim_a_shard_for_the_first_time_do_not_both_get_it(
    two: tuple[DatabaseStore, DatabaseStore], thread: ThreadPoolExecutor, blocked: Callable[[Future[object]], bool]
) -> None:
    one, other = two
    with one._session.writing() as connection:
        connection.exec_driver_sql("INSERT INTO shards VALUES (3, 'one', 'token', 60, 0)")
        second: Future[object] = thread.submit(other.lease, [3], "other", "other", 5, 50, 100)
        assert blocked(second)
    assert second.result() == []
    assert other.lease([3], "other", "other", 60, 90, 100) == [Lease(3, "other", 90, suspects=0)]


def test_claims_that_are_kept_and_given_back_together_are_locked_in_their_order(
    postgres: str, thread: ThreadPoolExecutor, blocked: Callable[[Future[object]], bool]
) -> None:
    store = open_store(postgres)
    assert isinstance(store, DatabaseStore)
    first, second = store.lease([3, 5], "w", "w", 0, 90, 100)
    with psycopg.connect(postgres) as other:
        other.execute("SELECT 1 FROM shards WHERE shard = 3 FOR UPDATE")
        late: Future[object] = thread.submit(store.commit, Batch(leases=[second], returned=[first]))
        assert blocked(late)
        assert other.execute("SELECT shard FROM shards WHERE shard = 5 FOR UPDATE NOWAIT").fetchall() == [(5,)]
    assert late.result() is None
    assert store.holders() == ["w"]
    store.close()


def test_logs_of_two_schemas_do_not_wait_for_each_other(postgres: str, database: str) -> None:
    with servers.schema(database) as elsewhere:
        one, other = opened(postgres), opened(f"{elsewhere}%20-clock_timeout%3D10s")
        with one._session.appending():
            other.commit(Batch(logged=[entry(1)]))
        assert (one.sequence(), other.sequence()) == (0, 1)
        one.close()
        other.close()


def test_postgresql_sorts_text_byte_by_byte_whatever_the_language_of_its_server(
    two: tuple[DatabaseStore, DatabaseStore], postgres: str, tmp_path: Path
) -> None:
    names = ["Zoe", "anna", "Émile", "zoe", "Anna", "_x", "王芳"]
    for store in (two[0], opened(f"sqlite:///{tmp_path / 'store.db'}")):
        store.commit(Batch(timers={("rep", name, "week"): 5 for name in names}))
        assert [key for _, _, key, _ in store.timers()] == sorted(names)
        store.close()
    query = """
        SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND atttypid = 'text'::regtype
        AND attcollation <> '"C"'::regcollation
    """
    with psycopg.connect(postgres) as connection:
        assert connection.execute(query).fetchall() == []


def test_a_conflict_of_a_batch_that_is_on_its_way_is_not_taken_for_one_of_the_next(
    two: tuple[DatabaseStore, DatabaseStore],
) -> None:
    one, other = two
    one.commit(Batch(partitions=[SavedPartition("rep", "r1", 0, 1)]))
    other.commit(Batch(partitions=[SavedPartition("rep", "r1", 1, 1)]))
    one.commit(Batch(logged=[entry(1)], partitions=[SavedPartition("rep", "r1", 1, 1)]), ahead=True)
    with pytest.raises(StoreError, match=r"batch_lost: .*version_conflict"):
        one.commit(Batch(logged=[entry(2)]), ahead=True)
    assert one.sequence() == 0
    with pytest.raises(StoreError, match="sequence_conflict"):
        one.commit(Batch(logged=[entry(2)]), ahead=True)
    one.commit(Batch(logged=[entry(1)], clock=9), ahead=True)
    one.settle()
    with pytest.raises(StoreError, match="clock_conflict"):
        one.commit(Batch(logged=[entry(2)], clock=8), ahead=True)
    one.settle()


def test_who_reads_a_stream_slowly_keeps_nobody_else_waiting(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "BATCH", 2)
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    lines = [
        f'{{"id": "e{n}", "source": "app", "type": "seen", "time": "2026-03-02T10:00:00Z", "data": {{"rep": "r"}}}}'.encode()
        for n in range(9)
    ]
    with Engine.open(folder, address) as engine:
        stream = engine.stream(lines[:8])
        next(stream)  # the second transaction is on its way now
        other = Thread(target=engine.handle, args=(lines[8],), daemon=True)
        other.start()
        other.join(20)
        assert not other.is_alive()
        assert sum(taken for _, taken in stream) == 6
        assert engine.metrics("rep", "r")["count"].now == 9
