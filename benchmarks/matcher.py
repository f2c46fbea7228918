"""Events a second through rules over the event alone, at growing numbers of rules, beside other engines in the same run.

Theirs is matching with a callback into Python; ours is that too, and the whole step, which also keeps a record of what was announced.
All by the processor's time of one process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.beside import others, rates, ratio
from benchmarks.deals import deals, write_pack
from benchmarks.figure import Figure, Size, Work, timed
from benchmarks.matching import Bare, Calls
from benchmarks.rivals.child import RIVALS
from benchmarks.stage import Stage
from engine import Event, load
from engine.core.program import Program
from engine.core.step import Stepper

TOPIC = "matcher"
WANTED = 20.0
WANTED_STEP = 3.0
SIZES = (10, 100, 1_000)
OURS_ALONE = 10_000


def measure(size: Size) -> Iterator[Figure]:
    """All engines at each number of rules; at the greatest ours alone."""
    for count in SIZES if size.runs > 1 else SIZES[:2]:
        matching, step = _ours(count, size)
        yield from (matching, step)
        theirs = dict(others(TOPIC, f"{count:,} rules", "alpha", count, list(RIVALS.values()), size))
        yield from theirs.values()
        yield from ratio(TOPIC, f"{count:,} rules, matching", matching, theirs, "durable-rules", WANTED)
        yield from ratio(TOPIC, f"{count:,} rules, step", step, theirs, "durable-rules", WANTED_STEP)
    if size.runs > 1:
        yield from _ours(OURS_ALONE, size)


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """One run over 100 rules."""
    stage = Stage(Stepper(_program(100)), "desk")
    events = _events(stage, 100, size.events)
    yield lambda: _step(stage, events)


def _ours(count: int, size: Size) -> tuple[Figure, Figure]:
    program = _program(count)
    stage = Stage(Stepper(program), "desk")
    events = _events(stage, count, size.events)
    bare = Bare(program, stage.partition, events[0])
    called = [timed(partial(_call, bare, events)) for _ in range(size.runs)]
    stepped = [timed(partial(_step, stage, events)) for _ in range(size.runs)]
    return (
        rates(TOPIC, f"{count:,} rules, matching", size.events, called),
        rates(TOPIC, f"{count:,} rules, step", size.events, stepped),
    )


def _program(count: int) -> Program:
    with tempfile.TemporaryDirectory() as folder:
        write_pack(Path(folder), count)
        return load([folder])


def _call(bare: Bare, events: list[Event]) -> None:
    calls = Calls()
    bare.alone(events, calls)
    _expect(calls.count, events)


def _step(stage: Stage, events: list[Event]) -> None:
    _expect(sum(len(stage.step(event).emitted) for event in events), events)


def _expect(fired: int, events: list[Event]) -> None:
    if fired != len(events):
        raise RuntimeError(f"{fired} rules fired for {len(events)} events")


def _events(stage: Stage, rule_count: int, count: int) -> list[Event]:
    return [stage.event(one.type, region=one.region, amount=one.amount) for one in deals(rule_count, count)]
