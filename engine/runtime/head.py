"""The head of a log: what comes in is refused, or appended with its time and its keys, and time passes.

What follows from an appended event is not decided here: `_settle` is, by who steps it at once and by who leaves it to others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from engine.core.codec import digest, identity
from engine.core.event import Emission, Event, Record
from engine.core.program import Program
from engine.core.step import Stepper
from engine.runtime.admission import Arrival, Refusal, keys_of, uniques_of
from engine.runtime.entities import Data, Entities
from engine.runtime.firing import MAX_FIRINGS, Firings
from engine.runtime.route import Route, Routes
from engine.runtime.timeline import Timeline, Timer
from engine.store.batch import LINE_LIMIT, Activation, Batch, Logged, Reject, StoredEntity
from engine.store.protocol import Store

SOURCE = "rulewright"
MAX_HOPS = 32

_OWN_MARK = b"\0" * 16
"""Stands for the digest of the engine's own events: their ids say what they say."""


class OvertakenError(Exception):
    """Somebody else has activated another revision: the work is to be done again by its program."""


class Head(ABC):
    """Where a log goes on. `batch` collects what has to be written, `out` the records that were made. Not safe to share between threads."""

    def __init__(self, program: Program, store: Store, entities: Entities) -> None:
        self.store = store
        active = store.last_activation()
        self._equip(program, active.begun if active is not None and active.revision == program.revision else None)
        self.entities = entities
        self.seq, self.now = store.head()
        self.timeline = Timeline()
        self.batch = Batch()
        self.out: list[Record] = []
        self._began = self.seq > 0 or store.durable
        self._seen: dict[tuple[str, str], bytes] = {}
        self._uniques: dict[tuple[str, str], str] = {}
        self._refused: set[str] = set()
        self._queue: deque[Event] = deque()
        self._firings = Firings(self.now, lambda number: self._identity((SOURCE, number)) is not None)

    def _equip(self, program: Program, begun: Mapping[str, int] | None) -> None:
        """Let `program` decide; `begun` says since when its metrics have been counted as they are, where that is not always."""
        self.program = program
        self._revision = program.revision
        self.stepper = Stepper(program, begun)
        self._routes = Routes(program, self.stepper)
        watched = {name: self.stepper.watched(name) for name in program.scopes}
        self._watched = {name: parts for name, parts in watched.items() if parts}
        self._absences = self.stepper.absences

    def switch(self, program: Program, activation: Activation, event: Event) -> None:
        """Append that a revision is activated: what comes after it in the log is decided by its program, and is seen to here.

        Where it looks at entities for more than the program before did, their keys are told, as at the beginning of time.
        """
        watched, absences = self._watched, self._absences
        self._log(event, _OWN_MARK)
        self.batch.activated.append(msgspec.structs.replace(activation, seq=self.seq))
        self._equip(program, activation.begun)
        if self.now is not None:
            more = {name for name, parts in self._watched.items() if not parts <= watched.get(name, frozenset())}
            self._introduce(sorted(more | (self._absences.keys() - absences.keys())), self.now, event.id)
            self._settle()

    # --- what comes in ---------------------------------------------------------------------------

    def known(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Look up identities in the log ahead of their events, all at once."""
        if self.store.durable:
            self._seen.update(self.store.identities([pair for pair in pairs if pair not in self._seen]))

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
        at, route, now = event.at, self._routes[event.type], self.now
        refusal = self._untimely(arrival, now, route.lateness) if now is not None and at < now else None
        if refusal is None and (route.references or route.listed):
            refusal = self._unknown(arrival, route)
        if refusal is not None:
            self.refuse(refusal, place)
            return True
        if now is None:
            self.start(at)
        if self.timeline.may_be_due(at):
            self.run_timers(at, inclusive=False)
        if self.now is None or at > self.now:
            self.now = at
        if route.unique:
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
        record = Record("reject", number, at, refusal.event, None, None, None, fields, self._revision)  # type: ignore[arg-type]
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
                place=place,
            )
        )

    def put(self, entity: str, key: str, at: int, data: Data) -> bool:
        """Log a version of an entity. False when it is the one that holds from that instant on already."""
        held = self.entities.version(entity, key, at)
        if held == data:
            return False
        content = digest([entity, key, at, {name: str(value) for name, value in data.items()}])
        ordinal = self.entities.count(entity, key, at)
        event = Event(
            id=identity("put", entity, key, at, content.hex(), *([ordinal] if ordinal else [])),
            source=SOURCE,
            type="entity.put",
            at=at,
            data={"entity": entity, "id": key},
        )
        if self.now is not None:
            concerned = self._concerned(entity, key, at, data)
            if at <= self.now:
                event.keys = tuple(concerned)
            else:
                for where, name in concerned.items():
                    self._expect(where, name, at)
        self._append(event, content, put=(entity, key, at, data))
        self._settle()
        return True

    def tell(self, event: Event) -> None:
        """Append an event of the engine's own, unless it is in the log already, and step what follows from it."""
        if self._identity((event.source, event.id)) is None:
            self._append(event, _OWN_MARK)
            self._settle()

    def start(self, at: int) -> None:
        """Virtual time begins. Keys that are known by now are told, so that their windows begin with it."""
        self.now = at
        self.batch.clock = at
        self._introduce(sorted(self._watched.keys() | self._absences.keys()), at)
        self._settle()

    def remind(self) -> None:
        """Set the deadlines of entity versions that hold from later on, as they were set when these were put."""
        if self.now is None:
            return
        for entity in sorted(self._watched.keys() | self._absences.keys()):
            for key in self.entities.keys(entity):
                for later in self.entities.after(entity, key, self.now):
                    for where, name in self._concerned(entity, key, later).items():
                        self._expect(where, name, later)

    def _introduce(self, entities: Iterable[str], at: int, *since: str) -> None:
        """Tell keys that their entities are known; `since` are further parts of the ids, where that is not said for the first time."""
        for entity in entities:
            for key in self.entities.keys(entity):
                for later in self.entities.after(entity, key, at):
                    for where, name in self._concerned(entity, key, later).items():
                        self._expect(where, name, later)
                known = self.entities.first(entity, key)
                if known > at:
                    continue
                event = Event(
                    id=identity("known", entity, key, *since),
                    source=SOURCE,
                    type="entity.put",
                    at=known,
                    data={"entity": entity, "id": key},
                    keys=tuple(self._concerned(entity, key, at)),
                )
                self._append(event, _OWN_MARK)

    def _concerned(self, entity: str, key: str, at: int, data: Data | None = None) -> dict[tuple[str, str], str]:
        """The partitions that the version of an entity from `at` on concerns, or new `data`: its own key's, and of an absence those of
        whom it says, or said, is absent. To each the name of what is to be looked at there.
        """
        found = {(entity, key): ""} if entity in self._watched else {}
        if entity in self._absences:
            versions = (data, self.entities.get(entity, key, at), self.entities.get(entity, key, at - 1))
            for scope, field in self._absences[entity].items():
                found |= {(scope, str(one[field])): f"/{entity}/{key}" for one in versions if one is not None}
        return found

    def _expect(self, where: tuple[str, str], name: str, at: int) -> None:
        """A version that holds from a later instant on: its key looks at it then, and time is not moved for it."""
        timer = (*where, f"entity/{at}{name}")
        self.timeline.set(timer, at)
        self.batch.timers[timer] = at

    def run_timers(self, until: int, *, inclusive: bool) -> None:
        """Fire what is due before `until` (or at it), in order; what follows from each before the next."""
        while (fired := self.timeline.pop(until, inclusive=inclusive)) is not None:
            due, timer = fired
            self.now = self.batch.clock = due if self.now is None else max(self.now, due)
            event = self._firings.event(due, timer)
            if event is None:
                self.batch.timers[timer] = None
                self._endless(due, timer)
                continue
            self._fired(timer, due)
            self._append(event, _OWN_MARK)
            self._settle()

    def _fired(self, timer: Timer, due: int) -> None:  # noqa: ARG002 - where others step, it matters when it was due
        """A deadline has come; it is set no more."""
        self.batch.timers[timer] = None

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

    # --- what is appended ------------------------------------------------------------------------

    @abstractmethod
    def _settle(self) -> None:
        """See to what was appended."""

    def _identity(self, pair: tuple[str, str]) -> bytes | None:
        held = self._seen.get(pair)
        if held is None and self._began and (pair[0] == SOURCE or not self.store.durable):
            return self.store.identities([pair]).get(pair)
        return held

    def _untimely(self, arrival: Arrival, now: int, lateness: int) -> Refusal | None:
        event = arrival.event
        if event.at >= now - lateness:
            return None
        reason = f"it lies {(now - event.at) // 1_000_000} s back; {lateness // 1_000_000} s are allowed"
        return Refusal("late", reason, arrival.line, event.id, event.source)

    def _unknown(self, arrival: Arrival, route: Route) -> Refusal | None:
        event = arrival.event
        missing = self.entities.missing(route.references, event.data, event.at)
        if missing is None and route.listed:
            missing = self.entities.missing_item(route.listed, event.data, event.at)
        if missing is None:
            return None
        name, entity, value = missing
        reason = f"data.{name}: there is no {entity} `{value}`"
        return Refusal("unknown_reference", reason, arrival.line, event.id, event.source)

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
        self._log(event, mark)
        if put is not None:
            entity, key, at, data = put
            self.entities.put(entity, key, at, event.seq, data)
            self.batch.entities.append(StoredEntity(entity, key, at, event.seq, data))
        self._queue.append(event)

    def _log(self, event: Event, mark: bytes) -> None:
        """Append an event that reaches no partition, or will be queued next."""
        self.seq = seq = self.seq + 1
        event.seq = seq
        now = self.now
        if now is None:
            event.now = event.at
        else:
            event.now = self.batch.clock = now
        self._seen[event.source, event.id] = mark
        self.batch.logged.append(Logged(event, mark))

    def _emit(self, cause: Event, scope: str, key: str, emission: Emission) -> None:
        if cause.hop >= MAX_HOPS:
            number = identity(scope, key, "error", emission.name, emission.id)
            reason = f"more than {MAX_HOPS} emissions in a row: do two rules call each other?"
            fields: dict[str, Any] = {"code": "hop_limit", "reason": reason, "place": None, "values": {}}
            self._record(cause.seq, Record("error", number, cause.now, cause.id, scope, key, emission.name, fields))
            return
        declared = self.program.events.get(emission.type)
        if declared is None:  # only where another revision was activated before the cause was stepped
            self._undeclared(cause, scope, key, emission)
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
        event.keys = keys_of(event, declared)
        self._append(event, _OWN_MARK)

    def _undeclared(self, cause: Event, scope: str, key: str, emission: Emission) -> None:
        number = identity(scope, key, "error", emission.name, emission.id, emission.type)
        reason = f"the revision that is active by now has no event `{emission.type}`"
        fields: dict[str, Any] = {"code": "unknown_type", "reason": reason, "place": None, "values": {}}
        self._record(cause.seq, Record("error", number, cause.now, cause.id, scope, key, emission.name, fields))

    def _record(self, seq: int, record: Record) -> None:
        record.revision = self._revision
        self.out.append(record)
        self.batch.records.append((seq, record))

    def _give_up(self, event: Event, scope: str, key: str) -> None:
        reason = "the step of this delivery crashed again and again; its partition goes on without it"
        number = identity("reject", "step_crashed", event.id, scope, key)
        fields: dict[str, Any] = {"code": "step_crashed", "reason": reason}
        self._record(event.seq, Record("reject", number, event.now, event.id, scope, key, None, fields))
        self.batch.crashed.append((event.seq, scope, key))

    def taken(self) -> list[Record]:
        """The records since the last call."""
        out, self.out = self.out, []
        return out
