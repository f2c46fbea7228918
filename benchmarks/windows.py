"""What windows keep of a key while events go by, and how fast they count: 10 million events on 1,000 keys at full size.

Each key has an event about every ten seconds, one in ten of them late by up to ten minutes, and six metrics over them.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from benchmarks.figure import Figure, Size, Timing, Work, rates, timed
from engine.core.calendar import SECOND_US
from engine.core.event import Event
from engine.core.partition import Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.pack import load
from engine.runtime.entities import Entities

TOPIC = "windows"
COUNTS = {"full": 10_000_000, "quick": 300_000, "smoke": 3_000}
KEYS = {"full": 1_000, "quick": 100, "smoke": 3}
LOOKS = 5
"""At how many points, equally far apart, what is kept is measured."""

CHUNK = 100_000
SAMPLE = 50
SPACING_S, LATE_S = 10, 600
START_US = 1_772_380_800 * SECOND_US

PACK = """
pack: {name: windows, version: "1"}
events:
  seen: {lateness: 10m, keys: {key_of: data.k}, data: {k: string, x: double, who: string}}
metrics:
  counted: {of: seen, by: key_of, window: {tumbling: 10m}}
  summed: {of: seen, by: key_of, value: sum(data.x), window: {sliding: 1h}}
  least: {of: seen, by: key_of, value: min(data.x), window: {sliding: 10m}}
  spread: {of: seen, by: key_of, value: "percentile(data.x, 95)", window: {tumbling: 1h}}
  people: {of: seen, by: key_of, value: distinct(data.who), window: {session: 1m}}
  mean: {of: seen, by: key_of, value: avg(data.x), window: lifetime}
"""


class Keys:
    """The partitions of all keys, and what happens to them; the same for the same seed."""

    def __init__(self, count: int) -> None:
        self._stepper = Stepper(_program())
        self._shared = Entities()
        self._dice = random.Random(11)
        self._partitions = [Partition("key_of", f"k{number}") for number in range(count)]
        self._seen = 0

    def chunk(self, count: int) -> list[tuple[Partition, Event]]:
        """The next deliveries."""
        return list(self._deliveries(count))

    def _deliveries(self, count: int) -> Iterator[tuple[Partition, Event]]:
        dice, size = self._dice, len(self._partitions)
        for number in range(self._seen, self._seen + count):
            partition = self._partitions[number % size]
            now = START_US + number * SPACING_S * SECOND_US // size
            late = int(dice.random() * LATE_S * SECOND_US) if dice.random() < 0.1 else 0
            data = {"k": partition.key, "x": dice.lognormvariate(8, 1), "who": f"w{dice.randrange(200)}"}
            event = Event(id=str(number), source="bench", type="seen", at=now - late, data=data)
            event.now = now
            yield partition, event
        self._seen += count

    def step(self, deliveries: list[tuple[Partition, Event]]) -> None:
        """Step deliveries one by one."""
        step, shared = self._stepper.step, self._shared
        for partition, event in deliveries:
            step(partition, shared, event)

    def sizes(self) -> tuple[float, float]:
        """Bytes of metrics that a key has on average, packed and in memory, over some keys."""
        some = self._partitions[:SAMPLE]
        packed = mean(len(one.save(("metrics",))["metrics"]) for one in some)
        return packed, mean(_held(one.metrics) for one in some)


def measure(size: Size) -> Iterator[Figure]:
    """Bytes a key at several points, and events a second over all of them."""
    keys, total = Keys(KEYS[size.name]), COUNTS[size.name]
    each, spent = total // LOOKS, Timing(0.0, 0.0)
    for look in range(1, LOOKS + 1):
        for start in range(0, each, CHUNK):
            deliveries = keys.chunk(min(CHUNK, each - start))
            took = timed(lambda deliveries=deliveries: keys.step(deliveries))  # type: ignore[misc]
            spent = Timing(spent.wall + took.wall, spent.cpu + took.cpu)
        packed, held = keys.sizes()
        what = f"kept of a key after {look * each:,} events on {KEYS[size.name]:,} keys"
        yield Figure(TOPIC, f"{what}, packed", packed, "bytes")
        yield Figure(TOPIC, f"{what}, in memory", held, "bytes")
    yield from rates(TOPIC, "six metrics, through the step", each * LOOKS, [spent], "events/s", None)


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """A chunk, ready to be stepped."""
    keys = Keys(KEYS[size.name])
    deliveries = keys.chunk(min(CHUNK, COUNTS[size.name]))
    yield lambda: keys.step(deliveries)


def _program() -> Program:
    with TemporaryDirectory() as folder:
        Path(folder, "pack.yaml").write_text(PACK, encoding="utf-8")
        return load([folder])


def _held(value: Any) -> int:
    """The bytes of a value and of all that is in it; what is shared (small numbers, texts of the program) counts each time."""
    inner: list[Any] = []
    if isinstance(value, Mapping):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple)):
        inner = list(value)
    elif isinstance(value, msgspec.Struct):
        inner = [getattr(value, name) for name in value.__struct_fields__]
    return sys.getsizeof(value) + sum(map(_held, inner))
