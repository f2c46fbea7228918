"""The relay: moves the ids of due actions from the outbox to the queue, and takes back claims that ran out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from dramatiq.errors import BrokerConnectionError

from engine.errors import StoreError
from engine.store import Outbox, OutboxRow, Verdict

_log = logging.getLogger("rulewright.actions")

_PAGE = 100
REST = 0.05
"""Seconds between two looks at the outbox, at least: each reads all that is due, and many actions may end at once."""

_REPEAT = 5_000_000
"""Microseconds after which an id that nobody took is queued again, as the queue may have lost it; each time twice as long."""


class Relay:
    """Runs in a thread between `start` and `stop`. `clock` gives POSIX seconds, `poll` is in seconds.

    `send(id, do)` queues an action; `settle` says what becomes of one whose worker was lost.
    """

    def __init__(
        self,
        outbox: Outbox,
        send: Callable[[str, str], None],
        settle: Callable[[OutboxRow], Verdict],
        clock: Callable[[], float],
        poll: float = 1.0,
    ) -> None:
        self._outbox = outbox
        self._send = send
        self._settle = settle
        self._clock = clock
        self._poll = poll
        self._queued: dict[str, tuple[int, int]] = {}
        self._changed = threading.Condition()
        self._woken = True
        self._changes = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="rulewright-relay", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns when it has ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def notify(self) -> None:
        """Look at the outbox now: something was committed."""
        with self._changed:
            self._woken = True
            self._changes += 1
            self._changed.notify_all()

    def done(self, action: str) -> None:
        """The message of `action` was taken; it may be queued again when it is due again."""
        with self._changed:
            self._queued.pop(action, None)
        self.notify()

    def wait(self, quiet: Callable[[], bool], timeout: float) -> bool:
        """Wait until `quiet()` holds, asked after every change and every `poll`; False: not within `timeout` seconds."""
        end = time.monotonic() + timeout
        while True:
            seen = self._changes
            if quiet():
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            with self._changed:
                if self._changes == seen:
                    self._changed.wait(min(self._poll, left))

    def turn(self) -> int:
        """Expire leases and queue what is due; returns how many ids were queued."""
        now = round(self._clock() * 1_000_000)
        for action in self._outbox.expire_leases(now, self._settle):
            _log.warning("action %s: its lease ran out", action)
        due = self._outbox.due_actions(now, len(self._queued) + _PAGE)
        self._keep(due)
        return sum(self._queue(action, now) for action in due)

    def _keep(self, due: list[str]) -> None:
        """Forget whatever else was queued: it was taken, maybe by another process, of which this one is not told."""
        with self._changed:
            self._queued = {action: self._queued[action] for action in due if action in self._queued}

    def _queue(self, action: str, now: int) -> bool:
        with self._changed:
            since, pause = self._queued.get(action, (now - _REPEAT, _REPEAT))
            if now < since + pause:
                return False
            self._queued[action] = (now, 2 * pause if action in self._queued else pause)
        row = self._outbox.action(action)
        if row is None:
            return False
        try:
            self._send(action, row.action.do)
        except BrokerConnectionError:
            with self._changed:
                self._queued.pop(action, None)
            raise
        return True

    def _run(self) -> None:
        pause = 0.0
        while self._awake(pause):
            pause = self._poll
            try:
                self.turn()
                pause = self._pause()
            except StoreError as error:
                _log.warning("the outbox could not be used: %s", error)
            except BrokerConnectionError as error:
                _log.warning("the queue cannot be reached: %s", type(error).__name__)
            self._rest()

    def _rest(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, REST)

    def _awake(self, pause: float) -> bool:
        """Wait for a change, or for `pause` seconds; False: it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._stopping, pause)
            self._woken = False
            return not self._stopping

    def _pause(self) -> float:
        """Seconds until something is due, at most `poll`: another process may commit, too. What is due now is queued."""
        due = self._outbox.next_due()
        left = self._poll if due is None else due / 1_000_000 - self._clock()
        return left if 0 < left < self._poll else self._poll
