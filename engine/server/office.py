"""The office: everything that one server process holds, from `start` to `stop`."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from dramatiq import Broker

from connectors.protocol import Connector
from engine.actions.worker import embedded
from engine.core.program import Program
from engine.errors import RulewrightError, StoreError
from engine.runtime.bell import GROUP, Bell
from engine.runtime.crew import Crew
from engine.runtime.lineage import Programs
from engine.runtime.members import Membership
from engine.runtime.records import Writer
from engine.runtime.shard import SHARDS
from engine.runtime.visible import Followed
from engine.server.bucket import Buckets
from engine.server.committer import Committer
from engine.server.counter import Counter
from engine.server.gauges import Gauges
from engine.server.keyring import Ring
from engine.server.moment import Moment
from engine.server.settings import Settings
from engine.server.spans import Spans, configured
from engine.store import DatabaseStore

_log = logging.getLogger("rulewright.serve")

FOLLOWED = 0.5
"""Seconds after which it is looked for another revision."""

PAUSE = 0.05
"""Seconds in which this process steps a shard once at most: each time costs two commits, which requests would wait for."""

SHOWING = 4
"""Pop-ups that are decided at once."""


class Office:
    """One server's parts. `broker` None: no queue tells workers, who look every second. `clock` gives POSIX seconds."""

    def __init__(
        self,
        program: Program,
        store: DatabaseStore,
        settings: Settings,
        *,
        broker: Callable[[], Broker] | None = None,
        clock: Callable[[], float] = time.time,
        connectors: Mapping[str, Connector] | None = None,
    ) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        self.program, self.writer = program, Writer(program)
        self.programs = Programs(store, program)
        self.gauges = Gauges(program, store, clock)
        self.spans = Spans(configured())
        self.keys = Ring(store, time.monotonic)
        self.buckets = Buckets(settings.rate, settings.burst, time.monotonic)
        self.changing = threading.Lock()
        self.showing = ThreadPoolExecutor(SHOWING, "rulewright-popup")
        self._entities = Followed()
        self._following = threading.Lock()
        self.crew: _TimedCrew | None = None
        self._bell: Bell | None = None
        self._membership = Membership(store, self.programs, "serve", clock)
        self._activated = store.activated()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rulewright-follow", daemon=True)
        if settings.work:
            self.crew = _TimedCrew(
                self.gauges, program, store, broker or embedded, settings.threads, clock, connectors, self.programs
            )
        elif broker is not None:
            self._bell = Bell(broker())
        self._counter = Counter(program, store, self.programs, every=settings.work and not store.server)
        self.committer = Committer(
            self._counter, self.ring, most=settings.waiting_lines, acts=self._acts, told=self.gauges.committed
        )
        self.moment = Moment(
            program, store, self.ring, self._acts, threads=SHOWING, clock=clock, programs=self.programs
        )

    def start(self) -> None:
        """Start the threads. From here on it is known that this server is there, or was."""
        self._counter.careful = self._membership.bereaved()
        self._membership.beat(self.program.revision)
        if self.crew is not None:
            self.crew.start()
        if self._bell is not None:
            self._bell.start()
        self.committer.start()
        self._thread.start()

    def stop(self) -> None:
        """Commit what was submitted, let what is under way end, and give the store back."""
        self._stopping.set()
        self.committer.stop()
        self._thread.join()
        self.showing.shutdown()
        if self._bell is not None:
            self._bell.stop()
        if self.crew is not None:
            self.crew.stop()
        self.store.close()

    def now(self) -> int:
        """Microseconds of the wall clock."""
        return round(self.clock() * 1_000_000)

    def ring(self, shards: Iterable[int]) -> None:
        """Tell workers that deliveries wait in these shards."""
        if self.crew is not None:
            self.crew.ring(shards)
        elif self._bell is not None:
            self._bell.ring(shards)

    def entity(self, kind: str, key: str, at: int) -> Mapping[str, Any] | None:
        """An entity as of an instant."""
        with self._following:
            self._entities.follow(self.store)
            return self._entities.get(kind, key, at)

    def entities(self, kind: str, after: str, limit: int, at: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Entities of a kind with keys behind `after`, in the order of keys, as of an instant."""
        with self._following:
            self._entities.follow(self.store)
            found: list[tuple[str, Mapping[str, Any]]] = []
            for key, data in self._entities.all(kind, at):
                if key > after:
                    found.append((key, data))
                    if len(found) == limit:
                        break
            return found

    def follow(self) -> None:
        """Answer by the program that is active by now, and make ready what is to be activated next. Raises StoreError and PackError."""
        self._counter.careful = self._membership.bereaved()
        self._membership.beat(self.program.revision)
        reached = self.store.activated()
        if reached == self._activated:
            return
        latest = self.store.last_activation()
        assert latest is not None
        program = self.programs.active(latest)
        self.program, self.writer, self._activated = program, Writer(program), reached
        self.moment.equip(program)
        self.gauges.activated(program)

    def _run(self) -> None:
        while not self._stopping.wait(FOLLOWED):
            try:
                self.follow()
            except StoreError as error:
                _log.warning("the store could not be used: %s", error)
            except RulewrightError as error:
                self.gauges.refused_pack()
                _log.error("%s", error)
        with suppress(StoreError):
            self._membership.leave()

    def _acts(self) -> None:
        if self.crew is not None:
            self.crew.notify()


class _TimedCrew(Crew):
    """A crew whose steps are timed."""

    def __init__(
        self,
        gauges: Gauges,
        program: Program,
        store: DatabaseStore,
        broker: Callable[[], Broker],
        threads: int,
        clock: Callable[[], float],
        connectors: Mapping[str, Connector] | None,
        programs: Programs,
    ) -> None:
        super().__init__(
            program,
            store,
            broker=broker,
            threads=threads,
            clock=clock,
            connectors=connectors,
            pause=PAUSE,
            group=GROUP if store.server else SHARDS,
            programs=programs,
        )
        self._gauges = gauges

    def step(self, shards: Collection[int]) -> int:
        """Step all that waits in shards."""
        began = time.monotonic()
        count = super().step(shards)
        self._gauges.stepped(count, time.monotonic() - began)
        return count
