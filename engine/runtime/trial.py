"""A trial: work is done in a child process that may die of it, so that one knows where, and nobody else is lost at it."""

from __future__ import annotations

import gc
import os
import select
import signal
import warnings
from collections.abc import Callable

PATIENCE = 5.0
"""Seconds for which a child may be silent; then it is held to be lost where it is, and ended."""

_DIED = 1


def deadly(work: Callable[[Callable[[int], None]], None], patience: float = PATIENCE) -> int | None:
    """Where a child process was lost that did `work`, which tells before each part of it which one that is; None: it came to the end.

    Nothing of what the child does is seen here, so `work` must do nothing outside its memory. A child that is lost before it told
    anything has shown nothing, and neither has one where the system cannot fork.
    """
    if not hasattr(os, "fork"):
        return None
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # of forking beside threads: the child takes none of their locks
        child = os.fork()
    if not child:
        os._exit(_worked(work, writing))
    os.close(writing)
    try:
        place, ended = _followed(reading, patience)
    finally:
        os.close(reading)
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return place if status else None


def _worked(work: Callable[[Callable[[int], None]], None], writing: int) -> int:
    """In the child: `work`, to its end or not; answers the exit code."""
    gc.disable()  # what is the parent's own, connections above all, is not given back here
    try:
        work(lambda place: _tell(writing, place))
    except BaseException:
        return _DIED
    return 0


def _tell(writing: int, place: int) -> None:
    os.write(writing, place.to_bytes(4))


def _followed(reading: int, patience: float) -> tuple[int | None, bool]:
    """The last that a child told, and whether it is over."""
    told = b""
    while _speaks(reading, patience):
        heard = os.read(reading, 65_536)
        if not heard:
            return _place(told), True
        told += heard
    return _place(told), False


def _speaks(reading: int, patience: float) -> bool:
    poll = select.poll()  # select.select knows no descriptor above 1,023
    poll.register(reading, select.POLLIN)
    return bool(poll.poll(patience * 1000))


def _place(told: bytes) -> int | None:
    whole = len(told) - len(told) % 4
    return int.from_bytes(told[whole - 4 : whole]) if whole else None
