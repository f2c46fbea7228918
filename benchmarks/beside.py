"""Figures of ours beside those of other engines, in events a CPU second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median

from benchmarks.figure import Figure, Size, Timing
from benchmarks.rivals.child import Rival, measured

UNIT = "events/s"


def rates(topic: str, what: str, events: int, timings: list[Timing]) -> Figure:
    """Events a CPU second."""
    values = tuple(events / timing.cpu for timing in timings)
    return Figure(topic, what, median(values), UNIT, "cpu", values)


def others(
    topic: str, what: str, task: str, size: int, rivals: list[Rival], full: Size
) -> Iterator[tuple[str, Figure]]:
    """A figure for each of the others, or a note why there is none."""
    for rival in rivals:
        events = max(int(full.events * rival.share), 10)
        found = measured(rival, task, size, events, full.runs)
        named = f"{what}, {rival.name}"
        if isinstance(found, str):
            yield rival.name, Figure(topic, named, None, UNIT, "cpu", note=found)
        else:
            yield rival.name, rates(topic, named, events, found)


def ratio(
    topic: str, what: str, ours: Figure, theirs: Mapping[str, Figure], whose: str, wanted: float | None
) -> Iterator[Figure]:
    """How many times as fast as another engine, where that one was measured."""
    other = theirs[whose]
    if ours.value is not None and other.value is not None:
        yield Figure(topic, f"{what}: times {whose}", ours.value / other.value, "×", "cpu", (), wanted)
