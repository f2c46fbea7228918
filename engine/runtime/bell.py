"""The bell: says, by a queue of Dramatiq, in which shards deliveries wait.

The database knows it anyway. A message that is lost, late or doubled costs a second at most, because every worker also looks by itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from dramatiq import Actor, Broker, Worker
from dramatiq.errors import BrokerConnectionError

from engine.runtime.shard import grouped

_log = logging.getLogger("rulewright.work")

QUEUE = "shards"
PAUSE = 0.1
"""Seconds in which a shard is rung for once at most, by default."""

GROUP = 8
"""Shards to a message, at most: several workers share out what waits, and a claim costs the same for all of a group."""

_POLL = 50
"""Milliseconds after which idle threads look whether they should stop."""


class Bell:
    """Rings for shards between `start` and `stop`. With `answer`, `threads` of this process answer, too: it is called with some shards.

    `pause` is how many seconds pass until a shard is rung for again, `group` how many shards go together.
    """

    def __init__(
        self,
        broker: Broker,
        answer: Callable[[list[int]], None] | None = None,
        threads: int = 1,
        *,
        pause: float = PAUSE,
        group: int = GROUP,
    ) -> None:
        self._broker = broker
        self._pause = pause
        self._group = group
        self._actor: Actor[[list[int]], None] = Actor(
            answer or _unanswered, broker=broker, actor_name="drain", queue_name=QUEUE, priority=0, options={}
        )
        self._worker = (
            Worker(broker, queues={QUEUE}, worker_threads=threads, worker_timeout=_POLL) if answer is not None else None
        )
        self._shards: set[int] = set()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="rulewright-bell", daemon=True)

    def start(self) -> None:
        """Start the threads."""
        self._thread.start()
        if self._worker is not None:
            self._worker.start()

    def stop(self) -> None:
        """Let running answers end, and end the threads."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()
        if self._worker is not None:
            self._worker.stop()
        self._broker.close()

    def ring(self, shards: Iterable[int]) -> None:
        """Say that deliveries wait in these shards. Returns at once."""
        with self._changed:
            self._shards.update(shards)
            self._changed.notify_all()

    def _run(self) -> None:
        while (shards := self._rung()) is not None:
            try:
                for group in grouped(shards, self._group):
                    self._actor.send(group)
            except BrokerConnectionError as error:
                _log.warning("the queue cannot be reached: %s", type(error).__name__)
            with self._changed:
                self._changed.wait_for(lambda: self._stopping, self._pause)

    def _rung(self) -> set[int] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._shards or self._stopping)
            shards, self._shards = self._shards, set()
            return None if self._stopping else shards


def _unanswered(_shards: list[int]) -> None:
    """Where nobody answers, nobody takes the message."""
