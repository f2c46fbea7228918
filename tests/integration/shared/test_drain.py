"""What some append and others step is what one process would have made of the same log."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from benchmarks.mix import Mix
from engine import Engine, load
from engine.core.program import Program
from engine.errors import StoreError
from engine.runtime.appender import Appender
from engine.runtime.drain import Drain
from engine.runtime.puts import take_lines
from engine.runtime.replay import live, replayed, state_hash
from engine.runtime.shard import SHARDS
from engine.store import DatabaseStore, Lease

MINUTE = 60_000_000
TOKENS = iter(range(1_000_000))


@pytest.fixture(scope="module")
def program() -> Program:
    return load(["sales"])


def drained(drain: Drain, store: DatabaseStore, shard: int, now: int = 0) -> int:
    """Step all that waits in one shard, of two that are claimed: nobody can tell what was claimed together."""
    leases: Sequence[Lease] = store.lease(
        [shard, (shard + 1) % SHARDS], "w", f"t{next(TOKENS)}", now, now + MINUTE, 100
    )
    assert len(leases) == 2
    count = 0
    while leases and (done := drain.drain(leases, 50)) is not None:
        leases, count = done.leases, count + done.count
    store.release(leases)
    return count


def test_events_that_are_stepped_shard_by_shard_end_as_one_after_the_other(
    program: Program, store: DatabaseStore
) -> None:
    dice = random.Random(3)
    feed = Mix(3, 6, 60).feed(1500)
    appender = Appender(program, store)
    appender.through(lambda gate: take_lines(gate, feed.entities, None))
    drains = [Drain(program, store, lambda: 0, MINUTE) for _ in range(2)]
    lines = [line for line, _ in feed.events]
    for start in range(0, len(lines), 100):
        taken = appender.take(lines[start : start + 100])
        assert all(taken.sequences)
        for shard in dice.sample(range(SHARDS), SHARDS // 3):
            drained(dice.choice(drains), store, shard)
    while backlog := store.backlog():
        for shard in backlog:
            drained(dice.choice(drains), store, shard)
    expected = replayed(program, store)
    assert state_hash(live(store, list(expected))) == state_hash(expected)
    assert len(list(store.decisions())) > 1500


def test_nobody_steps_inline_while_deliveries_wait(program: Program, store: DatabaseStore) -> None:
    feed = Mix(3, 2, 5).feed(4)
    appender, line = Appender(program, store), feed.events[-1][0]
    appender.through(lambda gate: take_lines(gate, feed.entities, None))
    appender.take([one for one, _ in feed.events[:-1]])
    engine = Engine(program, store)
    before = store.sequence()
    with pytest.raises(StoreError, match="store_shared"):
        engine.handle(line)
    assert store.sequence() == before
    drain = Drain(program, store, lambda: 0, MINUTE)
    for shard in store.backlog():
        drained(drain, store, shard)
    assert engine.handle(line).rejects == []
    appender.take([line.replace(b'"id":"', b'"id":"again')])
    with pytest.raises(StoreError, match="store_shared"):
        engine.advance("2026-12-01T00:00:00+08:00")
