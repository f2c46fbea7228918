"""How long it takes to read, check and compile packs: the sales packs, and a thousand rules."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.deals import write_pack
from benchmarks.figure import Figure, Size, Timing, Work, timed
from engine import load

TOPIC = "reading"


def measure(size: Size) -> Iterator[Figure]:
    """Milliseconds to a program."""
    rules = 1_000 if size.runs > 1 else 10
    yield _figure("the sales packs", [timed(lambda: load(["sales"])) for _ in range(size.runs)])
    with tempfile.TemporaryDirectory() as folder:
        write_pack(Path(folder), rules)
        yield _figure(f"{rules:,} rules", [timed(lambda: load([folder])) for _ in range(size.runs)])


@contextmanager
def work(_size: Size) -> Iterator[Work]:
    """The sales packs once."""
    yield lambda: load(["sales"])


def _figure(what: str, timings: list[Timing]) -> Figure:
    values = tuple(timing.cpu * 1000 for timing in timings)
    return Figure(TOPIC, what, median(values), "ms", "cpu", values)
