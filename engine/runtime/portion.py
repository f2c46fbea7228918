"""A portion of a backtest: some partitions decide a history, given what scopes of earlier stages emit and publish.

What follows from the inputs alone it is told (engine.runtime.itinerary); it steps the partitions that are its own, and keeps their
deadlines only. What other portions have emitted and published comes in at the places (engine.runtime.order) at which it was made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

import msgspec

from engine.core.event import Event, Publication, Step
from engine.core.partition import Partition
from engine.core.program import Program
from engine.pack import assemble
from engine.runtime.entities import Entities
from engine.runtime.examination import Source
from engine.runtime.head import Head
from engine.runtime.itinerary import Known, Passing, Settled, Stop
from engine.runtime.order import DOOR, Agenda, Decided, Firing, Place, Settling
from engine.runtime.shard import shard_of
from engine.runtime.timeline import Timer
from engine.store import open_store
from engine.store.batch import Batch

SAID = 1000
"""Stops after which what would be committed is dropped."""

Coming = tuple[Settling, int, tuple[int, ...], Event]
"""An emitted event, where it is stepped: settling, depth, trail."""

Taught = tuple[Place, Publication]


@dataclass(frozen=True, slots=True)
class Portion:
    """The partitions of the scopes `cut` whose shard leaves `number` when divided by `parts`, and all of the scopes `whole`.

    `stops` are what it has to know of the history; `coming` and `taught` are in the order of their places.
    """

    number: int
    parts: int
    cut: frozenset[str]
    whole: frozenset[str] = frozenset()
    stops: Sequence[Stop] = ()
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


class _Head(Head):
    """The head of the log of a portion; nothing is committed."""

    def __init__(self, program: Program, portion: Portion) -> None:
        super().__init__(program, open_store("memory:"), Entities())
        self.made = Made()
        self._portion = portion
        self._agenda = Agenda()
        self._partitions: dict[tuple[str, str], Partition] = {}
        self._coming, self._taught = deque(portion.coming), deque(portion.taught)
        self._waiting: list[tuple[int, tuple[int, ...], Event]] = []
        self._tick = 0

    def forget(self) -> None:
        """Drop what would be committed."""
        self.batch = Batch()

    def end(self) -> None:
        """Nothing more comes in; all that came from elsewhere must have been stepped."""
        assert not self._coming, f"nothing here happened at {self._coming[0][0]}"

    # --- time ------------------------------------------------------------------------------------

    def stop(self, one: Stop) -> None:
        """Let happen what is next."""
        if isinstance(one, Settled):
            self.now = one.now
            self._settled(one.events)
        elif isinstance(one, Passing):
            self.now = one.now
            self.run_timers(one.until, inclusive=one.inclusive)
        elif isinstance(one, Known):
            self.entities.put(one.entity, one.key, one.at, 0, one.data)
        else:
            self._agenda.set(one.timer, one.due)

    def run_timers(self, until: int, *, inclusive: bool) -> None:
        """Fire what is due here, and follow up what has fired elsewhere, in the order of places."""
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

    def _settled(self, events: Iterable[tuple[int, Event]]) -> None:
        self._tick += 1
        for number, event in events:
            heappush(self._waiting, (0, (number,), self._numbered(event)))
        self._follow(())

    def _numbered(self, event: Event) -> Event:
        """An event that comes from elsewhere, with the next number of this portion's own."""
        self.seq += 1
        return msgspec.structs.replace(event, seq=self.seq)

    def _settle(self) -> None:
        """Nothing is appended here but what deadlines and emissions append, and that is followed at once."""

    def _follow(self, firing: Firing) -> None:
        """Step what is queued, and what comes from elsewhere, breadth first, until all is quiet."""
        settling, waiting = (self._tick, firing), self._waiting
        self._push(0, ())
        while self._coming and self._coming[0][0] == settling:
            _, depth, trail, event = self._coming.popleft()
            heappush(waiting, (depth, trail, self._numbered(event)))
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


_Files = tuple[str, tuple[str, ...]]
"""A revision, and where its files stand: records tell their places."""

_programs: dict[_Files, Program] = {}
"""The program that this process has compiled last: several portions of one pack are played in it."""


def _compiled(source: Source, revision: str) -> Program:
    wanted = (revision, tuple(one.label for one in source.files))
    if wanted not in _programs:
        _programs.clear()
        _programs[wanted] = assemble(source.files, source.params)
    return _programs[wanted]


def play(source: Source, revision: str, portion: Portion) -> Made:
    """Let a portion of a pack's partitions decide a history. `revision` is that of the pack."""
    head = _Head(_compiled(source, revision), portion)
    try:
        for number, one in enumerate(portion.stops, 1):
            head.stop(one)
            if number % SAID == 0:
                head.forget()
        head.end()
    except _CrossedError as crossed:
        return Made(crossed=crossed.args[0])
    except _CrashedError:
        return Made(crashed=True)
    return head.made
