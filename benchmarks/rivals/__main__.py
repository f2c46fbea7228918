"""One engine, one task, and the timings as JSON."""

from __future__ import annotations

import json
import sys
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from benchmarks.deals import deals, orders
from benchmarks.figure import Timing, timed
from benchmarks.manners import guests
from benchmarks.rivals.child import RIVALS

WARM = 10


def _alpha(engine: ModuleType, size: int, events: int, runs: int) -> list[Timing]:
    return _fed(engine.alpha(size), deals(size, events), runs)


def _join(engine: ModuleType, size: int, events: int, runs: int) -> list[Timing]:
    return _fed(engine.join(size), orders(size, events), runs)


def _fed(feed: Any, found: list[Any], runs: int) -> list[Timing]:
    """`feed(events, run)` says how many rules fired: every event fires one."""
    feed(found[:WARM], -1)
    timings = []
    for run in range(runs):
        timings.append(timed(partial(_expect, feed, found, run)))
    return timings


def _expect(feed: Any, found: list[Any], run: int) -> None:
    fired = feed(found, run)
    if fired != len(found):
        raise SystemExit(f"{fired} rules fired for {len(found)} events")


def _manners(engine: ModuleType, size: int, _events: int, runs: int) -> list[Timing]:
    return [timed(engine.manners(guests(size), size)) for _ in range(runs)]


def _waltz(engine: ModuleType, size: int, _events: int, runs: int) -> list[Timing]:
    return [timed(engine.waltz(size)) for _ in range(runs)]


TASKS = {"alpha": _alpha, "join": _join, "manners": _manners, "waltz": _waltz}


def main(name: str, task: str, size: int, events: int, runs: int) -> None:
    """Print the timings of a task."""
    engine = import_module(f"benchmarks.rivals.{RIVALS[name].runner}")
    timings = TASKS[task](engine, size, events, runs)
    print(json.dumps([[one.wall, one.cpu] for one in timings]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
