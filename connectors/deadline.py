"""The time that one attempt may take, shared by the calls that it makes."""

from __future__ import annotations

import time

from connectors.protocol import ConnectorError, ErrorClass


class Deadline:
    """Counts down from `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left. Raises ConnectorError TRANSIENT `out_of_time` when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise ConnectorError(ErrorClass.TRANSIENT, "out_of_time", "the attempt's time was used up before this call")
        return left
