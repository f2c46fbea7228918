"""Turns at a lock that many threads want: whoever hurries comes first, the others in the order in which they came.

Python's own locks are given to whoever is quickest, which is nearly always the thread that has just given them back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

_thread = threading.local()


@contextmanager
def hurried() -> Iterator[None]:
    """Inside, this thread comes before others wherever turns are taken: somebody waits for what it does."""
    before = getattr(_thread, "hurried", False)
    _thread.hurried = True
    try:
        yield
    finally:
        _thread.hurried = before


class Turns:
    """A lock, as a context. It may be given back by another thread than the one that took it, and is not to be taken twice."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._first: deque[threading.Lock] = deque()
        self._others: deque[threading.Lock] = deque()

    def __enter__(self) -> bool:
        with self._mutex:
            if not self._taken:
                self._taken = True
                return True
            turn = threading.Lock()
            turn.acquire()
            (self._first if getattr(_thread, "hurried", False) else self._others).append(turn)
        try:
            turn.acquire()
        except BaseException:
            self._leave(turn)
            raise
        return True

    def __exit__(self, *_: object) -> None:
        with self._mutex:
            waiting = self._first or self._others
            if waiting:
                waiting.popleft().release()
            else:
                self._taken = False

    def _leave(self, turn: threading.Lock) -> None:
        """Whoever was interrupted while it waited gives up its place, or the lock, where it had been given it by then."""
        with self._mutex:
            for waiting in (self._first, self._others):
                if turn in waiting:
                    waiting.remove(turn)
                    return
        self.__exit__()
