"""Steps what waits: the deliveries of some shards, in the order of the log, under claims to those shards.

State, deadlines, decisions, actions and emitted events of a batch of deliveries commit together with their leaving the queue. Several
workers do this at once, each in shards of its own; only what is emitted is appended under the log's lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from engine.core.event import Emission, Event, Record, Step
from engine.core.partition import Partition
from engine.core.program import Program
from engine.errors import StoreError
from engine.runtime.crash import StepCrashedError, condemned
from engine.runtime.firing import is_firing
from engine.runtime.head import Head, OvertakenError
from engine.runtime.lineage import Lineage, Programs
from engine.runtime.loading import loaded
from engine.runtime.shard import shard_of
from engine.runtime.timeline import Timer
from engine.runtime.trial import deadly
from engine.runtime.visible import Visible
from engine.store.batch import Batch, Delivery, Key, Lease, SavedPartition
from engine.store.protocol import Shared

BATCH = 500
"""Deliveries that are stepped in one transaction, at most."""

UNKEPT = "store_text"
"""The code of what a step made and the store cannot keep, ever: a text with U+0000 on PostgreSQL."""

CACHED = 20_000
"""Partitions that are held, at most."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of a batch: how many deliveries left the queue, in which shards others wait now, whether actions were queued.

    `leases` are the claims that are still held, because more waits there; the others were given back. `records` are what was decided.
    """

    count: int
    shards: frozenset[int]
    acts: bool
    leases: tuple[Lease, ...]
    records: tuple[Record, ...]


class Drain(Head):
    """Steps deliveries of a shared store. Not safe to share between threads. `clock` gives microseconds of the wall clock.

    Each delivery is stepped by the program that was active at its event; what is emitted is taken over by the one that is active now.
    """

    def __init__(
        self, program: Program, store: Shared, clock: Callable[[], int], lease: int, programs: Programs | None = None
    ) -> None:
        self._visible = Visible()
        super().__init__(program, store, self._visible)
        self._lineage = Lineage(store, program, programs)
        self.shared = store
        self._clock = clock
        self._term = lease
        self._holding = ""
        self._partitions: dict[Key, Partition] = {}
        self._dirty: dict[Key, Partition] = {}
        self._emitted: list[tuple[Event, str, str, Emission]] = []
        self._timers: Mapping[Timer, int] = {}
        self._condemned = condemned(store)

    def drain(self, leases: Sequence[Lease], limit: int = BATCH) -> Drained | None:
        """Step the next deliveries of shards that were claimed together; None: nothing waits.

        Where there are more than `limit` the shards that were not come to are given back, so that somebody else may take them.
        Raises StoreError `shard_lost` when somebody else has it by now. A step that crashes is counted, and after three times given up.
        """
        while True:
            try:
                return self._drained(leases, limit)
            except OvertakenError:
                self._forget()
            except StepCrashedError as crash:
                self._forget()
                self.shared.park(crash.delivery, crash.event, str(crash))
                self._condemned = condemned(self.shared)
            except StoreError as failure:
                self._forget()
                if failure.code != UNKEPT:
                    raise
                if limit > 1:
                    limit = 1
                else:
                    self._blame(leases, failure)
            except BaseException:
                self._forget()
                raise

    def _blame(self, leases: Sequence[Lease], failure: StoreError) -> None:
        """The next delivery leads to what the store cannot keep: count it, as one that crashes."""
        [delivery] = self.shared.waiting(_shards(leases), 1)
        event = self.shared.events_at([delivery[0]])[delivery[0]]
        self.shared.park(delivery, event.id, str(failure))
        self._condemned = condemned(self.shared)

    def _drained(self, leases: Sequence[Lease], limit: int) -> Drained | None:
        if leases[0].token != self._holding:  # somebody else may have stepped them meanwhile
            self._partitions.clear()
            self._holding = leases[0].token
        waiting = self.shared.waiting(_shards(leases), limit)
        if not waiting:
            return None
        standing = self.shared.standing()
        self._follow(standing.activated)
        events = self.shared.events_at([seq for seq, _, _ in waiting])
        self._visible.follow(self.shared, standing.put)
        self._look(waiting, events)
        suspected = {lease.shard for lease in leases if lease.suspects}
        if suspected:
            self._try([one for one in waiting if shard_of(*one[1:]) in suspected], events)
        for seq, scope, key in waiting:
            self._deliver(events[seq], scope, key)
        self.batch.drained = waiting
        return self._commit(leases, full=len(waiting) == limit)

    def _follow(self, activated: int) -> None:
        """Take over what was activated before the deliveries that were just read."""
        lineage = self._lineage
        if activated != lineage.reached and lineage.follow():
            newest = lineage.newest
            self._equip(newest.program, newest.begun)

    def _try(self, waiting: list[Delivery], events: Mapping[int, Event]) -> None:
        """A worker was lost, maybe at one of these: step them in a child process first. At what that is lost is counted, and in the end
        given up; who was lost for another reason, however often, has nothing counted against it.
        """

        def work(tell: Callable[[int], None]) -> None:
            for place, (seq, scope, key) in enumerate(waiting):
                tell(place)
                with suppress(Exception):  # what is raised, is raised again where it can be seen to
                    self._deliver(events[seq], scope, key)

        for seq, _, _ in waiting:
            self._lineage.stepper(seq)  # made here: a child must not speak with the database

        self._condemned = condemned(self.shared)
        while (place := deadly(work)) is not None:
            delivery = waiting[place]
            self.shared.park(delivery, events[delivery[0]].id, "a process was lost while it stepped this")
            self._condemned = condemned(self.shared)
        self.batch.survived = [one for one in waiting if one not in self._condemned]

    def _look(self, waiting: list[Delivery], events: Mapping[int, Event]) -> None:
        """Have at hand what the steps will read, as it is by now."""
        if any(self._lineage.stepper(seq).asks(events[seq].type) for seq, _, _ in waiting):
            for one in self.shared.published():
                self.entities.teach(one.entity, one.key, one.name, one.value)
        fired = [(scope, key, str(events[seq].data["name"])) for seq, scope, key in waiting if is_firing(events[seq])]
        self._timers = self.shared.set_timers(fired) if fired else {}
        self._fetch([(scope, key) for _, scope, key in waiting])

    def _fetch(self, wanted: list[Key]) -> None:
        if len(self._partitions) > CACHED:
            self._partitions.clear()
        missing = [where for where in dict.fromkeys(wanted) if where not in self._partitions]
        self._partitions.update(loaded(self.shared, missing))

    def _deliver(self, event: Event, scope: str, key: str) -> None:
        if self._condemned.get((event.seq, scope, key)) == event.id:
            self._give_up(event, scope, key)
            return
        if is_firing(event) and not self._stands(event, (scope, key, str(event.data["name"]))):
            return
        partition = self._partitions[scope, key]
        self._visible.reached = event.seq
        stepper = self._lineage.stepper(event.seq)
        self._revision = stepper.program.revision
        try:
            step = stepper.step(partition, self.entities, event)
        except Exception as failure:
            raise StepCrashedError(event, scope, key, failure) from failure
        partition.seq = event.seq
        self._dirty[scope, key] = partition
        self._apply(event, scope, key, step)

    def _stands(self, event: Event, timer: Timer) -> bool:
        """Whether a deadline that has fired is still set: what was stepped since may have moved or cancelled it."""
        due = self.batch.timers[timer] if timer in self.batch.timers else self._timers.get(timer)
        if due != event.at:
            return False
        self.batch.timers[timer] = None
        return True

    def _apply(self, event: Event, scope: str, key: str, step: Step) -> None:
        for record in step.records:
            if record.kind != "reject" or event.refusal is None:
                self._record(event.seq, record)
        for name, due in step.timers.items():
            self.batch.timers[scope, key, name] = due
        self.batch.actions += step.actions
        self.batch.published += step.published
        self._emitted += [(event, scope, key, emission) for emission in step.emitted]

    def _commit(self, leases: Sequence[Lease], *, full: bool) -> Drained:
        for (scope, key), partition in self._dirty.items():
            saved = SavedPartition(scope, key, partition.version, partition.seq, partition.save())
            self.batch.partitions.append(saved)
        if self._emitted:
            self.shared.append(lambda: self._closed(leases, full))
        else:
            self._keep(leases, full)
            self.shared.commit(self.batch)
        for partition in self._dirty.values():
            partition.version += 1
            partition.changed.clear()
        batch = self.batch
        shards = {queued[0] for queued in batch.queued}
        if full:
            shards.update(_shards(batch.returned))
        kept, records = tuple(batch.leases), tuple(self.out)
        done = Drained(len(batch.drained), frozenset(shards), bool(batch.actions), kept, records)
        self.batch, self.out, self._emitted = Batch(), [], []
        self._dirty.clear()
        self._seen.clear()
        return done

    def _closed(self, leases: Sequence[Lease], full: bool) -> Batch:
        """The batch with what was emitted, appended where the log is by now."""
        standing = self.shared.standing()
        if standing.activated != self._lineage.reached:
            raise OvertakenError
        self.seq, self.now = standing.seq, standing.clock
        for cause, scope, key, emission in self._emitted:
            self._emit(cause, scope, key, emission)
        self._settle()
        self._keep(leases, full)
        return self.batch

    def _keep(self, leases: Sequence[Lease], full: bool) -> None:
        """Keep the claims to shards in which more waits, as far as it is known here; the others are given back with what was done."""
        stepped = Counter(shard_of(scope, key) for _, scope, key in self.batch.drained)
        more = {queued[0] for queued in self.batch.queued} | (stepped.keys() if full else set())
        until = self._clock() + self._term
        self.batch.leases, self.batch.returned = [], []
        for lease in leases:
            left = max(lease.suspects - stepped[lease.shard], 0)
            kept = self.batch.leases if lease.shard in more else self.batch.returned
            kept.append(Lease(lease.shard, lease.token, until, left))

    def _settle(self) -> None:
        while self._queue:
            event = self._queue.popleft()
            scopes = self._routes[event.type].scopes
            self.batch.queued += [(shard_of(*where), *where, event.seq) for where in event.keys if where[0] in scopes]

    def _forget(self) -> None:
        """Hold nothing: what was stepped is not committed."""
        self.batch, self.out, self._emitted = Batch(), [], []
        self._partitions.clear()
        self._dirty.clear()
        self._queue.clear()
        self._seen.clear()


def _shards(leases: Collection[Lease]) -> list[int]:
    return [lease.shard for lease in leases]
