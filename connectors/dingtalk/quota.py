"""How often a robot may speak."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from connectors.protocol import ConnectorError, ErrorClass


class Quota:
    """At most `limit` sends in any `period` seconds, and none during a ban.

    A sliding log, not a refilling bucket: a full bucket that refills lets twice the limit through in one
    period, which is what the service bans a robot for.
    """

    def __init__(self, clock: Callable[[], float], limit: int, period: float = 60.0) -> None:
        self._clock = clock
        self._limit = limit
        self._period = period
        self._sent: deque[float] = deque()
        self._closed_until = float("-inf")
        self._lock = threading.Lock()

    def take(self) -> None:
        """Count one send. Raises ConnectorError RATE_LIMITED `local_limit` with the seconds to wait."""
        with self._lock:
            now = self._clock()
            while self._sent and self._sent[0] <= now - self._period:
                self._sent.popleft()
            wait = self._closed_until - now
            if len(self._sent) >= self._limit:
                wait = max(wait, self._sent[0] + self._period - now)
            if wait > 0:
                raise ConnectorError(
                    ErrorClass.RATE_LIMITED,
                    "local_limit",
                    f"the robot has used its {self._limit} messages in {self._period:g} s",
                    wait,
                )
            self._sent.append(now)

    def ban(self, seconds: float) -> None:
        """The service refused a send: nothing goes out for `seconds`."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock() + seconds)
