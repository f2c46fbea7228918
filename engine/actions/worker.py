"""Dramatiq: a queue a kind, actors that make attempts, and workers in this process. Messages carry an action's id only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from dramatiq import Actor, Broker, Worker
from dramatiq.brokers.stub import StubBroker

from engine.errors import StoreError

_log = logging.getLogger("rulewright.actions")

MESSAGES, OCR, SPEECH = "messages", "ocr", "speech"
"""Queues. Reading a picture or a recording takes a processor for seconds, so messages never stand behind it."""

QUEUES = (MESSAGES, OCR, SPEECH)

_POLL = 50
"""Milliseconds after which idle threads look whether they should stop."""


def queue_of(do: str) -> str:
    """The queue for a kind of action."""
    kind = do.partition(".")[0]
    return kind if kind in (OCR, SPEECH) else MESSAGES


def embedded() -> Broker:
    """A broker in this process, without any middleware: the outbox is the one authority for delays and retries."""
    return StubBroker(middleware=[])


class Workers:
    """A queue with its actor and its threads for each kind: `threads` for messages, one each for OCR and for speech.

    `perform` takes an action's id; `done` is called with it afterwards, whatever came of it. `broker` makes a broker; it is
    called once a queue, because Dramatiq expects one worker for each. `queues` are those that are answered here; what goes to the others
    reaches other processes, where the broker is one that they share.
    """

    def __init__(
        self,
        perform: Callable[[str], object],
        done: Callable[[str], None],
        threads: int = 2,
        broker: Callable[[], Broker] = embedded,
        queues: Collection[str] = QUEUES,
    ) -> None:
        self._perform = perform
        self._done = done
        self._actors: dict[str, Actor[[str], None]] = {}
        self._brokers: list[Broker] = []
        self._workers: list[Worker] = []
        for queue in QUEUES:
            if queue not in queues and broker is embedded:
                continue
            made = broker()
            self._brokers.append(made)
            self._actors[queue] = Actor(
                self._run, broker=made, actor_name="perform", queue_name=queue, priority=0, options={}
            )
            if queue in queues:
                count = threads if queue == MESSAGES else 1
                self._workers.append(Worker(made, queues={queue}, worker_threads=count, worker_timeout=_POLL))

    def send(self, action: str, do: str) -> None:
        """Put the action on the queue of its kind; where nobody could take it from there, another process finds it in the outbox."""
        actor = self._actors.get(queue_of(do))
        if actor is not None:
            actor.send(action)

    def start(self) -> None:
        """Start the threads."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """Let running attempts end, then end the threads. What is still queued stays in the outbox."""
        for worker in self._workers:
            worker.stop()
        for broker in self._brokers:
            broker.close()

    def _run(self, action: str) -> None:
        try:
            self._perform(action)
        except StoreError as error:
            _log.warning("action %s: %s", action, error)
        finally:
            self._done(action)
