"""Window metrics: an event goes into its window, windows close by time, late events re-open them, rosters count silence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.cel import CelError
from engine.core import panes
from engine.core.aggregate import Accumulator
from engine.core.env import Env
from engine.core.partition import WindowState
from engine.core.program import Window, WindowMetric


def bounds(window: Window, at: int) -> tuple[int, int]:
    """The calendar or tumbling window [start, end) that holds an instant; tumbling ones count from the epoch."""
    if window.calendar is not None and window.unit is not None:
        return window.calendar.window(window.unit, at)
    start = at - at % window.size
    return start, start + window.size


def cuts(window: Window) -> bool:
    """Whether windows follow each other without gaps, so that the next one is known before anything happens in it."""
    return window.kind in ("calendar", "tumbling")


LIVE_WINDOWS = 16
"""Accumulators of one metric that a partition keeps before it closes the ended ones and forgets the oldest."""

NOW, CLOSED, BOTH, NOTHING = ("now",), ("closed",), ("now", "closed"), ()
PUBLISHED = ("now", "published")

Aspects = tuple[str, ...]
"""What of a metric has changed: `now`, `closed`, `published`."""


def record(metric: WindowMetric, state: WindowState, env: Env, now: int) -> Aspects:
    """Count the event of `env` into its window. Returns which aspects changed."""
    event = env.event
    assert event is not None
    value, other = _contribution(metric, env)
    kind = metric.window.kind
    if kind == "sliding":
        panes.record(metric, state.open, event.at, now, value, other)
        return NOW
    if kind == "lifetime":
        return _record_lifetime(metric, state, env, value, other)
    if kind == "session":
        return _record_session(metric, state, event.at, now, value, other)
    start, end = bounds(metric.window, event.at)
    aggregate = metric.accumulates
    acc = state.open.get(start)
    if acc is None:
        _make_room(metric, state, now)
        acc = state.open[start] = aggregate.fresh()
    aggregate.add(acc, value, other)
    if end > now:
        return NOW
    return _recompute(metric, state, start)


def _contribution(metric: WindowMetric, env: Env) -> tuple[Any, Any]:
    if metric.den:
        assert env.event is not None
        return float(env.event.type in metric.of), float(env.event.type in metric.den)
    if metric.argument is None:
        return 1, None
    value = metric.argument.run(env)
    other = metric.divisor.run(env) if metric.divisor is not None else None
    if metric.aggregate != "distinct":
        _check_number(metric, value)
        if metric.divisor is not None:
            _check_number(metric, other)
    return value, other


def _check_number(metric: WindowMetric, value: Any) -> None:
    """What nobody declared may be anything. Spans and instants have no sum, but one that is the greatest."""
    if isinstance(value, (int, float)) and value is not True and value is not False:
        if not math.isfinite(value):
            raise CelError("bad_argument", f"`{metric.aggregate}` needs a finite number, this is {value}")
    elif not (metric.aggregate in ("min", "max") and isinstance(value, (timedelta, datetime))):
        raise CelError("bad_argument", f"`{metric.aggregate}` needs a number, this is {type(value).__name__}")


def _recompute(metric: WindowMetric, state: WindowState, start: int) -> Aspects:
    if (metric.roster is not None and start not in state.closed) or not whole(state, start):
        return NOTHING
    value = metric.accumulates.value(state.open[start])
    if state.closed.get(start) == value and start in state.closed:
        return NOTHING
    state.closed[start] = value
    return CLOSED


def _record_lifetime(metric: WindowMetric, state: WindowState, env: Env, value: Any, other: Any) -> Aspects:
    aggregate = metric.accumulates
    owners = [""] if metric.owner is None else ["", str(metric.owner.run(env))]
    for owner in owners:
        entry = state.owners.get(owner)
        if entry is None:
            entry = state.owners[owner] = [0, aggregate.fresh()]
        entry[0] += 1
        aggregate.add(entry[1], value, other)
    return PUBLISHED if metric.publish else NOW


def _record_session(metric: WindowMetric, state: WindowState, at: int, now: int, value: Any, other: Any) -> Aspects:
    """Count an event into its session; one that comes late may join sessions, or open one again that had ended."""
    aggregate, gap = metric.accumulates, metric.window.size
    acc = aggregate.fresh()
    aggregate.add(acc, value, other)
    first = last = at
    reopened = False
    for start, held in sorted(state.open.items()):
        if start - gap < last and first < held[0] + gap:
            reopened = reopened or held[0] + gap <= now
            aggregate.merge(acc, held[1])
            first, last = min(first, start), max(last, held[0])
            del state.open[start]
            state.closed.pop(start, None)
    _make_room(metric, state, now)
    state.open[first] = [last, acc]
    if last + gap > now:
        return BOTH if reopened else NOW
    if not whole(state, first):
        return NOTHING
    state.closed[first] = aggregate.value(acc)
    return CLOSED


def close(metric: WindowMetric, state: WindowState, now: int, *, listed: bool, known: int | None) -> bool:
    """Judge every window that has ended. True when a value was added.

    `listed`: the roster holds for the key at this instant; `known`: since when the key is known, None for never.
    """
    added = False
    if metric.roster is None:
        fresh = ended(metric, state, now)
        state.closed.update(fresh)
        added = bool(fresh)
    elif listed and known is not None and state.due is not None and state.due <= now:
        start = bounds(metric.window, state.due - 1)[0]
        if known <= start and whole(state, start):
            acc = state.open.get(start) or metric.accumulates.fresh()
            state.open[start] = acc
            state.closed[start] = metric.accumulates.value(acc)
            added = True
    _forget_windows(metric, state, now, now)
    return added


def ended(metric: WindowMetric, state: WindowState, now: int) -> dict[int, Any]:
    """The values of windows that have ended and were not closed yet, by their start."""
    if not cuts(metric.window) and metric.window.kind != "session":
        return {}
    return {
        start: metric.accumulates.value(_values(metric, acc))
        for start, acc in state.open.items()
        if start not in state.closed and _end(metric, start, acc) <= now and whole(state, start)
    }


def whole(state: WindowState, start: int) -> bool:
    """Whether a window was counted from its start on by the definition that counts now."""
    return state.since is None or start >= state.since


def _end(metric: WindowMetric, start: int, acc: Accumulator) -> int:
    if metric.window.kind == "session":
        return int(acc[0]) + metric.window.size
    return bounds(metric.window, start)[1]


def _values(metric: WindowMetric, acc: Accumulator) -> Accumulator:
    return acc[1] if metric.window.kind == "session" else acc


def _make_room(metric: WindowMetric, state: WindowState, now: int) -> None:
    """Nobody may look at a metric for long, and its windows must not become too many: judge and forget before another one begins."""
    if len(state.open) < LIVE_WINDOWS:
        return
    if metric.roster is None:
        state.closed.update(ended(metric, state, now))
    _forget_windows(metric, state, now, now if state.due is None else min(now, state.due - 1))


def _forget_windows(metric: WindowMetric, state: WindowState, now: int, judged: int) -> None:
    """Drop accumulators that are of no use any more, and values beyond `keep`. Windows that end by `judged` have been judged.

    What a late event may still change is no old value yet: sessions can join, and then there are fewer.
    """
    reach = now - metric.lateness
    for start in [start for start, acc in state.open.items() if _is_spent(metric, state, start, acc, reach, judged)]:
        del state.open[start]
    settled = len(state.closed) - len(state.open.keys() & state.closed.keys())
    if settled > metric.keep:
        for start in sorted(state.closed.keys() - state.open.keys())[: settled - metric.keep]:
            del state.closed[start]


def _is_spent(metric: WindowMetric, state: WindowState, start: int, acc: Accumulator, reach: int, judged: int) -> bool:
    """Whether no late event can reach a closed window, or a roster has passed one over: its key was not listed at its end."""
    end = _end(metric, start, acc)
    if start in state.closed or not whole(state, start):
        return end < reach
    return metric.roster is not None and end <= judged


def next_due(metric: WindowMetric, state: WindowState, now: int) -> int | None:
    """When the value changes next by time alone: the open window ends, or a point leaves the sliding window."""
    kind = metric.window.kind
    if kind == "sliding":
        return panes.next_leaving(metric, state.open, now)
    if kind == "session":
        ends = [held[0] + metric.window.size for held in state.open.values()]
        return min((end for end in ends if end > now), default=None)
    return bounds(metric.window, now)[1] if cuts(metric.window) else None


class WindowView:
    """What an expression reads of a window metric. Values are those of the aggregate; windows are newest first."""

    __slots__ = ("_closed", "_metric", "_now", "_state")

    def __init__(self, metric: WindowMetric, state: WindowState, now: int) -> None:
        self._metric = metric
        self._state = state
        self._now = now
        self._closed: list[Any] | None = None

    @property
    def now(self) -> Any:
        """The value of the open window; None where nothing has a value yet."""
        metric, state = self._metric, self._state
        aggregate = metric.accumulates
        kind = metric.window.kind
        if kind == "sliding":
            return panes.value(metric, state.open, self._now)
        if kind == "lifetime":
            entry = state.owners.get("")
            return aggregate.value(entry[1] if entry else aggregate.fresh())
        if kind == "session":
            running = [held[1] for held in state.open.values() if held[0] + metric.window.size > self._now]
            return aggregate.value(running[-1] if running else aggregate.fresh())
        return aggregate.value(state.open.get(bounds(metric.window, self._now)[0]) or aggregate.fresh())

    @property
    def closed(self) -> list[Any]:
        """The values of the newest `keep` closed windows, newest first; those of windows without a value are left out."""
        found = self._closed
        if found is None:
            values = self._state.closed
            if self._metric.roster is None:
                values = {**ended(self._metric, self._state, self._now), **values}
            newest = [values[start] for start in sorted(values, reverse=True)[: self._metric.keep]]
            found = self._closed = [value for value in newest if value is not None]
        return found

    @property
    def target(self) -> float | int | None:
        """The declared target."""
        return self._metric.target

    def last(self, count: int) -> list[Any]:
        """Up to `count` closed windows, newest first; shorter when there are fewer."""
        return self.closed[: max(count, 0)]

    def trend(self, count: int) -> float:
        """The least-squares slope per window over the newest `count` closed windows; 0 with fewer than two."""
        values = [float(value) for value in reversed(self.last(count))]
        return slope(values)


def slope(values: Sequence[float]) -> float:
    """The ordinary least-squares slope of values at 0, 1, 2, …; 0.0 with fewer than two values."""
    size = len(values)
    if size < 2:
        return 0.0
    centre, mean = (size - 1) / 2, sum(values) / size
    above = sum((x - centre) * (y - mean) for x, y in enumerate(values))
    return above / sum((x - centre) ** 2 for x in range(size))
