"""Workers on one store: each delivery is stepped once, in order, whoever does it and whoever is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from connectors.protocol import Receipt, Request
from engine.core.calendar import to_instant
from engine.core.event import Event, Step
from engine.core.program import Program
from engine.core.step import Stepper
from engine.errors import StoreError
from engine.runtime.appender import Appender
from engine.runtime.crash import CRASHES
from engine.runtime.crew import GRACE, TERM, Crew
from engine.runtime.drain import Drain
from engine.runtime.replay import live, replayed, state_hash
from engine.runtime.shard import shard_of
from engine.store import Batch, DatabaseStore, Lease, open_store, schema, statements

NOON = 1_772_424_000_000_000  # 2026-03-02T12:00:00+08:00
HOUR = 3_600_000_000


class Told:
    """A channel that keeps what it is told."""

    name = "told"
    resends_safely = False

    def __init__(self) -> None:
        self.tasks: list[str] = []

    def perform(self, request: Request) -> Receipt:
        self.tasks.append(request.content["task"])
        return Receipt("sent", "p", {})

    def close(self) -> None:
        raise AssertionError("it was given")


def line(kind: str, task: str, at: int, number: str | None = None) -> bytes:
    data = {"task": task}
    event = {
        "id": number or f"{kind}/{task}",
        "source": "app",
        "type": kind,
        "time": to_instant(at).isoformat(),
        "data": data,
    }
    return json.dumps(event).encode()


@contextmanager
def working(program: Program, store: DatabaseStore, clock: Callable[[], float], told: Told) -> Iterator[Crew]:
    crew = Crew(program, store, clock=clock, connectors={"tell": told})
    crew.start()
    yield crew
    crew.stop()


def quiet(crew: Crew, store: DatabaseStore) -> None:
    """Sweep until nothing waits."""
    crew.sweep()
    while store.backlog():
        crew.sweep()


def states(store: DatabaseStore, tasks: range) -> dict[str, str]:
    found = live(store, [("task", f"t{i}") for i in tasks])
    return {key: "+".join(one.workflows.instances["task"].active) for (_, key), one in found.items()}


def test_two_workers_step_everything_once_and_act_once(program: Program, address: str) -> None:
    told, now = Told(), [NOON / 1e6]
    stores = [opened for opened in map(open_store, [address] * 3) if isinstance(opened, DatabaseStore)]
    appender = Appender(program, stores[0])
    appender.take([line("task.opened", f"t{i}", NOON) for i in range(40)])
    now[0] += 3600 + GRACE / 1e6
    with (
        working(program, stores[1], lambda: now[0], told) as one,
        working(program, stores[2], lambda: now[0], told) as two,
    ):
        for crew in (one, two, one):
            quiet(crew, stores[0])
        assert two.drain(20)
        assert one.drain(20)
    assert sorted(told.tasks) == sorted(f"t{i}" for i in range(40))
    assert set(states(stores[0], range(40)).values()) == {"late"}
    expected = replayed(program, stores[0])
    assert state_hash(live(stores[0], list(expected))) == state_hash(expected)
    for store in stores:
        store.close()


def test_a_deadline_that_was_cancelled_while_its_firing_waited_does_nothing(
    program: Program, store: DatabaseStore
) -> None:
    appender = Appender(program, store)
    appender.take([line("task.opened", "t1", NOON)])
    drain = Drain(program, store, lambda: NOON, TERM)
    step(drain, store, "t1")
    appender.take([line("task.closed", "t1", NOON + HOUR)])
    count, shards = appender.gate.fire(NOON + HOUR)
    assert (count, shards) == (1, {shard_of("task", "t1")})
    assert appender.gate.fire(NOON + HOUR) == (0, frozenset())
    step(drain, store, "t1")
    assert states(store, range(2)) == {"t1": "done"}
    assert not list(store.timers())
    expected = replayed(program, store)
    assert state_hash(live(store, list(expected))) == state_hash(expected)


def test_a_deadline_that_was_set_after_time_had_passed_it_is_taken_as_of_its_instant(
    program: Program, store: DatabaseStore
) -> None:
    appender, drain = Appender(program, store), Drain(program, store, lambda: NOON, TERM)
    appender.take([line("task.opened", "t1", NOON)])
    appender.take([line("task.opened", "t2", NOON + 2 * HOUR)])
    step(drain, store, "t1")
    assert appender.gate.fire(NOON + 2 * HOUR)[0] == 1
    step(drain, store, "t1")
    assert states(store, range(2)) == {"t1": "late"}
    (emitted,) = [event for event in store.events() if event.type == "task.late"]
    assert (emitted.at, emitted.now) == (NOON + HOUR, NOON + 2 * HOUR)


def test_a_firing_that_was_overtaken_takes_nothing_from_the_deadline_that_was_set_since(
    program: Program, store: DatabaseStore
) -> None:
    appender, drain = Appender(program, store), Drain(program, store, lambda: NOON, TERM)
    appender.take([line("task.opened", "t1", NOON)])
    step(drain, store, "t1")
    appender.take([line("task.opened", "t1", NOON + HOUR // 2, "again")])
    assert appender.gate.fire(NOON + HOUR)[0] == 1
    step(drain, store, "t1")
    assert states(store, range(2)) == {"t1": "open"}
    assert appender.gate.fire(NOON + 2 * HOUR)[0] == 1
    step(drain, store, "t1")
    assert states(store, range(2)) == {"t1": "late"}
    task = ("task", "t1")
    assert state_hash(live(store, [task])) == state_hash({task: replayed(program, store)[task]})


def test_an_event_comes_after_the_deadlines_before_it(program: Program, store: DatabaseStore) -> None:
    appender = Appender(program, store)
    appender.take([line("task.opened", "t1", NOON)])
    drain = Drain(program, store, lambda: NOON, TERM)
    step(drain, store, "t1")
    appender.take([line("task.closed", "t1", NOON + HOUR + 1)])
    assert [event.type for event in store.events()] == ["task.opened", "timer.fired", "task.closed"]


def step(drain: Drain, store: DatabaseStore, task: str, *, token: str = "", now: int = NOON) -> Lease:
    shard = shard_of("task", task)
    [lease] = leases = store.lease([shard], "w", token or f"token{next(NUMBERS)}", now, now + TERM, 100)
    while leases and (done := drain.drain(leases)) is not None:
        leases = list(done.leases)
    store.release(leases)
    return lease


NUMBERS = iter(range(1_000_000))


def test_who_lost_the_shard_writes_nothing(program: Program, store: DatabaseStore) -> None:
    Appender(program, store).take([line("task.opened", "t1", NOON)])
    drain, shard = Drain(program, store, lambda: NOON, TERM), shard_of("task", "t1")
    slow = store.lease([shard], "slow", "slow", NOON, NOON + TERM, 100)
    assert slow
    assert not store.lease([shard], "other", "other", NOON + 1, NOON + TERM, 100)
    assert store.lease([shard], "other", "other", NOON + TERM, NOON + 2 * TERM, 100)
    with pytest.raises(StoreError, match="shard_lost"):
        drain.drain(slow)
    assert store.backlog() == {shard: 1}
    assert not live(store, [("task", "t1")])


def tasks_of(shard: int, count: int) -> list[str]:
    """Names of tasks whose partitions are in one shard."""
    return list(islice((f"t{i}" for i in range(10_000) if shard_of("task", f"t{i}") == shard), count))


def test_of_shards_that_are_claimed_together_those_are_had_that_nobody_else_has(store: DatabaseStore) -> None:
    assert [one.shard for one in store.lease([5, 3], "a", "a", NOON, NOON + TERM, 100)] == [3, 5]
    assert [one.shard for one in store.lease([3, 4, 5, 6], "b", "b", NOON, NOON + TERM, 100)] == [4, 6]
    assert store.lease([3, 4, 5, 6], "c", "c", NOON, NOON + TERM, 100) == []


def test_what_waits_in_several_shards_is_stepped_and_given_back_in_one_commit(
    program: Program, store: DatabaseStore
) -> None:
    tasks = [task for shard in (3, 4, 5) for task in tasks_of(shard, 2)]
    Appender(program, store).take([line("task.opened", task, NOON) for task in tasks])
    leases = store.lease([3, 4, 5], "w", "w", NOON, NOON + TERM, 100)
    batches: list[Batch] = []
    commit = store.commit
    store.commit = lambda batch, **named: batches.append(batch) or commit(batch, **named)  # type: ignore[method-assign, func-returns-value]
    done = Drain(program, store, lambda: NOON, TERM).drain(leases)
    assert done is not None
    assert (done.count, done.leases, done.shards, len(batches)) == (6, (), frozenset(), 1)
    assert (store.backlog(), store.holders()) == ({}, [])


def test_who_has_a_whole_batch_leaves_the_other_shards_to_others(program: Program, store: DatabaseStore) -> None:
    tasks = [task for shard in (3, 4, 5) for task in tasks_of(shard, 4)]
    Appender(program, store).take([line("task.opened", task, NOON) for task in tasks])
    leases = store.lease([3, 4, 5], "w", "w", NOON, NOON + TERM, 100)
    drain = Drain(program, store, lambda: NOON, TERM)
    done = drain.drain(leases, 3)
    assert done is not None
    assert (done.count, [one.shard for one in done.leases], done.shards) == (3, [3], frozenset((4, 5)))
    assert store.backlog() == {3: 1, 4: 4, 5: 4}
    assert [one.shard for one in store.lease([3, 4, 5], "b", "b", NOON, NOON + TERM, 100)] == [4, 5]
    rest = drain.drain(done.leases, 3)
    assert rest is not None
    assert (rest.count, rest.leases) == (1, ())


def test_of_two_who_claim_a_new_shard_at_once_one_has_it(postgres: str) -> None:
    store, other = open_store(postgres), open_store(postgres)
    assert isinstance(store, DatabaseStore)
    assert isinstance(other, DatabaseStore)

    def one_waits(connection: Connection) -> bool:
        return bool(connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar_one())

    with ThreadPoolExecutor(1) as pool:
        with store._session.writing() as connection:
            first = {"shard": 3, "owner": "a", "token": "a", "until": NOON + TERM, "suspects": 0}
            connection.execute(schema.shards.insert().values(**first))
            second = pool.submit(other.lease, [3], "b", "b", NOON, NOON + TERM, 100)
            while not one_waits(connection):
                assert not second.done()
        assert second.result() == []
    assert store.holders() == ["a"]
    for one in (store, other):
        one.close()


def test_a_step_that_crashes_is_given_up_and_its_shard_goes_on(
    program: Program, store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = shard_of("task", "t1")
    other = next(f"t{i}" for i in range(2, 1000) if shard_of("task", f"t{i}") == shard)
    crashes = crashing(monkeypatch, "t1")
    Appender(program, store).take([line("task.opened", "t1", NOON), line("task.opened", other, NOON)])
    step(Drain(program, store, lambda: NOON, TERM), store, "t1")
    assert len(crashes) == CRASHES
    assert [record.fields["code"] for _, record in store.decisions(kind="reject")] == ["step_crashed"]
    assert store.backlog() == {}
    assert live(store, [("task", other)])


def test_a_delivery_that_kills_its_worker_is_found_and_given_up(
    program: Program, store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = shard_of("task", "t1")
    other = next(f"t{i}" for i in range(2, 1000) if shard_of("task", f"t{i}") == shard)
    deaths = crashing(monkeypatch, "t1", SystemExit)
    Appender(program, store).take([line("task.opened", other, NOON), line("task.opened", "t1", NOON)])
    now = NOON
    while store.backlog():
        try:
            step(Drain(program, store, lambda now=now: now, TERM), store, "t1", now=now)
        except SystemExit:
            now += TERM
    assert len(deaths) == 1
    assert [(record.key, record.fields["code"]) for _, record in store.decisions(kind="reject")] == [
        ("t1", "step_crashed")
    ]
    assert live(store, [("task", other)])
    assert [parked.delivery[2] for parked in store.parked()] == ["t1"]


def crashing(monkeypatch: pytest.MonkeyPatch, task: str, error: type[BaseException] = RuntimeError) -> list[str]:
    """Make every step of a task fail; answers a list that grows by one each time."""
    crashes: list[str] = []
    stepped = Stepper.step

    def stepping(self: Stepper, partition: Any, shared: Any, event: Event, tracer: Any = None) -> Step:
        if partition.key == task:
            crashes.append(event.id)
            raise error
        return stepped(self, partition, shared, event, tracer)

    monkeypatch.setattr(Stepper, "step", stepping)
    return crashes


def test_who_loses_its_worker_again_and_again_by_chance_is_not_given_up(program: Program, store: DatabaseStore) -> None:
    shard, now = shard_of("task", "t1"), NOON
    Appender(program, store).take([line("task.opened", "t1", NOON)])
    for number in range(CRASHES + 2):
        lost = store.lease([shard], "w", f"lost{number}", now, now + TERM, 100)
        assert lost
        with pytest.raises(SystemExit):
            Drain(program, Dying(store), lambda now=now: now, TERM).drain(lost)
        now += TERM
    step(Drain(program, store, lambda: now, TERM), store, "t1", now=now)
    assert states(store, range(2)) == {"t1": "open"}
    assert not list(store.parked())


def test_of_a_lost_worker_only_that_is_suspected_which_it_can_have_had(program: Program, store: DatabaseStore) -> None:
    shard, appender = shard_of("task", "t1"), Appender(program, store)
    appender.take([line("task.opened", "t1", NOON), line("task.closed", "t1", NOON + 1)])
    assert store.lease([shard], "w", "lost", NOON, NOON + TERM, 100)
    taken = store.lease([shard], "w", "next", NOON + TERM, NOON + 2 * TERM, 100)
    appender.take([line("task.opened", "t1", NOON + 2, "again")])
    assert [one.suspects for one in taken] == [2]
    done = Drain(program, store, lambda: NOON, TERM).drain(taken)
    assert done is not None
    assert (done.count, done.leases) == (3, ())
    assert [one.suspects for one in store.lease([shard], "w", "later", NOON, NOON + TERM, 100)] == [0]


def test_a_bell_that_rings_for_nothing_costs_no_claim(program: Program, store: DatabaseStore) -> None:
    crew = Crew(program, store, clock=lambda: NOON / 1e6)
    claims: list[int] = []
    store.lease = lambda shards, *_: claims.extend(shards)  # type: ignore[assignment, method-assign, misc]
    assert crew.step([3]) == 0
    assert claims == []
    Appender(program, store).take([line("task.opened", "t1", NOON)])
    crew.step([shard_of("task", "t1")])
    assert claims == [shard_of("task", "t1")]


def test_what_a_lost_worker_left_is_looked_for_first(program: Program, store: DatabaseStore) -> None:
    now, told = [NOON / 1e6], Told()
    tasks = {shard_of("task", f"t{i}"): f"t{i}" for i in range(40)}
    Appender(program, store).take([line("task.opened", task, NOON) for task in tasks.values()])
    last = max(tasks)
    assert store.lost(NOON) == []
    assert store.lease([last], "w", "lost", NOON, NOON + TERM, 100)
    now[0] += TERM / 1e6
    assert store.lost(NOON + TERM) == [last]
    crew, stepped = Crew(program, store, clock=lambda: now[0], connectors={"tell": told}), list[int]()
    step_it = crew.step
    crew.step = lambda shards: stepped.extend(shards) or step_it(shards)  # type: ignore[method-assign, func-returns-value]
    crew.sweep()
    assert stepped[0] == last
    assert set(states(store, range(40)).values()) == {"open"}
    assert store.lost(NOON + 9 * TERM) == []


class Dying:
    """A store before whose commit its process is lost."""

    def __init__(self, store: DatabaseStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, _batch: object) -> None:
        raise SystemExit


def test_a_deadline_that_is_moved_while_it_fires_fires_again(program: Program, postgres: str) -> None:
    store = open_store(postgres)
    assert isinstance(store, DatabaseStore)
    appender = Appender(program, store)
    appender.take([line("task.opened", "t1", NOON)])
    step(Drain(program, store, lambda: NOON, TERM), store, "t1")
    ((due, *timer),) = store.timers()
    with ThreadPoolExecutor(1) as thread:
        with store._session.writing() as moving:
            statements.SET_TIMER.many(moving, [(*timer, due + HOUR, None)])
            firing = thread.submit(appender.gate.fire, due)
            with psycopg.connect(postgres, autocommit=True) as watching:
                while watching.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,):
                    assert not firing.done()
        assert firing.result()[0] == 1
    step(Drain(program, store, lambda: NOON, TERM), store, "t1")
    assert states(store, range(2)) == {"t1": "open"}
    assert store.due_timers(due + HOUR, 2) == [(due + HOUR, *timer)]
    store.close()
