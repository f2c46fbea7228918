"""A worker process: steps what waits, lets time pass, takes results back in, and carries out actions.

Any number of them work on one store. What each of them does is claimed in the database first; which of them does it makes no difference.
"""

from __future__ import annotations

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from dramatiq import Broker

from connectors.protocol import Connector
from engine.actions.dispatcher import Dispatcher
from engine.actions.worker import QUEUES, embedded
from engine.core.program import Program
from engine.errors import RulewrightError, StoreError
from engine.runtime.appender import Appender
from engine.runtime.bell import GROUP, PAUSE, Bell
from engine.runtime.drain import BATCH, Drain
from engine.runtime.gate import TIMERS
from engine.runtime.lineage import Programs
from engine.runtime.members import Membership, owner
from engine.runtime.receiving import receive
from engine.runtime.shard import grouped, shard_of
from engine.runtime.visible import Followed
from engine.store.batch import Lease
from engine.store.protocol import Shared

_log = logging.getLogger("rulewright.work")

TERM = 15_000_000
"""Microseconds for which a shard is claimed. A worker that is lost with it costs its deliveries so long."""

GRACE = 2_000_000
"""Microseconds after which a deadline fires: what is on its way with an earlier time comes first."""

DELIVERIES = "deliveries"
KINDS = (DELIVERIES, *QUEUES)
"""What a worker may do."""

SWEEP = 1.0
"""Seconds after which deliveries and deadlines are looked for that no message told of."""


class Crew:
    """What one worker process does between `start` and `stop`. `clock` gives POSIX seconds; `broker` makes a broker of Dramatiq.

    `threads` step and as many carry out actions; `connectors` stand in for those of the channels, by `do`.
    `pause` is how many seconds pass until shards are stepped again that were rung for, `group` how many of them one thread claims at once;
    `programs` are those of the process.
    `kinds` is what it does: steps deliveries, or carries out actions of a queue. Time passes in all of them.
    """

    def __init__(
        self,
        program: Program,
        store: Shared,
        *,
        broker: Callable[[], Broker] = embedded,
        threads: int = 2,
        clock: Callable[[], float] = time.time,
        connectors: Mapping[str, Connector] | None = None,
        term: int = TERM,
        pause: float = PAUSE,
        group: int = GROUP,
        programs: Programs | None = None,
        kinds: Collection[str] = KINDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._term = term
        self._owner = owner()
        programs = programs or Programs(store, program)
        self._membership = Membership(store, programs, "work", clock)
        self._appender = Appender(program, store, programs)
        self._entities = Followed()
        self._reading = threading.Lock()
        self._drains: queue.SimpleQueue[Drain] = queue.SimpleQueue()
        for _ in range(threads + 1):
            self._drains.put(Drain(program, store, self._now, term, programs))
        self._steps = DELIVERIES in kinds
        self._group = group
        self._bell = Bell(broker(), self._answer if self._steps else None, threads, pause=pause, group=group)
        self._dispatcher = Dispatcher(
            store,
            program.channels,
            connectors,
            entities=self._entity,
            candidates=self._candidates,
            clock=clock,
            threads=threads,
            broker=broker,
            queues=kinds,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rulewright-sweep", daemon=True)

    def start(self) -> None:
        """Start the threads, which first take up what was left."""
        self._bell.start()
        self._dispatcher.start()
        self._thread.start()

    def stop(self) -> None:
        """Let what is under way be committed, then leave nothing running."""
        self._stopping.set()
        self._thread.join()
        self._bell.stop()
        self._dispatcher.stop()
        with suppress(StoreError):  # it is forgotten soon anyway
            self._membership.leave()

    @property
    def program(self) -> Program:
        """The program that is active, as far as it is known here."""
        return self._appender.program

    def drain(self, timeout: float) -> bool:
        """Wait until no action is under way or due; False: not within `timeout` seconds."""
        return self._dispatcher.drain(timeout)

    def ring(self, shards: Iterable[int]) -> None:
        """Say that deliveries wait in these shards. Returns at once."""
        self._bell.ring(shards)

    def notify(self) -> None:
        """Say that actions were committed."""
        self._dispatcher.notify()

    def step(self, shards: Collection[int]) -> int:
        """Step all that waits in shards, but for those that somebody else steps; answers how many deliveries there were."""
        if not self._store.waiting(shards, 1):  # a bell that rang twice must not cost two commits
            return 0
        token, now = secrets.token_hex(8), self._now()
        leases = self._store.lease(shards, self._owner, token, now, now + self._term, BATCH)
        if not leases:
            return 0
        drain = self._drains.get()
        try:
            return self._stepped(drain, leases)
        finally:
            self._drains.put(drain)
            late = self._store.waiting([lease.shard for lease in leases], BATCH)
            if late:  # it came in after the last look, and whoever was told of it was turned away
                self._bell.ring({shard_of(scope, key) for _, scope, key in late})

    def sweep(self) -> None:
        """Look once for what no message told of: another revision, what lost workers left, deadlines, results of actions, deliveries."""
        appender = self._appender
        self._membership.beat(appender.program.revision)
        before = appender.program
        if appender.follow() is not before:
            self._dispatcher.equip(appender.program.channels)
        for shard in self._store.lost(self._now()):
            self.step([shard])
        self.fire()
        if self._store.unreceipted(1):
            self._bell.ring(appender.through(lambda gate: receive(gate, appender.door)).shards)
        if self._steps:
            for shards in grouped(self._store.backlog(), self._group):
                self.step(shards)

    def fire(self) -> None:
        """Let all deadlines fire that are due; what waits because of some is told before the next ones."""
        until, count = self._now() - GRACE, TIMERS
        while count == TIMERS and not self._stopping.is_set():
            count, shards = self._appender.fire(until)
            self._bell.ring(shards)

    def _stepped(self, drain: Drain, leases: Sequence[Lease]) -> int:
        count = 0
        try:
            while leases and not self._stopping.is_set() and (done := drain.drain(leases)) is not None:
                leases, count = done.leases, count + done.count
                self._bell.ring(done.shards)
                if done.acts:
                    self._dispatcher.notify()
        finally:
            if leases:
                self._store.release(leases)
        return count

    def _answer(self, shards: Collection[int]) -> None:
        try:
            self.step(shards)
        except RulewrightError as error:
            _log.warning("shards %s: %s", ", ".join(map(str, sorted(shards))), error)

    def _run(self) -> None:
        while not self._stopping.wait(SWEEP):
            try:
                self.sweep()
            except StoreError as error:
                _log.warning("the store could not be used: %s", error)
            except RulewrightError as error:
                _log.error("%s", error)

    def _now(self) -> int:
        return round(self._clock() * 1_000_000)

    def _entity(self, kind: str, key: str) -> Mapping[str, Any] | None:
        with self._reading:
            self._entities.follow(self._store)
            return self._entities.get(kind, key, self._now())

    def _candidates(self, kind: str) -> list[Mapping[str, Any]]:
        with self._reading:
            self._entities.follow(self._store)
            return [data for _, data in self._entities.all(kind, self._now())]
