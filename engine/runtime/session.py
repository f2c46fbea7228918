"""The one way through: append to the log, step every partition that the event reaches, then what was emitted, then time.

A session holds the state of the log's head in memory and collects what has to be written; `commit` writes all of it at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from engine.core.event import Event, Step
from engine.core.partition import Partition
from engine.core.program import Program
from engine.runtime.crash import StepCrashedError, condemned, reaching, refolded
from engine.runtime.entities import Entities
from engine.runtime.head import Head
from engine.runtime.lineage import Lineage
from engine.runtime.loading import loaded
from engine.runtime.past import Past, given_up
from engine.runtime.pins import Living, kept_sections, living
from engine.runtime.timeline import Timeline
from engine.store.batch import Batch, SavedPartition
from engine.store.protocol import Store

CACHED_PARTITIONS = 100_000
REMEMBERED = 50_000
"""Identities that are remembered, at most, while commits are on their way."""


class Session(Head):
    """The head of one log, and the state of its partitions. Not safe to share between threads; the engine guards it with a lock."""

    def __init__(self, program: Program, store: Store) -> None:
        super().__init__(program, store, _known(store))
        self.timeline = Timeline(store.timers())
        self._partitions: dict[tuple[str, str], Partition] = {}
        self._dirty: dict[tuple[str, str], Partition] = {}
        self._condemned = condemned(store)

    def prefetch(self, events: Iterable[Event]) -> None:
        """Load the partitions that events will be stepped in, all at once."""
        routes, held = self._routes, self._partitions
        self._fetch(
            [
                where
                for event in events
                for where in event.keys
                if where not in held and where[0] in routes[event.type].scopes
            ]
        )

    def _introduce(self, entities: Iterable[str], at: int, *since: str) -> None:
        super()._introduce(entities, at, *since)
        self.prefetch(self._queue)

    def _fetch(self, keys: Iterable[tuple[str, str]]) -> None:
        if self.store.durable:
            self._partitions.update(loaded(self.store, dict.fromkeys(keys)))

    def _settle(self) -> None:
        """Step what is queued, and what that emits, until all is quiet."""
        queue = self._queue
        while queue:
            event = queue.popleft()
            scopes = self._routes[event.type].scopes
            rejected = event.refusal is not None
            for where in event.keys:
                if where[0] in scopes:
                    rejected = self._deliver(event, where, rejected)

    def _deliver(self, event: Event, where: tuple[str, str], rejected: bool) -> bool:
        scope, key = where
        if self._condemned and self._condemned.get((event.seq, scope, key)) == event.id:
            self._give_up(event, scope, key)
            return rejected
        partition = self._partitions.get(where) or self.partition(scope, key)
        try:
            step = self.stepper.step(partition, self.entities, event)
        except Exception as failure:
            crash = StepCrashedError(event, scope, key, failure)
            if self.store.durable:
                raise crash from failure
            self._lose(event, where, crash)
            return rejected
        partition.seq = event.seq
        self._dirty[where] = partition
        return self._apply(event, scope, key, step, rejected)

    def _lose(self, event: Event, where: tuple[str, str], crash: StepCrashedError) -> None:
        """In memory: make the partition again as it was before the crash, and go on without the delivery."""
        scope, key = where
        self.store.park(crash.delivery, crash.event, str(crash))
        past = Past(chain(self.store.entities(), self.batch.entities))
        seen = chain(self.store.events(scope=scope, key=key), reaching(self.batch.logged, where, event.seq))
        lineage = Lineage(self.store, self.program)
        partition = refolded(lineage, past, seen, where, given_up(self.store) | frozenset(self.batch.crashed))
        held = self._partitions.get(where)
        partition.version = held.version if held is not None else 0
        self._partitions[where] = self._dirty[where] = partition
        self._give_up(event, scope, key)

    def _apply(self, event: Event, scope: str, key: str, step: Step, rejected: bool) -> bool:
        for record in step.records:
            if record.kind == "reject":
                if rejected:
                    continue
                rejected = True
            self._record(event.seq, record)
        if step.timers:
            for name, due in step.timers.items():
                self.timeline.set((scope, key, name), due)
                self.batch.timers[scope, key, name] = due
        if step.actions:
            self.batch.actions += step.actions
        if step.published:
            for publication in step.published:
                self.entities.teach(publication.entity, publication.key, publication.name, publication.value)
                self.batch.published.append(publication)
        if step.emitted:
            for emission in step.emitted:
                self._emit(event, scope, key, emission)
        return rejected

    # --- state -----------------------------------------------------------------------------------

    def partition(self, scope: str, key: str) -> Partition:
        """The live state of a key; loaded from the store when it is not held."""
        held = self._partitions.get((scope, key))
        if held is None:
            self._fetch([(scope, key)])
            held = self._partitions.get((scope, key))
            if held is None:
                held = self._partitions[scope, key] = Partition(scope, key)
        return held

    def shown(self, scope: str, key: str) -> Partition:
        """The state of a key as the program sees it, for reading only."""
        return self.stepper.shown(self.partition(scope, key), self.now or 0)

    def living(self) -> Living:
        """How many instances run on which machines."""
        durable = self.store.durable
        return living(kept_sections(self.store) if durable else (one.workflows for one in self._partitions.values()))

    def partitions(self) -> Iterable[Partition]:
        """The partitions that are held; in memory these are all."""
        return self._partitions.values()

    def commit(self, *, ahead: bool = False) -> None:
        """Write everything that happened since the last commit, in one transaction; with `ahead` it is durable later.

        What is on its way cannot be looked up yet, so that identities are remembered for longer then.
        """
        batch = self.batch
        durable = self.store.durable
        for (scope, key), partition in self._dirty.items():
            sections = partition.save() if durable else {}
            batch.partitions.append(SavedPartition(scope, key, partition.version, partition.seq, sections))
        self.store.commit(batch, ahead=ahead)
        for partition in self._dirty.values():
            partition.version += 1
            partition.changed.clear()
        self._dirty.clear()
        self.batch = Batch()
        if ahead and len(self._seen) < REMEMBERED:
            return
        self.store.settle()
        self._uniques.clear()
        self._refused.clear()
        if durable:
            self._seen.clear()
            if len(self._partitions) > CACHED_PARTITIONS:
                self._partitions.clear()


def _known(store: Store) -> Entities:
    found = Entities()
    for stored in store.entities():
        found.put(stored.entity, stored.key, stored.at, stored.seq, stored.data)
    for publication in store.published():
        found.teach(publication.entity, publication.key, publication.name, publication.value)
    return found
