"""Token buckets: how often each key may ask."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

MOST = 10_000
"""Keys of which a bucket is held."""


class Buckets:
    """A bucket for each key: `rate` tokens a second flow in, `burst` fit. `clock` gives seconds that never go back."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._held: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> int | None:
        """Take a token; answers None, or the seconds after which there will be one."""
        now = self._clock()
        left, then = self._held.get(key, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._rate)
        if len(self._held) >= MOST:
            self._held.clear()
        if left < 1:
            self._held[key] = (left, now)
            return ceil((1 - left) / self._rate)
        self._held[key] = (left - 1, now)
        return None
