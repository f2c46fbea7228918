"""A part of a log, replayed by itself: the partitions of some scopes and some shards, given the events that were emitted when it was lived.

Partitions read nothing of each other but what is published, and that only where a pop-up is decided. So the scopes that publish come
first; those in which pop-ups are decided come then, each delivery seeing what was published before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from engine.core.event import Event, Publication, Record
from engine.core.program import Program
from engine.core.step import Stepper
from engine.runtime.hosts import active
from engine.runtime.lineage import Lineage
from engine.runtime.past import Past, given_up
from engine.runtime.records import Writer
from engine.runtime.replay import Unrolled, packed
from engine.runtime.shard import shard_of
from engine.store import DatabaseStore, open_store
from engine.store.protocol import Store

Place = tuple[int, int]
"""Of a delivery: the sequence of its event, and its place among those whom the event reaches."""

Taught = tuple[Place, Publication]


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be replayed: the partitions of `scopes` in the shards that leave `number` when divided by `parts`.

    `taught` is what others have published, in its order; `silent` are the scopes of which decisions are not wanted.
    """

    number: int
    parts: int
    scopes: frozenset[str]
    silent: frozenset[str] = frozenset()
    taught: Sequence[Taught] = ()


@dataclass(frozen=True, slots=True)
class Played:
    """What a part has come to: each partition's state, packed; the decisions as JSON lines, and what was published, by their places."""

    states: dict[tuple[str, str], bytes]
    decisions: list[tuple[Place, tuple[bytes, ...]]]
    taught: list[Taught]


@dataclass(slots=True)
class _Unrolled(Unrolled):
    """A part while it is read. `writers` write the records of each revision."""

    part: Part = field(kw_only=True)
    writers: dict[str, Writer] = field(default_factory=dict)
    decisions: list[tuple[Place, tuple[bytes, ...]]] = field(default_factory=list)
    told: list[Taught] = field(default_factory=list)
    coming: deque[Taught] = field(default_factory=deque)

    def take(self, stepper: Stepper, event: Event) -> None:
        self.last = event
        self.entities.reach(event.seq)
        for number, (scope, key) in enumerate(event.keys):
            if self._mine(scope, key) and self.concerned(stepper, event, scope, key):
                self._play(stepper, event, (event.seq, number), scope, key)

    def _mine(self, scope: str, key: str) -> bool:
        part = self.part
        return scope in part.scopes and shard_of(scope, key) % part.parts == part.number

    def _play(self, stepper: Stepper, event: Event, place: Place, scope: str, key: str) -> None:
        while self.coming and self.coming[0][0] < place:
            one = self.coming.popleft()[1]
            self.entities.teach(one.entity, one.key, one.name, one.value)
        step = self.deliver(stepper, event, scope, key)
        if step is None:
            return
        self.told += [(place, one) for one in step.published]
        if step.records and scope not in self.part.silent:
            self.decisions.append((place, tuple(self._lines(stepper.program, event, step.records))))

    def _lines(self, program: Program, event: Event, records: Iterable[Record]) -> Iterator[bytes]:
        writer = self.writers.get(program.revision)
        if writer is None:
            writer = self.writers[program.revision] = Writer(program)
        for record in records:
            if record.kind != "reject" or event.refusal is None:
                yield writer.line(record)


def play(program: Program, store: Store, part: Part) -> Played:
    """Replay a part of a store's log."""
    lineage = Lineage(store, program)
    found = _Unrolled(Past(store.entities()), given_up(store), part=part, coming=deque(part.taught))
    for event in store.events():
        found.take(lineage.stepper(event.seq), event)
    return Played(packed(found.partitions), found.decisions, found.told)


def play_at(url: str, part: Part) -> Played:
    """Replay a part of the log of the store at an address, by the revisions that decided it. Raises what `open_store` raises."""
    store = open_store(url)
    assert isinstance(store, DatabaseStore), "no other one can be reached from elsewhere"
    try:
        return play(active(store), store, part)
    finally:
        store.close()


def first(programs: Collection[Program], parts: int) -> list[Part]:
    """The parts that come first: the scopes that publish. Where pop-ups are decided in them as well, that is left to the second parts."""
    publishing, asking = _scopes(programs, publishing=True), _scopes(programs, asking=True)
    return _cut(publishing, parts, silent=publishing & asking) if publishing else []


def second(programs: Collection[Program], parts: int, taught: Sequence[Taught]) -> list[Part]:
    """The other parts, once it is known what the first ones have published."""
    publishing, asking = _scopes(programs, publishing=True), _scopes(programs, asking=True)
    every = frozenset(name for program in programs for name in program.scopes)
    return _cut((every - publishing) | asking, parts, taught=taught)


def _cut(
    scopes: frozenset[str], parts: int, silent: frozenset[str] = frozenset(), taught: Sequence[Taught] = ()
) -> list[Part]:
    return [Part(number, parts, scopes, silent, taught) for number in range(parts)]


def _scopes(programs: Collection[Program], *, publishing: bool = False, asking: bool = False) -> frozenset[str]:
    return frozenset(
        name
        for program in programs
        for name, scope in program.scopes.items()
        if (publishing and (scope.ratings or any(window.publish for window in scope.windows)))
        or (asking and scope.popups)
    )


def _place(taught: Taught) -> Place:
    return taught[0]


def joined(programs: Collection[Program], parts: int, run: Callable[[Sequence[Part]], Iterable[Played]]) -> Played:
    """Replay a log in parts; `run` replays several of them, all at once or one after the other, in whatever order.

    The answer is the same for any number of parts, byte for byte: decisions in the order of their places.
    """
    earlier = list(run(first(programs, parts)))
    taught = sorted((one for played in earlier for one in played.taught), key=_place)
    every = [*earlier, *run(second(programs, parts, taught))]
    states = {where: state for played in every for where, state in played.states.items()}
    return Played(states, sorted(one for played in every for one in played.decisions), taught)


def programs_of(store: Store, program: Program) -> list[Program]:
    """Every program that has decided something in a store's log; `program` is the active one."""
    lineage = Lineage(store, program)
    return [lineage.program(one.seq) for one in store.activations()] + [program]
