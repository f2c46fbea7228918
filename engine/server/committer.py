"""Group commit: one thread appends what has been submitted, many submissions to a transaction under load, one when idle."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Protocol

from engine.errors import StoreError
from engine.server.intake import Receipt, Served, Submission
from engine.server.problem import RETRY, Problem
from engine.store.turns import hurried

_log = logging.getLogger("rulewright.serve")

WAIT = 0.02
"""Seconds that the first submission of a group waits for others, at most. While there is no load it waits for nobody."""

LINES = 1_000
"""Lines after which a group is closed."""

_END = None


class Counting(Protocol):
    """Appends submissions in one transaction."""

    def serve(self, submissions: Sequence[Submission]) -> Served:
        """What became of them. Raises StoreError: nothing of it has happened."""
        ...


class Committer:
    """Takes submissions between `start` and `stop`.

    `ring` is told of the shards that wait, and `acts` is called when actions were queued; `told` gets each group's lines, seconds, and
    deliveries that were stepped.
    """

    def __init__(
        self,
        counter: Counting,
        ring: Callable[[Iterable[int]], None],
        *,
        most: int = 20_000,
        acts: Callable[[], None] = lambda: None,
        told: Callable[[int, float, int], None] = lambda _lines, _seconds, _steps: None,
    ) -> None:
        self._counter = counter
        self._ring = ring
        self._acts = acts
        self._told = told
        self._most = most
        self._waiting = 0
        self._stopping = False
        self._lock = threading.Lock()
        self._submitted: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._loaded = False
        self._took = 0.0
        self._thread = threading.Thread(target=self._run, name="rulewright-commit", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Commit what was submitted, take nothing more, and end the thread."""
        with self._lock:
            self._stopping = True
            self._submitted.put(_END)
        self._thread.join()

    @property
    def waiting(self) -> int:
        """Lines that wait to be committed."""
        return self._waiting

    def submit(self, submission: Submission) -> Future[list[Receipt]]:
        """Take a submission; its receipts come when all of it is durable. Raises Problem `overloaded` or `stopping`."""
        with self._lock:
            if self._stopping:
                raise Problem(
                    "stopping", "send it again to another server, or when this one is back", retry_after=RETRY
                )
            if self._waiting and self._waiting + len(submission.lines) > self._most:
                raise Problem("overloaded", f"{self._waiting} lines wait to be committed", retry_after=1)
            self._waiting += len(submission.lines)
            self._submitted.put(submission)
        return submission.receipts

    def _run(self) -> None:
        with hurried():
            self._commit()

    def _commit(self) -> None:
        while (first := self._submitted.get()) is not _END:
            group, ended = self._gathered(first)
            began = time.monotonic()
            steps = self._serve(group)
            self._took = time.monotonic() - began
            self._loaded = len(group) > 1
            with self._lock:
                self._waiting -= _lines(group)
            self._told(_lines(group), self._took, steps)
            if ended:
                return

    def _gathered(self, first: Submission) -> tuple[list[Submission], bool]:
        """What waits, and under load what comes within as long as a commit takes: that long the next group would have waited anyway."""
        group, patience = [first], min(self._took, WAIT) if self._loaded else 0.0
        until = time.monotonic() + patience
        while _lines(group) < LINES:
            left = 0.0 if any(one.urgent for one in group) else until - time.monotonic()
            try:
                more = self._submitted.get(timeout=left) if left > 0 else self._submitted.get_nowait()
            except queue.Empty:
                return group, False
            if more is _END:
                return group, True
            group.append(more)
        return group, False

    def _serve(self, group: Sequence[Submission]) -> int:
        """Answers how many deliveries were stepped."""
        try:
            served = self._counter.serve(group)
        except StoreError as failure:
            return self._failed(group, failure)
        except Exception as failure:
            _log.exception("a group of %d submissions could not be appended", len(group))
            return self._failed(group, failure)
        for submission, made in zip(group, served.receipts, strict=True):
            _settle(submission.receipts, made)
        self._ring(served.shards)
        if served.acts:
            self._acts()
        return served.steps

    def _failed(self, group: Sequence[Submission], failure: Exception) -> int:
        """What the store cannot take at all fails together; where it may be one submission's fault, each is tried alone."""
        if len(group) > 1 and getattr(failure, "code", "") != "store_unavailable":
            return sum(self._serve([one]) for one in group)
        for submission in group:
            with suppress(Exception):
                submission.receipts.set_exception(failure)
        return 0


def _settle(receipts: Future[list[Receipt]], made: list[Receipt]) -> None:
    with suppress(Exception):  # whoever asked may be gone
        receipts.set_result(made)


def _lines(group: Sequence[Submission]) -> int:
    return sum(len(one.lines) for one in group)
