"""What only a file can show: settings, restarts, other processes, a full disk."""

import sqlite3
import threading

import pytest
from sqlalchemy import event as event_api
from sqlalchemy import text

from engine import Engine
from engine.core.event import Event
from engine.errors import StoreError
from engine.runtime import engine as engine_module
from engine.store import Batch, DatabaseStore, Logged, SavedPartition, open_store
from engine.store import sqlite as session_module


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def opened(path):
    store = open_store(f"sqlite:///{path}")
    yield store
    store.close()


def entry(seq, size=0):
    event = Event(f"e{seq}", "app", "note", seq, {"text": "x" * size}, (("rep", f"r{seq}"),), seq, seq=seq)
    return Logged(event, b"d" * 16)


def refusal(store, batch):
    with pytest.raises(StoreError) as caught:
        store.commit(batch)
    return caught.value


def test_every_connection_is_as_durable_as_promised(opened):
    session = opened._session
    with session.writing() as writer, session.reading() as reader:
        for connection in (writer, reader):
            assert connection.scalar(text("PRAGMA synchronous")) == 2
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"


def test_a_store_that_will_not_be_durable_is_not_opened(path, monkeypatch):
    monkeypatch.setattr(session_module, "_FULL", 3)
    with pytest.raises(StoreError) as caught:
        DatabaseStore(path)
    assert caught.value.code == "store_unsafe"


def test_everything_is_there_after_a_restart(path):
    with_state = Batch(
        logged=[entry(1)],
        partitions=[SavedPartition("rep", "r1", 0, 1, {"metrics": b"m"})],
        timers={("rep", "r1", "week"): 9},
        clock=4,
    )
    first = open_store(f"sqlite:///{path}")
    first.commit(with_state)
    first.close()
    first.close()

    second = open_store(f"sqlite:///{path}")
    assert (second.sequence(), second.clock()) == (1, 4)
    assert second.partitions([("rep", "r1")])["rep", "r1"].sections == {"metrics": b"m"}
    assert list(second.timers()) == [(9, "rep", "r1", "week")]
    second.close()


def test_two_processes_cannot_both_extend_the_log(path, opened):
    other = open_store(f"sqlite:///{path}")
    opened.commit(Batch(logged=[entry(1)]))
    assert refusal(other, Batch(logged=[entry(1)])).code == "sequence_conflict"
    other.commit(Batch(logged=[entry(2)]))
    assert opened.sequence() == 2
    other.close()


def test_a_locked_file_is_busy_and_nothing_is_written(path, opened, monkeypatch):
    monkeypatch.setattr(session_module, "BUSY_TIMEOUT", 1)
    impatient = open_store(f"sqlite:///{path}")
    with opened._session.writing():
        error = refusal(impatient, Batch(logged=[entry(1)]))
    assert (error.code, "write lock" in error.hint) == ("store_busy", True)
    assert impatient.sequence() == 0
    impatient.commit(Batch(logged=[entry(1)]))
    impatient.close()


def test_a_full_disk_is_named_and_leaves_nothing_half_written(opened):
    with opened._session.reading() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
    opened._session._writer.exec_driver_sql(f"PRAGMA max_page_count={pages + 4}")
    opened._session._writer.rollback()

    error = refusal(opened, Batch(logged=[entry(1), entry(2, size=100_000)], clock=7))
    assert error.code == "store_full"
    assert (opened.sequence(), opened.clock()) == (0, None)
    opened.commit(Batch(logged=[entry(1)]))


def test_readers_go_on_while_somebody_writes(opened):
    opened.commit(Batch(logged=[entry(1)]))
    found = []
    reader = threading.Thread(target=lambda: found.append(opened.sequence()))
    with opened._session.writing():
        reader.start()
        reader.join(10)
    assert found == [1]


