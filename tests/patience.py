"""Waiting for what others do, as long as it may take on a busy machine and no longer than it has to."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 30.0
"""Seconds."""

PAUSE = 0.02
"""Seconds between two looks."""


def until(holds: Callable[[], object]) -> bool:
    """Whether something comes true before patience ends."""
    ends = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(PAUSE)
    return True
