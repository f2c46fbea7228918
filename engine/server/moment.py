"""The right moment: a pop-up is decided while somebody waits for it, on what is committed by then.

The event is in the log already. Its shards are claimed and stepped here, as a worker would; where somebody else has one for too long,
the answer comes from the state as it is committed, and says that it is stale.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from engine.core.codec import identity
from engine.core.event import Event, Record
from engine.core.partition import Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.errors import StoreError
from engine.runtime.drain import Drain
from engine.runtime.lineage import Programs
from engine.runtime.members import owner
from engine.runtime.shard import shard_of
from engine.runtime.visible import Followed
from engine.store import DatabaseStore, Lease
from engine.store.turns import hurried

PATIENCE = 0.01
"""Seconds for which claims to the shards are tried."""

PAUSE = 0.001
"""Seconds between two tries."""

TERM = 15_000_000
"""Microseconds for which a shard is claimed."""

AT_ONCE = 100
"""Deliveries to a transaction."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The records of pop-ups. `stale`: deliveries that came before may not have been taken into account."""

    records: tuple[Record, ...]
    stale: bool


class Moment:
    """Decides pop-ups, in any number of threads. `ring` is told of shards with deliveries that others have to step.

    `clock` gives POSIX seconds. `acts` is called when actions were queued on the way.
    """

    def __init__(
        self,
        program: Program,
        store: DatabaseStore,
        ring: Callable[[Iterable[int]], None],
        acts: Callable[[], None],
        *,
        threads: int = 2,
        clock: Callable[[], float] = time.time,
        programs: Programs | None = None,
    ) -> None:
        self._store = store
        self._ring = ring
        self._acts = acts
        self._clock = clock
        self._owner = owner()
        self.equip(program)
        self._entities = Followed()
        self._following = threading.Lock()
        self._drains: queue.SimpleQueue[Drain] = queue.SimpleQueue()
        for _ in range(threads):
            self._drains.put(Drain(program, store, self._now, TERM, programs))

    def equip(self, program: Program) -> None:
        """Go on with another program."""
        self._program, self._stepper = program, Stepper(program)

    def listens(self, kind: str) -> bool:
        """Whether a pop-up is decided when an event of this type happens."""
        return any(popup.on == kind for scope in self._program.scopes.values() for popup in scope.popups)

    def known(self, event: Event | None, decided: Mapping[str, Record]) -> Shown | None:
        """What the pop-ups of an event show, where all of it was decided when it was appended."""
        wanted = {} if event is None else self._wanted(event)
        if not wanted or not wanted.keys() <= decided.keys():
            return None
        return Shown(tuple(decided[number] for number in wanted), False)

    def ask(self, seq: int, threads: Executor) -> Future[Shown]:
        """What the pop-ups of the event at `seq` show; the event is in the log. Fails with StoreError."""
        answer: Future[Shown] = Future()
        threads.submit(self._answer, seq, answer)
        return answer

    def _answer(self, seq: int, answer: Future[Shown]) -> None:
        """Nobody waits until shards are given back that nothing was found in: that comes after the answer."""
        with ExitStack() as after, suppress(InvalidStateError), hurried():  # whoever asked may be gone
            try:
                shown = self._show(seq, after)
            except Exception as failure:
                answer.set_exception(failure)
            else:
                answer.set_result(shown)

    def _show(self, seq: int, after: ExitStack) -> Shown:
        event = self._store.event(seq)
        assert event is not None
        wanted = self._wanted(event)
        shards = {shard_of(scope, key) for scope, key, _ in wanted.values()}
        self._ring({shard_of(*where) for where in event.keys} - shards)
        until = time.monotonic() + PATIENCE
        found: dict[str, Record] = {}
        while True:
            found |= self._stepped(shards, wanted.keys(), until, after)
            missing = wanted.keys() - found.keys()
            if missing:
                found |= self._store.records(list(missing))  # somebody else may have stepped it
            if len(found) == len(wanted):
                return Shown(tuple(found[number] for number in wanted), False)
            if time.monotonic() > until:
                self._ring(shards)
                return Shown(tuple(self._stale(event, set(wanted))), True)
            time.sleep(PAUSE)

    def _wanted(self, event: Event) -> dict[str, tuple[str, str, str]]:
        """The records that this event will lead to: (scope, key, pop-up) by the id that a step gives them."""
        return {
            identity(scope, key, "popup", popup.name, event.source, event.id, 0): (scope, key, popup.name)
            for scope, key in event.keys
            if scope in self._program.scopes
            for popup in self._program.scopes[scope].popups
            if popup.on == event.type
        }

    def _stepped(
        self, shards: Collection[int], wanted: Collection[str], until: float, after: ExitStack
    ) -> dict[str, Record]:
        """Step what waits in shards, as far as nobody else does, until what is wanted is decided, or for so long; answers it."""
        token, now = secrets.token_hex(8), self._now()
        claimed = leases = self._store.lease(shards, self._owner, token, now, now + TERM, AT_ONCE)
        found: dict[str, Record] = {}
        if not leases:
            return found
        drain = self._drains.get()
        try:
            while leases and (done := drain.drain(leases, AT_ONCE)) is not None:
                leases = list(done.leases)
                found |= {record.id: record for record in done.records if record.id in wanted}
                self._ring(done.shards)
                if done.acts:
                    self._acts()
                if len(found) == len(wanted) or time.monotonic() > until:
                    break
        finally:
            self._drains.put(drain)
            after.callback(self._give_back, claimed, leases)
        return found

    def _give_back(self, claimed: Sequence[Lease], leases: Sequence[Lease]) -> None:
        """Let others step the shards; where they cannot be told, they find out by themselves."""
        with suppress(StoreError):
            if leases:
                self._store.release(leases)
            late = self._store.waiting([lease.shard for lease in claimed], AT_ONCE)
            if late:
                self._ring({shard_of(scope, key) for _, scope, key in late})

    def _stale(self, event: Event, wanted: set[str]) -> Iterator[Record]:
        """What a step of this event alone would show, on the partitions as they are committed. Nothing of it is kept."""
        with self._following:
            self._entities.follow(self._store)
            for one in self._store.published():
                self._entities.teach(one.entity, one.key, one.name, one.value)
            held = self._store.partitions(event.keys)
            for scope, key in event.keys:
                if scope not in self._program.scopes:
                    continue
                known = held.get((scope, key))
                loaded = Partition(scope, key)
                if known is not None:
                    loaded = Partition.load(scope, key, known.version, known.seq, known.sections)
                records = self._stepper.step(loaded, self._entities, event).records
                yield from (record for record in records if record.id in wanted)

    def _now(self) -> int:
        return round(self._clock() * 1_000_000)
