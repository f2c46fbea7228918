"""Events a second through the matcher at growing numbers of rules, beside durable-rules in the same run.

Ours is the public step over one partition: the alpha index, the conditions, the agenda, and the record of what was announced.
Theirs is `post` with a callback in Python. Both by the processor's time of one process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks import peer
from benchmarks.deals import deals, write_pack
from benchmarks.figure import Figure, Size, Timing, Work, timed
from engine import Event, load
from engine.core.partition import Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.runtime.entities import Entities

TOPIC = "matcher"
WANTED = 3.0
SIZES = (10, 100, 1_000)
OURS_ALONE = 10_000
START_US = 1_772_409_600_000_000


def measure(size: Size) -> Iterator[Figure]:
    """Both engines at each number of rules; at the greatest ours alone."""
    for count in SIZES if size.runs > 1 else SIZES[:2]:
        yield from _beside(count, size)
    if size.runs > 1:
        yield from _figures("ours", OURS_ALONE, size.events, _ours(OURS_ALONE, size.events, size.runs))


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """One run over 100 rules."""
    stepper, found = Stepper(_program(100)), _events(100, size.events)
    yield lambda: _step(stepper, found)


def _beside(count: int, size: Size) -> Iterator[Figure]:
    ours = _ours(count, size.events, size.runs)
    theirs = peer.measured(count, size.events, size.runs)
    yield from _figures("ours", count, size.events, ours)
    if isinstance(theirs, str):
        yield Figure(TOPIC, f"{count:,} rules, durable-rules", None, "events/s", "cpu", note=theirs)
        return
    yield from _figures("durable-rules", count, size.events, theirs)
    ratio = median(one.cpu for one in theirs) / median(one.cpu for one in ours)
    yield Figure(TOPIC, f"{count:,} rules: times durable-rules", ratio, "×", "cpu", (), WANTED)


def _figures(whose: str, count: int, events: int, timings: list[Timing]) -> Iterator[Figure]:
    values = tuple(events / timing.cpu for timing in timings)
    yield Figure(TOPIC, f"{count:,} rules, {whose}", median(values), "events/s", "cpu", values)


def _ours(count: int, events: int, runs: int) -> list[Timing]:
    program = _program(count)
    stepper, found = Stepper(program), _events(count, events)
    return [timed(lambda: _step(stepper, found)) for _ in range(runs)]


def _program(count: int) -> Program:
    with tempfile.TemporaryDirectory() as folder:
        write_pack(Path(folder), count)
        return load([folder])


def _step(stepper: Stepper, events: list[Event]) -> None:
    partition, entities, fired = Partition("desk", "d1"), Entities(), 0
    for event in events:
        fired += len(stepper.step(partition, entities, event).emitted)
    if fired != len(events):
        raise RuntimeError(f"{fired} rules fired for {len(events)} events")


def _events(rule_count: int, count: int) -> list[Event]:
    return [
        Event(
            id=f"e{i}",
            source="bench",
            type=one.type,
            at=START_US + i,
            now=START_US + i,
            seq=i + 1,
            keys=(("desk", "d1"),),
            data={"desk": "d1", "region": one.region, "amount": one.amount},
        )
        for i, one in enumerate(deals(rule_count, count))
    ]
