"""The one way through: append to the log, step every partition that the event reaches, then what was emitted, then time.

A session holds the state of the log's head in memory and collects what has to be written; `commit` writes all of it at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from engine.core.codec import digest, identity
from engine.core.event import Emission, Event, Record, Step
from engine.core.partition import Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.runtime.admission import Arrival, Refusal, keys_of, uniques_of
from engine.runtime.entities import Data, Entities
from engine.runtime.timeline import Timeline, Timer
from engine.store.batch import LINE_LIMIT, Batch, Logged, Reject, SavedPartition, StoredEntity
from engine.store.protocol import Store

SOURCE = "rulewright"
MAX_HOPS = 32
MAX_FIRINGS = 100
CACHED_PARTITIONS = 100_000


class StepCrashedError(Exception):
    """A step raised what no step may raise. Carries the delivery, so that it can be set aside."""

    def __init__(self, seq: int, scope: str, key: str, failure: Exception) -> None:
        super().__init__(f"step of {scope}/{key} at {seq}: {failure!r}")
        self.delivery = (seq, scope, key)


class Session:
    """The head of one log. Not safe to share between threads; the engine guards it with a lock."""

    def __init__(self, program: Program, store: Store) -> None:
        self.program = program
        self.store = store
        self.stepper = Stepper(program)
        self.entities = Entities()
        for stored in store.entities():
            self.entities.put(stored.entity, stored.key, stored.at, stored.seq, stored.data)
        for publication in store.published():
            self.entities.teach(publication.entity, publication.key, publication.name, publication.value)
        self.now = store.clock()
        self.seq = store.sequence()
        self._began = self.seq > 0 or store.durable
        self.timeline = Timeline(store.timers())
        self.batch = Batch()
        self.out: list[Record] = []
        self._partitions: dict[tuple[str, str], Partition] = {}
        self._dirty: dict[tuple[str, str], Partition] = {}
        self._seen: dict[tuple[str, str], bytes] = {}
        self._uniques: dict[tuple[str, str], str] = {}
        self._refused: set[str] = set()
        self._queue: deque[Event] = deque()
        self._fired: tuple[int, dict[Timer, int]] = (0, {})
        self._skip: set[tuple[int, str, str]] = set()
        self._references = {
            name: tuple((rule.name, rule.ref) for rule in declared.fields if rule.ref is not None)
            for name, declared in program.events.items()
        }
        self._watched = frozenset(name for name in program.scopes if self.stepper.watched(name))

    # --- what comes in ---------------------------------------------------------------------------

    def known(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Look up identities in the log ahead of their events, all at once."""
        if self.store.durable:
            self._seen.update(self.store.identities([pair for pair in pairs if pair not in self._seen]))

    def fetch(self, keys: Iterable[tuple[str, str]]) -> None:
        """Load partitions ahead of their deliveries, all at once."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._partitions]
        if not missing or not self.store.durable:
            return
        found = self.store.partitions(missing)
        for scope, key in missing:
            held = found.get((scope, key))
            self._partitions[scope, key] = (
                Partition(scope, key)
                if held is None
                else Partition.load(scope, key, held.version, held.seq, held.sections)
            )

    def take(self, arrival: Arrival, place: str | None = None) -> bool:
        """Process one event to quiescence. False: it was known already, and nothing happened."""
        event = arrival.event
        pair = (event.source, event.id)
        held = self._identity(pair)
        if held is not None:
            if held != arrival.digest:
                reason = "an event with this source and id, but with other content, is in the log already"
                self.refuse(Refusal("id_conflict", reason, arrival.line, event.id, event.source), place)
                return True
            return False
        refusal = self._timely(arrival) or self._refers(arrival)
        if refusal is not None:
            self.refuse(refusal, place)
            return True
        if self.now is None:
            self.start(event.at)
        self.run_timers(event.at, inclusive=False)
        assert self.now is not None
        self.now = max(self.now, event.at)
        if arrival.declared.unique:
            self._claim(arrival, place)
        self._append(event, arrival.digest)
        self._settle()
        return True

    def refuse(self, refusal: Refusal, place: str | None = None) -> None:
        """Record a reject. The same line refused again for the same reason leaves no second record."""
        number = identity("reject", refusal.code, refusal.source, refusal.event, digest(refusal.line.hex()).hex())
        if number in self._refused or self.store.refused(number):
            return
        self._refused.add(number)
        fields: dict[str, Any] = {"code": refusal.code, "reason": refusal.reason}
        if place is not None:
            fields["place"] = place
        at = self.now if self.now is not None else refusal.at
        record = Record("reject", number, at, refusal.event, None, None, None, fields)  # type: ignore[arg-type]
        self.out.append(record)
        self.batch.rejects.append(
            Reject(
                id=number,
                at=at,
                source=refusal.source,
                event=refusal.event,
                code=refusal.code,
                reason=refusal.reason,
                line=refusal.line[:LINE_LIMIT],
            )
        )

    def put(self, entity: str, key: str, at: int, data: Data) -> bool:
        """Log a version of an entity. False when just this version was put before."""
        content = digest([entity, key, at, {name: str(value) for name, value in data.items()}])
        event = Event(
            id=identity("put", entity, key, at, content.hex()),
            source=SOURCE,
            type="entity.put",
            at=at,
            data={"entity": entity, "id": key},
        )
        if self._identity((SOURCE, event.id)) is not None:
            return False
        if self.now is not None and entity in self._watched:
            if at <= self.now:
                event.keys = ((entity, key),)
            else:
                self._expect(entity, key, at)
        self._append(event, content, put=(entity, key, at, data))
        self._settle()
        return True

    def start(self, at: int) -> None:
        """Virtual time begins. Keys that are known by now are told, so that their windows begin with it."""
        self.now = at
        self.batch.clock = at
        for entity in sorted(self._watched):
            for key in self.entities.keys(entity):
                for later in self.entities.after(entity, key, at):
                    self._expect(entity, key, later)
                known = self.entities.first(entity, key)
                if known > at:
                    continue
                event = Event(
                    id=identity("known", entity, key),
                    source=SOURCE,
                    type="entity.put",
                    at=known,
                    data={"entity": entity, "id": key},
                    keys=((entity, key),),
                )
                self._append(event, b"\0" * 16)
        self._settle()

    def _expect(self, entity: str, key: str, at: int) -> None:
        """A version that holds from a later instant on: its key looks at it then, and time is not moved for it."""
        timer = (entity, key, f"entity/{at}")
        self.timeline.set(timer, at)
        self.batch.timers[timer] = at

    def run_timers(self, until: int, *, inclusive: bool) -> None:
        """Fire what is due before `until` (or at it), in order; what follows from each before the next."""
        while (fired := self.timeline.pop(until, inclusive=inclusive)) is not None:
            due, timer = fired
            scope, key, name = timer
            self.now = due if self.now is None else max(self.now, due)
            self.batch.timers[timer] = None
            ordinal = self._firing(due, timer)
            if ordinal >= MAX_FIRINGS:
                self._endless(due, timer)
                continue
            event = Event(
                id=identity(scope, key, "timer", name, due, ordinal),
                source=SOURCE,
                type="timer.fired",
                at=due,
                data={"name": name},
                keys=((scope, key),),
            )
            self._append(event, b"\0" * 16)
            self._settle()

    def _firing(self, due: int, timer: Timer) -> int:
        """How often this deadline has fired at this very instant already."""
        if self._fired[0] != due:
            self._fired = (due, {})
        count = self._fired[1].get(timer, 0)
        self._fired[1][timer] = count + 1
        return count

    def _endless(self, due: int, timer: Timer) -> None:
        scope, key, name = timer
        reason = f"the deadline {name} sets itself again at the same instant, {MAX_FIRINGS} times"
        fields: dict[str, Any] = {"code": "endless_timer", "reason": reason, "place": None, "values": {}}
        number = identity("error", scope, key, name, due)
        self._record(self.seq, Record("error", number, due, None, scope, key, name.split("/")[1], fields))

    def advance(self, until: int) -> None:
        """Let time pass: fire everything due up to and at `until`; the clock stands there afterwards."""
        if self.now is None:
            self.start(until)
        self.run_timers(until, inclusive=True)
        assert self.now is not None
        self.now = max(self.now, until)
        self.batch.clock = self.now

    # --- what follows ----------------------------------------------------------------------------

    def _identity(self, pair: tuple[str, str]) -> bytes | None:
        held = self._seen.get(pair)
        if held is None and self._began and (pair[0] == SOURCE or not self.store.durable):
            return self.store.identities([pair]).get(pair)
        return held

    def _timely(self, arrival: Arrival) -> Refusal | None:
        event, now = arrival.event, self.now
        if now is None or event.at >= now - arrival.declared.lateness:
            return None
        reason = (
            f"it lies {(now - event.at) // 1_000_000} s back; {arrival.declared.lateness // 1_000_000} s are allowed"
        )
        return Refusal("late", reason, arrival.line, event.id, event.source)

    def _refers(self, arrival: Arrival) -> Refusal | None:
        event = arrival.event
        for name, entity in self._references[event.type]:
            value = event.data.get(name)
            if value is not None and self.entities.get(entity, value, event.at) is None:
                reason = f"data.{name}: there is no {entity} `{value}`"
                return Refusal("unknown_reference", reason, arrival.line, event.id, event.source)
        return None

    def _claim(self, arrival: Arrival, place: str | None) -> None:
        """Take what must be unique; an event that comes second is refused by workflows, and counts for the rest."""
        event = arrival.event
        for code, value in uniques_of(event, arrival.declared):
            pair = (code, value)
            owner = self._uniques.get(pair) or self.store.uniques([pair]).get(pair)
            if owner is not None and event.refusal is None:
                event.refusal = (code, f"`{value}` was seen before, in event {owner}")
            elif owner is None:
                self._uniques[pair] = event.id
                self.batch.uniques.append((code, value, event.id))
        if event.refusal is not None:
            code, reason = event.refusal
            number = identity("reject", code, event.source, event.id)
            fields: dict[str, Any] = {"code": code, "reason": reason}
            if place is not None:
                fields["place"] = place
            assert self.now is not None
            self._record(self.seq + 1, Record("reject", number, self.now, event.id, None, None, None, fields))

    def _append(self, event: Event, mark: bytes, put: tuple[str, str, int, Data] | None = None) -> None:
        self.seq += 1
        event.seq = self.seq
        event.now = self.now if self.now is not None else event.at
        self._seen[event.source, event.id] = mark
        self.batch.logged.append(Logged(event, mark))
        if put is not None:
            entity, key, at, data = put
            self.entities.put(entity, key, at, self.seq, data)
            self.batch.entities.append(StoredEntity(entity, key, at, self.seq, data))
        if self.now is not None:
            self.batch.clock = self.now
        self._queue.append(event)

    def _settle(self) -> None:
        """Step what is queued, and what that emits, until all is quiet."""
        concerns = self.stepper.concerns
        while self._queue:
            event = self._queue.popleft()
            rejected = event.refusal is not None
            for scope, key in event.keys:
                if not concerns(scope, event.type):
                    continue
                if self._skip and (event.seq, scope, key) in self._skip:
                    self._give_up(event, scope, key)
                    continue
                rejected = self._deliver(event, scope, key, rejected=rejected)

    def _deliver(self, event: Event, scope: str, key: str, *, rejected: bool) -> bool:
        partition = self.partition(scope, key)
        try:
            step = self.stepper.step(partition, self.entities, event)
        except Exception as failure:
            raise StepCrashedError(event.seq, scope, key, failure) from failure
        partition.seq = event.seq
        self._dirty[scope, key] = partition
        return self._apply(event, scope, key, step, rejected=rejected)

    def _apply(self, event: Event, scope: str, key: str, step: Step, *, rejected: bool) -> bool:
        for record in step.records:
            if record.kind == "reject":
                if rejected:
                    continue
                rejected = True
            self._record(event.seq, record)
        for name, due in step.timers.items():
            self.timeline.set((scope, key, name), due)
            self.batch.timers[scope, key, name] = due
        if step.actions:
            self.batch.actions += step.actions
        for publication in step.published:
            self.entities.teach(publication.entity, publication.key, publication.name, publication.value)
            self.batch.published.append(publication)
        for emission in step.emitted:
            self._emit(event, scope, key, emission)
        return rejected

    def _emit(self, cause: Event, scope: str, key: str, emission: Emission) -> None:
        if cause.hop >= MAX_HOPS:
            number = identity(scope, key, "error", emission.name, emission.id)
            reason = f"more than {MAX_HOPS} emissions in a row: do two rules call each other?"
            fields: dict[str, Any] = {"code": "hop_limit", "reason": reason, "place": None, "values": {}}
            self._record(cause.seq, Record("error", number, cause.now, cause.id, scope, key, emission.name, fields))
            return
        event = Event(
            id=emission.id,
            source=SOURCE,
            type=emission.type,
            at=emission.time,
            data=emission.data,
            hop=cause.hop + 1,
            cause=cause.id,
        )
        event.keys = keys_of(event, self.program.events[emission.type])
        self._append(event, b"\0" * 16)

    def _record(self, seq: int, record: Record) -> None:
        record.revision = self.program.revision
        self.out.append(record)
        self.batch.records.append((seq, record))

    def _give_up(self, event: Event, scope: str, key: str) -> None:
        reason = "the step of this delivery crashed again and again; its partition goes on without it"
        number = identity("reject", "step_crashed", event.id, scope, key)
        fields: dict[str, Any] = {"code": "step_crashed", "reason": reason}
        self._record(event.seq, Record("reject", number, event.now, event.id, scope, key, None, fields))
        self.batch.crashed.append((event.seq, scope, key))

    # --- state -----------------------------------------------------------------------------------

    def partition(self, scope: str, key: str) -> Partition:
        """The live state of a key; loaded from the store when it is not held."""
        held = self._partitions.get((scope, key))
        if held is None:
            self.fetch([(scope, key)])
            held = self._partitions.get((scope, key))
            if held is None:
                held = self._partitions[scope, key] = Partition(scope, key)
        return held

    def partitions(self) -> Iterable[Partition]:
        """The partitions that are held; in memory these are all."""
        return self._partitions.values()

    def skip(self, delivery: tuple[int, str, str]) -> None:
        """Give a delivery up when its turn comes again."""
        self._skip.add(delivery)

    def taken(self) -> list[Record]:
        """The records since the last call."""
        out, self.out = self.out, []
        return out

    def commit(self) -> None:
        """Write everything that happened since the last commit, in one transaction."""
        batch = self.batch
        durable = self.store.durable
        for (scope, key), partition in self._dirty.items():
            sections = partition.save() if durable else {}
            batch.partitions.append(SavedPartition(scope, key, partition.version, partition.seq, sections))
        self.store.commit(batch)
        for partition in self._dirty.values():
            partition.version += 1
            partition.changed.clear()
        self._dirty.clear()
        self._uniques.clear()
        self._refused.clear()
        self.batch = Batch()
        if durable:
            self._seen.clear()
            if len(self._partitions) > CACHED_PARTITIONS:
                self._partitions.clear()
