"""A portion of a backtest: some partitions decide all inputs of a history, given what scopes of earlier stages emit and publish.

Everything that follows from the inputs alone (what is refused, how far time has gone, which entities are known) every portion finds
out for itself, as the head of a log does; it steps the partitions that are its own, and keeps their deadlines only. What it is given
comes in at the places (engine.runtime.order) at which it was made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

import msgspec

from engine.core.event import Event, Publication, Record, Step
from engine.core.partition import Partition
from engine.core.program import Program
from engine.pack import assemble
from engine.runtime.admission import Door
from engine.runtime.entities import Entities
from engine.runtime.examination import Source
from engine.runtime.head import Head
from engine.runtime.history import History
from engine.runtime.order import DOOR, Agenda, Firing, Place, Settling
from engine.runtime.shard import shard_of
from engine.runtime.timeline import Timeline, Timer
from engine.store import open_store
from engine.store.batch import Batch

SAID = 500
"""Inputs after which what has piled up is dropped, and it is said how far it has come."""

Coming = tuple[Settling, int, tuple[int, ...], Event]
"""An emitted event, where it is stepped: settling, depth, trail."""

Taught = tuple[Place, Publication]
Decided = tuple[Place, list[Record]]


@dataclass(frozen=True, slots=True)
class Portion:
    """The partitions of the scopes `cut` whose shard leaves `number` when divided by `parts`, and all of the scopes `whole`.

    `door`: what is refused before it reaches any partition is decided here. `coming` and `taught` are in the order of their places.
    """

    number: int
    parts: int
    cut: frozenset[str]
    whole: frozenset[str] = frozenset()
    door: bool = False
    coming: Sequence[Coming] = ()
    taught: Sequence[Taught] = ()

    def holds(self, scope: str, key: str) -> bool:
        """Whether a partition is one of these."""
        return scope in self.whole or (scope in self.cut and shard_of(scope, key) % self.parts == self.number)


@dataclass(slots=True)
class Made:
    """What a portion has come to, by places. `crossed` are scopes that could not be cut, since a key of theirs emits to another one;
    `crashed`: a step failed. In both cases nothing else is of use.
    """

    decisions: list[Decided] = field(default_factory=list)
    emitted: list[Coming] = field(default_factory=list)
    taught: list[Taught] = field(default_factory=list)
    crossed: frozenset[str] = frozenset()
    crashed: bool = False


class _CrossedError(Exception):
    """An emission reaches another key of a scope that was cut."""


class _CrashedError(Exception):
    """A step has failed."""


class _Passing(Timeline):
    """Time passes whenever it is asked: deadlines may have fired elsewhere."""

    def may_be_due(self, before: int) -> bool:  # noqa: ARG002
        return True


class _Head(Head):
    """The head of the log of a portion; nothing is committed."""

    def __init__(self, program: Program, portion: Portion) -> None:
        super().__init__(program, open_store("memory:"), Entities())
        self.timeline = _Passing()
        self.made = Made()
        self._portion = portion
        self._agenda = Agenda()
        self._partitions: dict[tuple[str, str], Partition] = {}
        self._coming, self._taught = deque(portion.coming), deque(portion.taught)
        self._waiting: list[tuple[int, tuple[int, ...], Event]] = []
        self._tick = 0
        self._refusals = 0

    def forget(self) -> None:
        """Drop what would be committed."""
        self.batch = Batch()

    def end(self) -> None:
        """Nothing more comes in; all that came from elsewhere must have been stepped."""
        assert not self._coming, f"nothing here happened at {self._coming[0][0]}"

    # --- time ------------------------------------------------------------------------------------

    def _expect(self, where: tuple[str, str], name: str, at: int) -> None:
        if self._portion.holds(*where):
            self._agenda.set((*where, f"entity/{at}{name}"), at)

    def run_timers(self, until: int, *, inclusive: bool) -> None:
        """Fire what is due here, and follow up what has fired elsewhere, in the order of places."""
        self.refused()
        self._tick += 1
        before = self.now
        while True:
            own = self._agenda.next(until, inclusive=inclusive)
            firing = min((one for one in (own, self._elsewhere()) if one), default=None)
            if firing is None:
                return
            latest = firing[0][0]
            self.now = latest if before is None else max(before, latest)
            self._agenda.firing = firing
            if firing == own:
                self._fire(firing, self._agenda.take())
            self._follow(firing)
            self._agenda.firing = ()

    def _elsewhere(self) -> Firing | None:
        """The next deadline of another portion that something here follows from in this tick."""
        if self._coming and self._coming[0][0][0] == self._tick:
            return self._coming[0][0][1]
        return None

    def _fire(self, firing: Firing, timer: Timer) -> None:
        due = firing[-1][0]
        event = self._firings.event(due, timer)
        if event is None:
            self._endless(due, timer)
            self.made.decisions.append(((self._tick, firing, DOOR, (), 0), self.taken()))
        else:
            self._append(event, b"")

    # --- what follows ----------------------------------------------------------------------------

    def _settle(self) -> None:
        self.refused()
        self._tick += 1
        self._follow(())

    def refused(self) -> None:
        """Keep what was refused before it reached any partition, where this portion is the one that does: it comes before the next tick."""
        records = self.taken()
        if records and self._portion.door:
            self._refusals += 1
            self.made.decisions.append(((self._tick + 1, (), DOOR, (), self._refusals), records))

    def _follow(self, firing: Firing) -> None:
        """Step what is queued, and what comes from elsewhere, breadth first, until all is quiet."""
        settling, waiting = (self._tick, firing), self._waiting
        self._push(0, ())
        while self._coming and self._coming[0][0] == settling:
            _, depth, trail, event = self._coming.popleft()
            self.seq += 1
            heappush(waiting, (depth, trail, msgspec.structs.replace(event, seq=self.seq)))
        while waiting:
            depth, trail, event = heappop(waiting)
            self._reach(settling, depth, trail, event)

    def _push(self, depth: int, trail: tuple[int, ...]) -> None:
        for number, event in enumerate(self._queue):
            heappush(self._waiting, (depth, (*trail, number), event))
        self._queue.clear()

    def _reach(self, settling: Settling, depth: int, trail: tuple[int, ...], event: Event) -> None:
        scopes, own = self._routes[event.type].scopes, self._portion.holds
        for number, where in enumerate(event.keys):
            if where[0] in scopes and own(*where):
                place = (*settling, depth, trail, number)
                self._step(place, event, where)
                self._send(settling, depth + 1, (*trail, number))

    def _step(self, place: Place, event: Event, where: tuple[str, str]) -> None:
        while self._taught and self._taught[0][0] < place:
            self._teach(self._taught.popleft()[1])
        partition = self._partitions.get(where)
        if partition is None:
            partition = self._partitions[where] = Partition(*where)
        try:
            step = self.stepper.step(partition, self.entities, event)
        except Exception as failure:
            raise _CrashedError from failure
        partition.seq = event.seq
        self._apply(place, event, where, step)

    def _apply(self, place: Place, event: Event, where: tuple[str, str], step: Step) -> None:
        for record in step.records:
            if record.kind != "reject" or event.refusal is None:
                self._record(event.seq, record)
        for name, due in step.timers.items():
            self._agenda.set((*where, name), due)
        for one in step.published:
            self._teach(one)
            self.made.taught.append((place, one))
        for emission in step.emitted:
            self._emit(event, *where, emission)
        if self.out:
            self.made.decisions.append((place, self.taken()))

    def _teach(self, one: Publication) -> None:
        self.entities.teach(one.entity, one.key, one.name, one.value)

    def _send(self, settling: Settling, depth: int, trail: tuple[int, ...]) -> None:
        """Let emitted events wait for their turn; those that reach other portions are for these as well."""
        for number, event in enumerate(self._queue):
            scopes = self._routes[event.type].scopes
            others = {scope for scope, key in event.keys if scope in scopes and not self._portion.holds(scope, key)}
            if crossed := others & self._portion.cut:
                raise _CrossedError(frozenset(crossed))
            if others:
                self.made.emitted.append((settling, depth, (*trail, number), event))
        self._push(depth, trail)


def play(source: Source, history: History, portion: Portion, progress: Callable[[int], None] = lambda _: None) -> Made:
    """Let a portion of a pack's partitions decide a history. `progress` is told how many inputs are done."""
    head = _Head(assemble(source.files, source.params), portion)
    door = Door(head.program)
    try:
        for number, happen in enumerate(history.inputs(), 1):
            happen(head, door)
            head.refused()
            if number % SAID == 0:
                head.forget()
                progress(number)
        head.end()
    except _CrossedError as crossed:
        return Made(crossed=crossed.args[0])
    except _CrashedError:
        return Made(crashed=True)
    return head.made
