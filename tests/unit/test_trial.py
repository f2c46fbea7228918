"""A trial tells where a child process was lost, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

import pytest

from engine.runtime.trial import deadly

Tell = Callable[[int], None]


def test_a_child_that_comes_to_the_end_has_shown_nothing() -> None:
    seen: list[int] = []

    def work(tell: Tell) -> None:
        for place in range(50_000):
            tell(place)
            seen.append(place)

    assert deadly(work) is None
    assert not seen


@pytest.mark.parametrize("end", [lambda: os.kill(os.getpid(), signal.SIGKILL), sys.exit, threading.Event().wait])
def test_the_place_is_told_where_a_child_was_lost(end: Callable[[], object]) -> None:
    def work(tell: Tell) -> None:
        for place in range(1_000):
            tell(place)
            if place == 700:
                end()

    assert deadly(work, patience=0.5) == 700


def test_a_child_that_is_lost_before_it_told_anything_has_shown_nothing() -> None:
    assert deadly(lambda _: os.kill(os.getpid(), signal.SIGKILL)) is None
