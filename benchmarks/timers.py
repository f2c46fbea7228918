"""Deadlines that come all at once: how fast two claimers take them, and how fast they are appended and stepped as well.

Claiming is what the head of a shared log does: under its lock, look for those that are due and mark them as fired. Each claimer counts
what it took: no deadline may be taken twice, and none be left. Four times as many that are not due yet stand beside them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.durable import checkpoint
from benchmarks.figure import Figure, Size, Timing, Work, rates, timed
from benchmarks.postgres import Databases
from conformance import servers
from engine import load
from engine.core.calendar import to_instant
from engine.core.program import Program
from engine.runtime.appender import Appender
from engine.runtime.bell import GROUP
from engine.runtime.crew import GRACE, Crew
from engine.runtime.gate import TIMERS
from engine.runtime.heap import steady
from engine.runtime.shard import grouped
from engine.store import Batch, DatabaseStore, open_store

TOPIC = "timers"
CLAIMS, FIRED = 50_000.0, 3_000.0
PACK = Path(__file__).with_name("reminders")
START = 1_772_380_800_000_000  # 2026-03-02T00:00:00+08:00
HOUR = 3_600_000_000
DUE = START + 10 * HOUR
NOT_DUE = 4
CHUNK = 5_000

Copy = Callable[[], str]
"""Makes a fresh copy of a filled store; answers its address."""


def measure(size: Size) -> Iterator[Figure]:
    """Claims a second of two claimers, and deadlines a second with all that follows from them, on both databases."""
    with _places(size) as places:
        for name, claims, tasks in places:
            wanted = name == "PostgreSQL"
            taken = [_claimed(claims, size.events) for _ in range(size.runs)]
            yield from rates(
                TOPIC, f"{name}, claimed by two", size.events, taken, "timers/s", CLAIMS if wanted else None
            )
            fired = [_fired(tasks, _tasks(size)) for _ in range(size.runs)]
            what = f"{name}, fired: appended and stepped"
            yield from rates(TOPIC, what, _tasks(size), fired, "timers/s", FIRED if wanted else None)


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """One run on PostgreSQL, appended and stepped."""
    with _places(size) as places:
        _, _, tasks = next(iter(places))
        yield lambda: _fired(tasks, _tasks(size))


def _tasks(size: Size) -> int:
    return size.events // 4


@contextmanager
def _places(size: Size) -> Iterator[Iterator[tuple[str, Copy, Copy]]]:
    """Each database with what copies a store of deadlines alone, and one of tasks that wait for theirs."""
    with servers.postgres() as url, tempfile.TemporaryDirectory() as name:
        databases, folder, program = Databases(url), Path(name), load([PACK])

        def made() -> Iterator[tuple[str, Copy, Copy]]:
            _deadlines(databases.make("rulewright_deadlines"), size.events)
            _opened(databases.make("rulewright_tasks"), program, _tasks(size))
            yield "PostgreSQL", *(_database(databases, one) for one in ("rulewright_deadlines", "rulewright_tasks"))
            _deadlines(f"sqlite:///{folder / 'deadlines.db'}", size.events)
            _opened(f"sqlite:///{folder / 'tasks.db'}", program, _tasks(size))
            yield "SQLite", *(_file(folder / one) for one in ("deadlines.db", "tasks.db"))

        yield made()


def _database(databases: Databases, template: str) -> Copy:
    return lambda: databases.make("rulewright_run", template)


def _file(path: Path) -> Copy:
    def copy() -> str:
        checkpoint(path)
        run = path.with_name("run.db")
        for suffix in ("", "-wal", "-shm"):
            run.with_name(run.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(path, run)
        return f"sqlite:///{run}"

    return copy


def _store(url: str) -> DatabaseStore:
    store = open_store(url)
    assert isinstance(store, DatabaseStore)
    return store


def _deadlines(url: str, count: int) -> None:
    store = _store(url)
    dues = [DUE - n for n in range(count)] + [DUE + HOUR + n for n in range(count * NOT_DUE)]
    for start in range(0, len(dues), CHUNK):
        part = enumerate(dues[start : start + CHUNK], start)
        store.commit(Batch(timers={("task", f"t{n}", "workflow/task/open/0"): due for n, due in part}))
    store.close()


def _opened(url: str, program: Program, count: int) -> None:
    """Tasks that were opened, one a millisecond, and stepped."""
    store = _store(url)
    appender = Appender(program, store)
    lines = [_line(n) for n in range(count)]
    for start in range(0, count, CHUNK):
        appender.take(lines[start : start + CHUNK])
    _step(Crew(program, store, clock=lambda: START / 1e6), store)
    store.close()


def _line(number: int) -> bytes:
    time = to_instant(START + number * 1_000).isoformat()
    event = {"id": f"e{number}", "source": "app", "type": "task.opened", "time": time, "data": {"task": f"t{number}"}}
    return msgspec.json.encode(event)


def _claimed(copy: Copy, count: int) -> Timing:
    url = copy()
    stores = [_store(url) for _ in range(2)]
    found: list[list[str]] = []
    with ThreadPoolExecutor(2) as pool, steady():
        timing = timed(lambda: found.extend(pool.map(_claim, stores)))
    taken = [key for one in found for key in one]
    left = stores[0].due_timers(DUE, 1)
    for store in stores:
        store.close()
    if left or len(taken) != count or len(set(taken)) != count:
        raise RuntimeError(f"{len(taken)} claims of {len(set(taken))} deadlines, of {count} that were due")
    return timing


def _claim(store: DatabaseStore) -> list[str]:
    """Claim until nothing is due; answers the keys."""
    keys: list[str] = []
    count = TIMERS

    def work() -> Batch:
        nonlocal count
        due = store.due_timers(DUE, TIMERS)
        count = len(due)
        keys.extend(key for _, _, key, _ in due)
        return Batch(fired=[(n, scope, key, name, at) for n, (at, scope, key, name) in enumerate(due, 1)])

    while count:
        store.append(work)
    return keys


def _fired(copy: Copy, count: int) -> Timing:
    """One worker lets all deadlines fire, and steps them."""
    program, store = load([PACK]), _store(copy())
    crew = Crew(program, store, clock=lambda: (DUE + GRACE) / 1e6)
    with steady():
        timing = timed(lambda: _swept(crew, store))
    late = store.sequence() - count
    left = store.due_timers(DUE, 1)
    store.close()
    if late != count or left:
        raise RuntimeError(f"{late} of {count} deadlines fired")
    return timing


def _swept(crew: Crew, store: DatabaseStore) -> None:
    crew.fire()
    _step(crew, store)


def _step(crew: Crew, store: DatabaseStore) -> None:
    while backlog := store.backlog():
        for shards in grouped(backlog, GROUP):
            crew.step(shards)
