"""Figures: what was measured, how often, and what was expected of it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

Clock = Literal["wall", "cpu"]
"""`cpu` is the processor time of the whole process: steadier than the wall where other people share the machine."""

Work = Callable[[], object]
"""Something to time or to profile, with everything that it needs at hand."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: `events` of a stream and `runs` of each figure, of which the median counts."""

    name: str
    events: int
    runs: int


FULL = Size("full", 60_000, 3)
QUICK = Size("quick", 15_000, 3)
SMOKE = Size("smoke", 300, 1)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that some work took."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `wanted` is what was asked for, at least or (with `most`) at most; None: nothing was."""

    topic: str
    what: str
    value: float | None
    unit: str
    clock: Clock | None = None
    runs: tuple[float, ...] = ()
    wanted: float | None = None
    most: bool = False
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether it is as good as wanted; None where nothing was wanted or measured."""
        if self.wanted is None or self.value is None:
            return None
        return self.value <= self.wanted if self.most else self.value >= self.wanted

    def mapping(self) -> dict[str, Any]:
        """The figure as data."""
        found = {name: getattr(self, name) for name in ("topic", "what", "value", "unit", "clock", "note", "reached")}
        wanted = None if self.wanted is None else f"{'≤' if self.most else '≥'} {self.wanted:g}"
        return {**found, "wanted": wanted, "runs": list(self.runs)}


def timed(work: Work) -> Timing:
    """How long `work` takes. Garbage of what came before is collected first, so that nobody pays for others."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu)


def rates(topic: str, what: str, count: int, timings: list[Timing], unit: str, wanted: float | None) -> list[Figure]:
    """Items a second, by the wall and by the processor. What is wanted is wanted of the wall."""
    walls = tuple(count / timing.wall for timing in timings)
    cpus = tuple(count / timing.cpu for timing in timings)
    return [
        Figure(topic, what, median(walls), unit, "wall", walls, wanted),
        Figure(topic, what, median(cpus), unit, "cpu", cpus),
    ]
