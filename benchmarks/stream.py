"""Events a second through `run`, in memory, with the sales packs: read, admitted, stepped, and every outcome written as a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

from benchmarks.figure import Figure, Size, Timing, Work, rates, timed
from benchmarks.mix import Mix
from engine import Engine
from engine.runtime.feed import Feed
from engine.runtime.heap import steady

TOPIC = "stream"
WANTED = 20_000.0
REPS, CUSTOMERS = 120, 3000


def measure(size: Size) -> Iterator[Figure]:
    """Input lines a second; what they emit (arrivals, stalled quotes) is stepped as well, and not counted."""
    feed = Mix(7, REPS, CUSTOMERS).feed(size.events)
    timings = [_run(feed) for _ in range(size.runs)]
    yield from rates(TOPIC, "sales mix in memory", len(feed.events), timings, "events/s", WANTED)


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """One run, ready to start."""
    feed = Mix(7, REPS, CUSTOMERS).feed(size.events)
    with Engine.open("sales") as engine:
        yield lambda: play(feed, engine)


def play(feed: Feed, engine: Engine) -> int:
    """What `rulewright run` does with two files that were read; answers how many bytes of outcomes were written."""
    with steady(), TemporaryFile() as sink:
        for lines in feed.play(engine):
            sink.write(b"\n".join(lines) + b"\n")
        return sink.tell()


def _run(feed: Feed) -> Timing:
    """Reading and compiling the packs is not part of it: that is a topic of its own."""
    with Engine.open("sales") as engine:
        return timed(lambda: play(feed, engine))
