"""Events a second that are durable on SQLite, beside a floor: the very same statements with the same rows, issued raw.

The statements are recorded from a run of ours, parameters included, and replayed through `sqlite3` on a copy of the same file,
transaction by transaction; for both the collector works as seldom as in `rulewright run`. What is left between the two is
everything that is not the database.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.cycles import Cycles
from benchmarks.figure import Figure, Size, Timing, Work, rates, timed
from benchmarks.recording import Recording, Transaction
from engine import Engine
from engine.runtime.heap import steady

TOPIC = "durable"
BATCH = 1000
KEYS = 20_000
PARTITIONS = 3
"""How many each event reaches, and changes."""

PACKS = ("sales", Path(__file__).with_name("contacts"))
WANTED, SHARE = 2_500.0, 0.6
FULL_SYNC = 2
SETTINGS = ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "cache_size=-65536",
            "wal_autocheckpoint=4000")  # fmt: skip
"""Those of the store."""


def measure(size: Size) -> Iterator[Figure]:
    """Both ways of committing, each beside its floor. Every run starts from the same file, in which all keys exist."""
    with _seeded(size) as (seed, cycles):
        yield from _way(size, "batches of 1,000", seed, cycles.events(size.events // 3), BATCH)
        yield from _way(size, "one a transaction", seed, cycles.events(size.events // 60), 1)


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """One batched run over a file that has all its keys, opened anew."""
    with _seeded(size) as (seed, cycles), Engine.open(PACKS, f"sqlite:///{seed}") as engine:
        lines = cycles.events(size.events // 3)
        yield lambda: play(engine, lines, BATCH)


def play(engine: Engine, lines: list[bytes], batch: int) -> None:
    """Process lines: as a stream, 1,000 to a transaction, or one by one."""
    if batch > 1:
        for _ in engine.stream(lines):
            pass
        return
    for line in lines:
        engine.process([line])


@contextmanager
def _seeded(size: Size) -> Iterator[tuple[Path, Cycles]]:
    cycles = Cycles(11, KEYS if size.events >= KEYS // 2 else KEYS // 60)
    with tempfile.TemporaryDirectory() as folder:
        seed = Path(folder) / "seed.db"
        with Engine.open(PACKS, f"sqlite:///{seed}") as engine:
            cycles.open(engine)
        checkpoint(seed)
        yield seed, cycles


def _way(size: Size, what: str, seed: Path, lines: list[bytes], batch: int) -> Iterator[Figure]:
    recorded, sizes = _recorded(seed, lines, batch)
    pairs = [(_ours(seed, lines, batch), _floor(seed, recorded, sizes)) for _ in range(size.runs)]
    ours, floors = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    statements = sum(len(transaction) for transaction in recorded)
    yield from rates(TOPIC, what, len(lines), ours, "events/s", WANTED if batch > 1 else None)
    yield from rates(TOPIC, f"{what}, floor", len(lines), floors, "events/s", None)
    share = median(one.wall for one in floors) / median(one.wall for one in ours)
    note = f"{statements:,} statements, {len(recorded):,} transactions, {sum(sizes.values()):,} rows afterwards"
    yield Figure(TOPIC, f"{what}: share of the floor", share, "", "wall", (), SHARE if batch > 1 else None, note=note)


def _ours(seed: Path, lines: list[bytes], batch: int) -> Timing:
    path = _copy(seed)
    with Engine.open(PACKS, f"sqlite:///{path}") as engine, steady():
        return timed(lambda: play(engine, lines, batch))


def _recorded(seed: Path, lines: list[bytes], batch: int) -> tuple[list[Transaction], dict[str, int]]:
    """The transactions of a run of ours that changed or read anything, and how many rows each table has afterwards."""
    path = _copy(seed)
    with Engine.open(PACKS, f"sqlite:///{path}") as engine, Recording() as recording:
        play(engine, lines, batch)
    if batch == 1 and steps(path) - steps(seed) != PARTITIONS * len(lines):
        raise RuntimeError(f"{len(lines)} events stepped {steps(path) - steps(seed)} partitions, not three each")
    return recording.transactions, row_counts(path)


def _floor(seed: Path, transactions: list[Transaction], sizes: dict[str, int]) -> Timing:
    path = _copy(seed)
    connection = raw(path)
    with steady():
        timing = timed(lambda: issue(connection, transactions))
    connection.close()
    if row_counts(path) != sizes:
        raise RuntimeError("the floor did not write what we wrote: its figure would mean nothing")
    return timing


def issue(connection: sqlite3.Connection, transactions: list[Transaction]) -> None:
    """Issue recorded transactions; what a query finds is read to the end, as ours does."""
    for transaction in transactions:
        for statement, parameters, many in transaction:
            if many:
                connection.executemany(statement, parameters)
            else:
                connection.execute(statement, parameters).fetchall()
        connection.commit()


def raw(path: Path) -> sqlite3.Connection:
    """A connection of the standard library with the store's settings, `synchronous=FULL` made sure of."""
    connection = sqlite3.connect(path, isolation_level=None)
    for setting in SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    if connection.execute("PRAGMA synchronous").fetchone()[0] != FULL_SYNC:
        raise RuntimeError("SQLite did not take synchronous=FULL: nothing would be durable")
    return connection


def row_counts(path: Path) -> dict[str, int]:
    """How many rows each table has."""
    connection = sqlite3.connect(path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    counts = {name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in names}
    connection.close()
    return counts


def steps(path: Path) -> int:
    """How often partitions were saved in all: the sum of their versions."""
    connection = sqlite3.connect(path)
    found = int(connection.execute("SELECT sum(version) FROM partitions").fetchone()[0])
    connection.close()
    return found


def checkpoint(path: Path) -> None:
    """Bring everything into the file itself, so that it can be copied alone."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _copy(seed: Path) -> Path:
    """A fresh copy of the file with its keys; the one before is gone, with its log."""
    path = seed.with_name("run.db")
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(seed, path)
    return path
