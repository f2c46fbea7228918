"""What working memory takes: bytes a held fact, and whether anything grows while facts and rules come and go."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import Figure, Size, Work
from benchmarks.stage import Stage
from engine import load
from engine.core.partition import SECTIONS
from engine.core.step import Stepper
from engine.pack import restore

TOPIC = "holding"
PACK = Path(__file__).parent / "programs" / "orders.yaml"
HELD = 10_000
ROUNDS = 20
"""How often a rule is added or taken away while events come."""

WANTED_BYTES = 1_000
WANTED_BLOCKS = 1_000


def measure(size: Size) -> Iterator[Figure]:
    """The bytes of a fact of two fields with its indexes, and growth over the events."""
    yield Figure(
        TOPIC, "a held fact", _bytes(HELD if size.runs > 1 else 100), "bytes", None, (), WANTED_BYTES, most=True
    )
    events = size.events * 17 if size.runs > 1 else size.events
    grown, saved = _growth(events)
    what = f"after {events:,} events, rules coming and going"
    yield Figure(TOPIC, f"{what}: more blocks than half way", grown, "blocks", None, (), WANTED_BLOCKS, most=True)
    yield Figure(TOPIC, f"{what}: state of the partition", saved, "bytes", None)


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """Events that put and take facts."""
    stages = _programs()
    stage = Stage(stages[0], "desk")
    yield lambda: _play(stage, size.events, 0)


def _bytes(count: int) -> float:
    stage = Stage(Stepper(load([PACK])), "desk")
    stage.send("known", number="first", tier="KA")
    stage.send("order", customer="first", amount=20.0)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for i in range(count):
        stage.send("known", number=f"c{i}", tier="KA")
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / count


def _programs() -> list[Stepper]:
    """The pack without and with another rule, whose conclusions go with it."""
    text = PACK.read_text(encoding="utf-8")
    more = "  pair:\n    by: desk\n    match: [{fact: customer, as: c, where: c.tier == 'KA'}]\n"
    more += "    then: [{assert: {fact: favoured, number: c.number}}]\n"
    return [Stepper(restore({"orders.yaml": one})) for one in (text, text + more)]


def _growth(events: int) -> tuple[float, float]:
    """Blocks of memory that are in use in the end beyond those half way, and the bytes of the saved partition."""
    steppers = _programs()
    stage = Stage(steppers[0], "desk")
    blocks = []
    for turn in range(ROUNDS):
        stage.stepper = steppers[turn % 2]
        _play(stage, events // ROUNDS, turn)
        if turn in (ROUNDS // 2 - 1, ROUNDS - 1):
            gc.collect()
            blocks.append(sys.getallocatedblocks())
    return max(blocks[-1] - blocks[0], 0), sum(map(len, stage.partition.save(SECTIONS).values()))


def _play(stage: Stage, events: int, turn: int) -> None:
    """A customer comes, orders and goes; some always stay for a while."""
    stay = 50
    for i in range(events // 3):
        stage.send("known", number=f"{turn}.{i}", tier="KA")
        stage.send("order", customer=f"{turn}.{i}", amount=20.0)
        stage.send("gone", number=f"{turn}.{i - stay}")
    for i in range(events // 3 - stay, events // 3):
        stage.send("gone", number=f"{turn}.{i}")