def test_many_threads_share_one_store(opened):
    opened.commit(Batch(partitions=[SavedPartition("rep", f"r{n}", 0, 0) for n in range(8)]))

    def step(key):
        for version in range(1, 21):
            opened.commit(Batch(partitions=[SavedPartition("rep", key, version, 0, {"memory": b"x"})]))

    threads = [threading.Thread(target=step, args=(f"r{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = opened.partitions([("rep", f"r{n}") for n in range(8)])
    assert {loaded.version for loaded in found.values()} == {21}


def test_what_is_not_a_database_is_said_to_be_none(path):
    path.write_bytes(b"this is a shopping list, and rather a long one" * 40)
    with pytest.raises(StoreError) as caught:
        DatabaseStore(path)
    assert caught.value.code == "store_unreadable"


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(StoreError) as caught:
        DatabaseStore(tmp_path / "nowhere" / "store.db")
    assert (caught.value.code, "folder" in caught.value.hint) == ("store_unopened", True)


@pytest.mark.usefixtures("opened")
def test_a_file_of_another_schema_is_left_alone(path):
    raw = sqlite3.connect(path)
    raw.execute("UPDATE meta SET value = '99' WHERE name = 'schema'")
    raw.commit()
    raw.close()
    with pytest.raises(StoreError, match="schema 99"):
        DatabaseStore(path)


def test_look_ups_by_pair_use_an_index(opened):
    from engine.store.statements import rows_query

    tables = {"events": ("source", "id"), "partitions": ("scope", "key"), "uniques": ("code", "value")}
    for table, names in tables.items():
        query = rows_query(table, ", ".join(names), names, 3)
        with opened._session.reading() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", tuple("abcdef")).all()
        assert any(f"SEARCH {table}" in row[3] for row in plan), plan


def test_the_outbox_is_asked_through_its_partial_indexes(opened):
    asked = []
    engine = opened._session._engine
    event_api.listen(engine, "before_cursor_execute", lambda _c, _cur, sql, values, *_: asked.append((sql, values)))
    opened.due_actions(5)
    opened.unreceipted()
    opened.expire_leases(5, lambda _: None)
    queries = [(sql, values) for sql, values in asked if sql.startswith("SELECT")]
    with opened._session.reading() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all() for sql, values in queries]
    used = [name for plan in plans for row in plan for name in row[3].split() if name.startswith("outbox_")]
    assert used == ["outbox_due", "outbox_receipts", "outbox_leases"]


@pytest.mark.parametrize("url", ["mysql://localhost/x", "sqlite:///", "store.db", ""])
def test_an_address_that_names_no_store_is_refused_with_a_hint(url):
    with pytest.raises(StoreError) as caught:
        open_store(url)
    assert (caught.value.code, "sqlite:///" in caught.value.hint) == ("store_url", True)


def test_an_address_that_names_no_store_is_shown_without_its_password():
    with pytest.raises(StoreError) as caught:
        open_store("mysql://me:secret-word@host/x")
    assert "secret-word" not in str(caught.value)
    assert "host/x" in str(caught.value)


def test_a_disk_that_fills_up_during_a_stream_loses_nothing_that_was_answered(tmp_path, monkeypatch):
    pack = tmp_path / "pack"
    pack.mkdir()
    declared = "events: {seen: {keys: {rep: data.rep}, data: {rep: string}}}"
    metric = "metrics: {count: {of: seen, by: rep, value: count(), window: {sliding: 1d}}}"
    (pack / "pack.yaml").write_text(f'pack: {{name: mini, version: "1"}}\n{declared}\n{metric}\n', encoding="utf-8")
    monkeypatch.setattr(engine_module, "BATCH", 10)
    seen = '{"id": "e%d", "source": "app", "type": "seen", "time": "2026-03-02T10:00:00Z", "data": {"rep": "r%d", "x": "%s"}}'
    lines = [(seen % (n, n, "x" * 2000)).encode() for n in range(200)]
    with Engine.open(pack, f"sqlite:///{tmp_path / 'store.db'}") as engine:
        writer = engine.store._session._writer
        pages = writer.exec_driver_sql("PRAGMA page_count").scalar_one()
        writer.exec_driver_sql(f"PRAGMA max_page_count={pages + 100}")
        writer.rollback()
        taken_in = []
        with pytest.raises(StoreError, match="store_full"):
            taken_in.extend(taken for _, taken in engine.stream(lines))
        answered = sum(taken_in)
        assert 0 < answered == engine.store.sequence() < 200
        assert {key for key, _ in engine.store.partitions([("rep", f"r{n}") for n in range(200)])} == {"rep"}
        writer.exec_driver_sql("PRAGMA max_page_count=100000")
        writer.rollback()
        assert len(list(engine.store.events())) == answered
        again = sum(taken for _, taken in engine.stream(lines))
        assert (answered + again, engine.store.sequence()) == (200, 200)
