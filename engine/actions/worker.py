"""Dramatiq: a queue a kind, actors that make attempts, and workers in this process. Messages carry an action's id only."""

from __future__ import annotations

import logging
from collections.abc import Callable

from dramatiq import Actor, Broker, Worker
from dramatiq.brokers.stub import StubBroker

from engine.errors import StoreError

_log = logging.getLogger("rulewright.actions")

MESSAGES, OCR = "messages", "ocr"
"""Queues. Reading a picture takes a processor for seconds, so messages never stand behind it."""

_POLL = 100
"""Milliseconds after which idle threads look whether they should stop."""


def queue_of(do: str) -> str:
    """The queue for a kind of action."""
    return OCR if do.startswith("ocr.") else MESSAGES


class Workers:
    """Actors on `broker`, and threads that run them: `threads` for messages, one for OCR.

    Dramatiq's own retries, age and time limits are off: the outbox is the one authority for delays. `perform` takes an action's
    id; `done` is called with it afterwards, whatever came of it.
    """

    def __init__(
        self,
        perform: Callable[[str], object],
        done: Callable[[str], None],
        threads: int = 2,
        broker: Broker | None = None,
    ) -> None:
        self._perform = perform
        self._done = done
        self._broker = broker if broker is not None else StubBroker(middleware=[])
        self._actors = {queue: self._actor(queue) for queue in (MESSAGES, OCR)}
        self._workers = [
            Worker(self._broker, queues={queue}, worker_threads=count, worker_timeout=_POLL)
            for queue, count in ((MESSAGES, threads), (OCR, 1))
        ]

    def send(self, action: str, do: str) -> None:
        """Put the action on the queue of its kind."""
        self._actors[queue_of(do)].send(action)

    def start(self) -> None:
        """Start the threads."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Let running attempts end, then end the threads. What is still queued stays in the outbox."""
        for worker in self._workers:
            worker.stop()
        self._broker.close()

    def _actor(self, queue: str) -> Actor[[str], None]:
        return Actor(
            self._run, broker=self._broker, actor_name=f"perform_{queue}", queue_name=queue, priority=0, options={}
        )

    def _run(self, action: str) -> None:
        try:
            self._perform(action)
        except StoreError as error:
            _log.warning("action %s: %s; its lease will run out", action, error)
        finally:
            self._done(action)
