"""Sliding windows in panes: 64 equal parts of the window's size, counted from the epoch, each bounded in what it keeps.

A pane keeps its events one by one, and each leaves the window at its own instant, while there are at most `MOST_POINTS`. A denser pane
is one accumulator, and leaves when its newest event does: older events of it are counted for up to a 64th of the window longer. How
dense a pane is follows from its events alone, hence their order of arrival does not count, and memory does not grow with events.
"""

from __future__ import annotations

from typing import Any

from engine.core.program import WindowMetric

PANES = 64
MOST_POINTS = 16

Panes = dict[int, list[Any]]
"""By its start, a pane: [newest event, accumulator or None, events as [at, value, divisor] while there are few]."""


def record(metric: WindowMetric, panes: Panes, at: int, now: int, value: Any, other: Any) -> None:
    """Count an event, unless all of its pane has left the window for good."""
    size = metric.window.size
    width = size // PANES or 1
    start, left = at - at % width, now - size - width
    if start <= left:
        return
    pane = panes.get(start)
    if pane is None:
        for spent in [one for one in panes if one <= left]:
            del panes[spent]
        panes[start] = [at, None, [[at, value, other]]]
        return
    pane[0] = max(pane[0], at)
    if pane[1] is None and len(pane[2]) == MOST_POINTS:
        pane[1] = acc = metric.accumulates.fresh()
        for _, held, divisor in pane[2]:
            metric.accumulates.add(acc, held, divisor)
        pane[2] = []
    if pane[1] is None:
        pane[2].append([at, value, other])
    else:
        metric.accumulates.add(pane[1], value, other)


def value(metric: WindowMetric, panes: Panes, now: int) -> Any:
    """The aggregate over (now - size, now]; None where nothing has a value."""
    how, horizon = metric.accumulates, now - metric.window.size
    acc = how.fresh()
    for newest, dense, points in panes.values():
        if newest <= horizon:
            continue
        if dense is not None:
            how.merge(acc, dense)
        for at, held, divisor in points:
            if horizon < at <= now:
                how.add(acc, held, divisor)
    return how.value(acc)


def next_leaving(metric: WindowMetric, panes: Panes, now: int) -> int | None:
    """When the next event, or dense pane, leaves the window."""
    size = metric.window.size
    for start in sorted(panes):
        newest, dense, points = panes[start]
        if newest > now - size:
            return size + int(newest if dense is not None else min(at for at, _, _ in points if at > now - size))
    return None
