"""Open metrics: items of one event that wait for their counterpart. The order of arrival does not matter."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.core.calendar import to_instant
from engine.core.env import Env
from engine.core.partition import OpenState
from engine.core.program import OpenMetric

SWEEP = 16
"""Items that have ended are forgotten when so many have come together, not one by one."""

NOTHING = timedelta(0)


def record(metric: OpenMetric, state: OpenState, env: Env, now: int) -> bool:
    """Note the event of `env`. True when what waits, or since when, has changed.

    An item waits since its first `start` that is later than its latest counterpart; a counterpart at the same instant ends it.
    """
    event = env.event
    assert event is not None
    name = str(metric.per.run(env))
    item = state.items.get(name)
    if item is None:
        item = state.items[name] = [[], None]
    before = min(item[0], default=None)
    if event.type == metric.start and (item[1] is None or event.at > item[1]):
        item[0].append(event.at)
    if event.type == metric.until and (item[1] is None or event.at > item[1]):
        item[1] = event.at
        item[0] = [at for at in item[0] if at > event.at]
    if len(state.items) % SWEEP == 0:
        _forget(metric, state, now)
    return min(item[0], default=None) != before


def _forget(metric: OpenMetric, state: OpenState, now: int) -> None:
    """A counterpart is remembered for as long as its late beginning may still arrive."""
    horizon = now - metric.lateness
    gone = [name for name, (waits, ended) in state.items.items() if not waits and ended is not None and ended < horizon]
    for name in gone:
        del state.items[name]


class OpenView:
    """What an expression reads of an open metric."""

    __slots__ = ("_now", "_since", "_state")

    def __init__(self, state: OpenState, now: int) -> None:
        self._state = state
        self._now = now
        self._since = min([min(waits) for waits, _ in state.items.values() if waits], default=None)

    @property
    def count(self) -> int:
        """How many items wait."""
        return sum(1 for waits, _ in self._state.items.values() if waits)

    @property
    def oldest_since(self) -> datetime | None:
        """Since when the oldest item waits; None when none does."""
        since = self._since
        return None if since is None else to_instant(since)

    @property
    def oldest(self) -> timedelta:
        """The age of the oldest waiting item; zero when none waits, or when it lies ahead of `now`."""
        since = self._since
        return NOTHING if since is None else max(timedelta(microseconds=self._now - since), NOTHING)
