"""Events a second that are durable on PostgreSQL, beside a floor: the very same statements with the same rows, through psycopg alone.

The server is a real one on the same machine, which so also pays for the server's work. The floor issues, on one connection, what was
recorded from a run of ours; both start from copies of one database in which all keys exist. Then: how fast one and two processes step a
log that was filled beforehand.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import psycopg

from benchmarks.cycles import Cycles
from benchmarks.durable import BATCH, KEYS, PACKS, play
from benchmarks.figure import Figure, Size, Timing, Work, rates, timed
from benchmarks.recording import DriverRecording, Transaction
from conformance import servers
from engine import Engine, load
from engine.runtime.appender import Appender
from engine.runtime.bell import GROUP
from engine.runtime.crew import Crew
from engine.runtime.heap import steady
from engine.runtime.shard import grouped
from engine.store import DatabaseStore, open_store
from engine.store.postgres import PLANNING

TOPIC = "postgres"
SHARE = 0.6
TWO = 1.5
"""How many times as fast two processes should be as one."""

SEED, RUN = "rulewright_seed", "rulewright_run"


class Databases:
    """Databases on one server: one that is filled, and fresh copies of it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def named(self, name: str) -> str:
        """The address of a database of the server."""
        head, _, rest = self._url.partition("://")
        place, _, options = rest.partition("?")
        return f"{head}://{place.rpartition('/')[0]}/{name}{'?' if options else ''}{options}"

    def make(self, name: str, template: str = "template0") -> str:
        """A fresh database, in place of the one that had the name before; it starts from a checkpoint."""
        with psycopg.connect(self._url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.named(name)


def measure(size: Size) -> Iterator[Figure]:
    """Both ways of committing beside their floors, and the workers."""
    with _seeded(size) as (databases, cycles):
        yield from _way(size, "batches of 1,000", databases, cycles.events(size.events // 3), BATCH)
        yield from _way(size, "one a transaction", databases, cycles.events(size.events // 60), 1)
        yield from _workers(size, databases, cycles.events(size.events // 3))


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """One batched run over a database that has all its keys, opened anew."""
    with _seeded(size) as (databases, cycles), Engine.open(PACKS, databases.make(RUN, SEED)) as engine:
        lines = cycles.events(size.events // 3)
        yield lambda: play(engine, lines, BATCH)


@contextmanager
def _seeded(size: Size) -> Iterator[tuple[Databases, Cycles]]:
    cycles = Cycles(11, KEYS if size.events >= KEYS // 2 else KEYS // 60)
    with servers.postgres() as url:
        databases = Databases(url)
        seed = databases.make(SEED)
        with Engine.open(PACKS, seed) as engine:
            cycles.open(engine)
        with psycopg.connect(seed, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield databases, cycles


def _way(size: Size, what: str, databases: Databases, lines: list[bytes], batch: int) -> Iterator[Figure]:
    recorded, sizes = _recorded(databases, lines, batch)
    pairs = [(_ours(databases, lines, batch), _floor(databases, recorded, sizes)) for _ in range(size.runs)]
    ours, floors = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    statements = sum(len(transaction) for transaction in recorded)
    yield from rates(TOPIC, what, len(lines), ours, "events/s", None)
    yield from rates(TOPIC, f"{what}, floor", len(lines), floors, "events/s", None)
    share = median(floor.wall / own.wall for own, floor in pairs)  # each pair ran under the same load
    note = f"{statements:,} statements, {len(recorded):,} transactions, {sum(sizes.values()):,} rows afterwards"
    yield Figure(TOPIC, f"{what}: share of the floor", share, "", "wall", (), SHARE if batch > 1 else None, note=note)


def _ours(databases: Databases, lines: list[bytes], batch: int) -> Timing:
    with Engine.open(PACKS, databases.make(RUN, SEED)) as engine, steady():
        return timed(lambda: play(engine, lines, batch))


def _recorded(databases: Databases, lines: list[bytes], batch: int) -> tuple[list[Transaction], dict[str, int]]:
    url = databases.make(RUN, SEED)
    with Engine.open(PACKS, url) as engine, DriverRecording() as recording:
        play(engine, lines, batch)
    return recording.transactions, row_counts(url)


def _floor(databases: Databases, transactions: list[Transaction], sizes: dict[str, int]) -> Timing:
    """Under the settings of the store's own connections."""
    url = databases.make(RUN, SEED)
    with psycopg.connect(url, autocommit=True) as connection, steady():
        connection.execute(PLANNING)
        timing = timed(lambda: issue(connection, transactions))
    if row_counts(url) != sizes:
        raise RuntimeError("the floor did not write what we wrote: its figure would mean nothing")
    return timing


def issue(connection: psycopg.Connection[tuple[object, ...]], transactions: list[Transaction]) -> None:
    """Issue recorded transactions; a query on its own is in none. What is found is read to the end, as ours does."""
    cursor = connection.cursor()
    for transaction in transactions:
        alone = len(transaction) == 1 and transaction[0][0].startswith("SELECT")
        if not alone:
            cursor.execute("BEGIN")
        for statement, parameters, _ in transaction:
            cursor.execute(statement, parameters)
            if cursor.description is not None:
                cursor.fetchall()
        if not alone:
            cursor.execute("COMMIT")


def row_counts(url: str) -> dict[str, int]:
    """How many rows each table has."""
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone() for (name,) in names}
    return {name: int(row[0]) for name, row in counts.items() if row is not None}


def _workers(size: Size, databases: Databases, lines: list[bytes]) -> Iterator[Figure]:
    filled = "rulewright_filled"
    store = open_store(databases.make(filled, SEED))
    assert isinstance(store, DatabaseStore)
    appender = Appender(load(PACKS), store)
    for start in range(0, len(lines), BATCH):
        appender.take(lines[start : start + BATCH])
    store.close()
    walls = {count: [_drained(databases.make(RUN, filled), count) for _ in range(size.runs)] for count in (1, 2)}
    for count, found in walls.items():
        runs = tuple(len(lines) / wall for wall in found)
        what = f"{count} worker process{'es' if count > 1 else ''}, a log filled beforehand"
        yield Figure(TOPIC, what, median(runs), "events/s", "wall", runs)
    ratio = median(walls[1]) / median(walls[2])
    cores = multiprocessing.cpu_count()
    note = f"this machine has {cores} cores, of which the server itself needs some"
    yield Figure(TOPIC, "two workers against one", ratio, "×", "wall", (), TWO, note=note)


def _drained(url: str, count: int) -> float:
    """Seconds until `count` processes have stepped all that waits, from the moment at which all of them are ready."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(count + 1)
    workers = [spawn.Process(target=drain, args=(url, ready), daemon=True) for _ in range(count)]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    wall = time.perf_counter() - began
    store = open_store(url)
    assert isinstance(store, DatabaseStore)
    left = store.backlog()
    store.close()
    if left or any(worker.exitcode for worker in workers):
        raise RuntimeError(f"the workers left {sum(left.values())} deliveries")
    return wall


def drain(url: str, ready: object) -> None:
    """A worker process: steps shard after shard until nothing waits, as `rulewright work` does when it sweeps."""
    store = open_store(url)
    assert isinstance(store, DatabaseStore)
    now = (store.clock() or 0) / 1e6
    crew = Crew(load(PACKS), store, clock=lambda: now)
    ready.wait()  # type: ignore[attr-defined]
    with steady():
        while backlog := store.backlog():
            for shards in grouped(backlog, GROUP):
                crew.step(shards)
    store.close()
