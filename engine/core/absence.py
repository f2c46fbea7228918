"""Absences of a key: which windows they cover whole, so that nobody is judged by weeks in which he was not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.core.calendar import to_micros
from engine.core.partition import WindowState
from engine.core.program import Window, WindowMetric
from engine.core.windows import bounds

Span = tuple[int, int]
"""[from, until) in microseconds."""


ENDLESS = 1 << 62
"""Until when an absence lasts of which nobody knows its end."""


def span(found: Mapping[str, Any]) -> Span:
    """When an absence is, by its entity."""
    until = found.get("until")
    return to_micros(found["from"]), ENDLESS if until is None else to_micros(until)


def leave_out(metric: WindowMetric, state: WindowState, spans: Iterable[Span]) -> bool:
    """Leave out the closed windows that absences cover whole, and count again those that they no longer cover. True for any change."""
    times = list(_joined(spans))
    skipped = [start for start in sorted(state.closed) if covered(metric.window, start, times)]
    if skipped == state.skipped:
        return False
    state.skipped = skipped
    return True


def covered(window: Window, start: int, times: list[Span]) -> bool:
    """Whether all working time of a calendar window lies inside the times; without any, or without a calendar, all of the window."""
    if not times:
        return False
    _, end = bounds(window, start)
    shifts = list(window.calendar.shifts(start, end)) if window.calendar is not None else []
    return all(
        any(since <= begin and finish <= until for since, until in times) for begin, finish in shifts or [(start, end)]
    )


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans that overlap or meet become one."""
    held: Span | None = None
    for since, until in sorted(spans):
        if held is not None and since <= held[1]:
            held = held[0], max(held[1], until)
            continue
        if held is not None:
            yield held
        held = since, until
    if held is not None:
        yield held
