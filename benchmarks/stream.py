"""Events a second through `run`, in memory, with the sales packs: read, admitted, stepped, and every outcome written as a line."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figure import Figure, Size, rates, timed
from benchmarks.mix import Mix
from engine import Engine
from engine.runtime.feed import Feed

TOPIC = "stream"
WANTED = 20_000.0
REPS, CUSTOMERS = 120, 3000


def measure(size: Size) -> Iterator[Figure]:
    """Input lines a second; what they emit (arrivals, stalled quotes) is stepped as well, and not counted."""
    feed = Mix(7, REPS, CUSTOMERS).feed(size.events)
    timings = [timed(lambda: play(feed)) for _ in range(size.runs)]
    yield from rates(TOPIC, "sales mix in memory", len(feed.events), timings, "events/s", WANTED)


def profile(size: Size) -> None:
    """The work of one run."""
    play(Mix(7, REPS, CUSTOMERS).feed(size.events))


def play(feed: Feed) -> int:
    """What `rulewright run` does with two files that were read; answers how many outcome lines there were."""
    with Engine.open("sales") as engine:
        return sum(len(lines) for lines in feed.play(engine))
