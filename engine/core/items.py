"""Open metrics: items of one event that wait for their counterpart. The order of arrival does not matter."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.core.calendar import to_instant
from engine.core.env import Env
from engine.core.partition import OpenState
from engine.core.program import OpenMetric

SWEEP = 16
"""Counterparts are forgotten when so many have come together, not one by one."""

NOTHING = timedelta(0)


def record(metric: OpenMetric, state: OpenState, env: Env, now: int) -> bool:
    """Note the event of `env`. True when what waits, or since when, has changed.

    An item waits since its first `start` that is later than its latest counterpart; a counterpart at the same instant ends it.
    """
    event = env.event
    assert event is not None
    name, at = str(metric.per.run(env)), event.at
    waits, ended = state.waiting.get(name), state.ended.get(name)
    before = min(waits) if waits is not None else None
    later = ended is None or at > ended
    if later and event.type == metric.start:
        if waits is None:
            waits = state.waiting[name] = []
        waits.append(at)
        if state.since is None or at < state.since:
            state.since = at
    if later and event.type == metric.until:
        state.ended[name] = at
        waits = _left(state, name, at)
        if ended is None and len(state.ended) % SWEEP == 0:
            _forget(metric, state, now)
    return (min(waits) if waits is not None else None) != before


def _left(state: OpenState, name: str, ended: int) -> list[int] | None:
    """What still waits under a name after a counterpart: only what began later."""
    waited = state.waiting.pop(name, [])
    left = [at for at in waited if at > ended]
    if left:
        state.waiting[name] = left
    if state.since in waited:
        state.since = min(map(min, state.waiting.values()), default=None)
    return left or None


def _forget(metric: OpenMetric, state: OpenState, now: int) -> None:
    """A counterpart is remembered for as long as its late beginning may still arrive."""
    horizon = now - metric.lateness
    for name in [name for name, ended in state.ended.items() if ended < horizon and name not in state.waiting]:
        del state.ended[name]


class OpenView:
    """What an expression reads of an open metric."""

    __slots__ = ("_began", "_now", "_since", "_state")

    def __init__(self, state: OpenState, now: int) -> None:
        self._state = state
        self._now = now
        self._since = state.since
        self._began: datetime | None = None

    @property
    def count(self) -> int:
        """How many items wait."""
        return len(self._state.waiting)

    @property
    def oldest_since(self) -> datetime | None:
        """Since when the oldest item waits; None when none does."""
        began, since = self._began, self._since
        if began is None and since is not None:
            began = self._began = to_instant(since)
        return began

    @property
    def oldest(self) -> timedelta:
        """The age of the oldest waiting item; zero when none waits, or when it lies ahead of `now`."""
        since = self._since
        return NOTHING if since is None or since >= self._now else timedelta(0, 0, self._now - since)
