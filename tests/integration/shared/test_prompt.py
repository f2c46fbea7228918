"""What is stepped in the transaction that appends it is what others would have made of it, and nobody is overtaken."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from benchmarks.mix import Mix
from engine import load
from engine.core.program import Program
from engine.runtime.admission import Arrival, Door
from engine.runtime.crash import StepCrashedError
from engine.runtime.drain import Drain
from engine.runtime.prompt import PromptGate
from engine.runtime.puts import take_lines
from engine.runtime.replay import live, replayed, state_hash
from engine.runtime.shard import SHARDS, shard_of
from engine.store import Batch, DatabaseStore, Lease, open_store
from engine.store.query import written
from tests.integration.shared.test_crew import HOUR, NOON, TERM, crashing, line, states


@pytest.fixture
def gate(program: Program, store: DatabaseStore) -> PromptGate:
    store.found(range(SHARDS))
    return PromptGate(program, store)


def taking(gate: PromptGate, lines: Sequence[bytes]) -> Callable[[], None]:
    """Appends lines, after the deadlines that were due before them."""
    arrivals = [one for one in map(Door(gate.program).read, lines) if isinstance(one, Arrival)]

    def work() -> None:
        gate.expect(max(one.event.at for one in arrivals))
        for one in arrivals:
            gate.take(one)

    return work


def at_once(gate: PromptGate, *lines: bytes) -> frozenset[int]:
    """Append lines and step what can be; answers the shards in which deliveries wait now."""
    return gate.promptly(taking(gate, lines), range(SHARDS), ())[1]


def drained(drain: Drain, leases: Sequence[Lease]) -> None:
    while leases and (done := drain.drain(leases, 20)) is not None:
        leases = done.leases
    drain.shared.release(leases)


def test_some_stepped_at_once_and_some_by_others_end_as_one_after_the_other(store: DatabaseStore) -> None:
    program, dice = load(["sales"]), random.Random(8)
    store.found(range(SHARDS))
    gate, drain, feed = PromptGate(program, store), Drain(program, store, lambda: 0, TERM), Mix(3, 6, 60).feed(1200)
    gate.through(lambda: take_lines(gate, feed.entities, None))
    lines = [text for text, _ in feed.events]
    stepped = waited = 0
    for start in range(0, len(lines), 40):
        busy = store.lease(dice.sample(range(SHARDS), 9), "w", f"w{start}", 0, TERM, 100)
        waited += len(at_once(gate, *lines[start : start + 40]))
        stepped += gate.stepped
        drained(drain, busy)
        if dice.random() < 0.5:
            drained(drain, store.lease(store.backlog(), "w", f"v{start}", 0, TERM, 100) if store.waits() else [])
    while store.waits():
        drained(drain, store.lease(store.backlog(), "w", "last", 0, TERM, 100))
    assert (stepped > 1000, waited > 50) == (True, True)
    expected = replayed(program, store)
    assert state_hash(live(store, list(expected))) == state_hash(expected)


def test_an_event_comes_after_what_waits_in_its_shard(program: Program, store: DatabaseStore, gate: PromptGate) -> None:
    gate.through(taking(gate, [line("task.opened", "t1", NOON)]))
    assert at_once(gate, line("task.closed", "t1", NOON + 1), line("task.opened", "t2", NOON + 1)) == {
        shard_of("task", "t1")
    }
    assert states(store, range(2, 3)) == {"t2": "open"}
    assert live(store, [("task", "t1")]) == {}
    drained(Drain(program, store, lambda: NOON, TERM), store.lease(store.backlog(), "w", "w", NOON, NOON + TERM, 100))
    assert states(store, range(1, 2)) == {"t1": "done"}
    assert at_once(gate, line("task.opened", "t1", NOON + 2, "again")) == frozenset()


def test_a_shard_that_somebody_has_or_was_lost_with_is_left_alone(store: DatabaseStore, gate: PromptGate) -> None:
    shard = shard_of("task", "t1")
    lease = store.lease([shard], "w", "w", NOON, NOON + 1, 100)
    assert at_once(gate, line("task.opened", "t1", NOON)) == {shard}
    store.release(lease)
    taken = store.lease([shard], "w", "v", NOON, NOON + 1, 100)
    assert store.lease([shard], "w", "u", NOON + 1, NOON + 2, 100)[0].suspects == 1
    assert at_once(gate, line("task.opened", "t1", NOON, "again")) == {shard}
    store.release(taken)
    assert gate.stepped == 0


def test_deadlines_come_before_the_events_after_them_and_may_be_set_by_the_same_transaction(
    program: Program, store: DatabaseStore, gate: PromptGate
) -> None:
    at_once(gate, line("task.opened", "t1", NOON))
    at_once(gate, line("task.opened", "t2", NOON + 1), line("task.closed", "t1", NOON + HOUR + 2))
    assert [event.type for event in store.events()] == [
        "task.opened",
        "task.opened",
        "timer.fired",
        "task.late",
        "timer.fired",
        "task.late",
        "task.closed",
    ]
    assert states(store, range(1, 3)) == {"t1": "done", "t2": "late"}
    assert not any(scope == "task" for _, scope, _, _ in store.timers())
    assert state_hash(live(store, [("task", "t1")])) == state_hash(
        {("task", "t1"): replayed(program, store)["task", "t1"]}
    )


def test_actions_are_queued_at_once(store: DatabaseStore, gate: PromptGate) -> None:
    at_once(gate, line("task.opened", "t1", NOON))
    assert gate.acts is False
    at_once(gate, line("task.opened", "t2", NOON + HOUR + 1))
    assert gate.acts is True
    assert len(store.actions()) == 1


def test_of_a_step_that_crashes_nothing_is_kept(
    store: DatabaseStore, gate: PromptGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing(monkeypatch, "t1")
    with pytest.raises(StepCrashedError):
        at_once(gate, line("task.opened", "t2", NOON), line("task.opened", "t1", NOON))
    assert store.sequence() == 0
    assert at_once(gate, line("task.opened", "t2", NOON)) == frozenset()
    assert states(store, range(1, 3)) == {"t2": "open"}


def test_nobody_claims_a_shard_while_it_is_stepped_in(postgres: str) -> None:
    store, other = open_store(postgres), open_store(postgres)
    assert isinstance(store, DatabaseStore)
    assert isinstance(other, DatabaseStore)
    store.found([3])
    with ThreadPoolExecutor(1) as threads:

        def made(free: frozenset[int]) -> Batch:
            assert free == {3}
            claims.append(threads.submit(other.lease, [3], "w", "w", NOON, NOON + TERM, 100))
            while not store._session.ask(waits):
                assert not claims[0].done()
            return Batch()

        waits = written("SELECT 1 FROM pg_locks WHERE NOT granted")
        claims: list[Future[list[Lease]]] = []
        store.append_stepped([3], made)
        assert len(claims[0].result()) == 1
    for one in (store, other):
        one.close()
