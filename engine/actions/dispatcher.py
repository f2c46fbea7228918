"""Everything that carries out actions in this process: relay, queue, workers, connectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from dramatiq import Broker

from connectors.protocol import Connector
from engine.actions.attempt import Attempts, Connectors
from engine.actions.relay import Relay
from engine.actions.request import Candidates, Entities
from engine.actions.worker import QUEUES, Workers, embedded
from engine.core.program import Channel
from engine.store import Outbox


def _nobody(_entity: str, _key: str) -> Mapping[str, Any] | None:
    return None


def _nothing(_entity: str) -> Iterable[Mapping[str, Any]]:
    return ()


class Dispatcher:
    """Sends what the outbox holds, between `start` and `stop`; as a context manager it does both.

    `channels` and `connectors` are by `do`; a connector that is not given is built from its channel, whose `{env: …}` and
    `{file: …}` settings are resolved then. `entities` and `candidates` are called from worker threads. `clock` gives POSIX
    seconds; the outbox is looked at after `notify`, when something becomes due, and every `poll` seconds. `broker` makes
    a Dramatiq broker, by default one in this process; `queues` are the kinds that are carried out here. Can be started once.
    """

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[str, Channel],
        connectors: Mapping[str, Connector] | None = None,
        *,
        entities: Entities = _nobody,
        candidates: Candidates = _nothing,
        clock: Callable[[], float] = time.time,
        threads: int = 2,
        poll: float = 1.0,
        broker: Callable[[], Broker] = embedded,
        queues: Collection[str] = QUEUES,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._connectors = Connectors(channels, connectors or {}, clock)
        self._attempts = Attempts(outbox, self._connectors, entities, candidates, clock)
        self._workers = Workers(self._attempts.perform, self._done, threads, broker, queues)
        self._relay = Relay(outbox, self._workers.send, self._attempts.lost, clock, poll)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the threads, which first take up what an earlier process left."""
        self._workers.start()
        self._relay.start()

    def stop(self) -> None:
        """Let running attempts end, then leave nothing running. What is queued stays pending in the outbox."""
        self._relay.stop()
        self._workers.stop()
        self._connectors.close()

    def equip(self, channels: Mapping[str, Channel]) -> None:
        """Go on with the channels of another revision."""
        self._connectors.equip(channels)

    def notify(self) -> None:
        """Say that actions were committed."""
        self._relay.notify()

    def drain(self, timeout: float, soon: float = 0.0) -> bool:
        """Wait until nothing is being sent and nothing is due within `soon` seconds; False: not within `timeout` seconds."""
        self._relay.notify()
        return self._relay.wait(lambda: self._quiet(soon), timeout)

    def _quiet(self, soon: float) -> bool:
        return not self._outbox.under_way(round((self._clock() + soon) * 1_000_000))

    def _done(self, action: str) -> None:
        self._relay.done(action)
