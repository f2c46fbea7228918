"""Takes lines into a log that others step: read at the door, appended with the deadlines that come before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TypeVar

from engine.core.event import Record
from engine.core.program import Program
from engine.runtime.admission import Arrival, Door, Refusal
from engine.runtime.gate import TIMERS, Gate
from engine.runtime.head import Head, OvertakenError
from engine.runtime.lineage import Programs
from engine.runtime.members import made_ready
from engine.runtime.pins import Living, kept_sections, living
from engine.store.batch import Activation
from engine.store.protocol import Shared

Roles = tuple[str, ...]

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of lines: `sequences` are, line by line, where their events are in the log (None: a duplicate or refused), `records`
    the rejects, and `shards` those in which deliveries wait now.
    """

    sequences: tuple[int | None, ...]
    records: tuple[Record, ...]
    shards: frozenset[int]


class Appender:
    """Appends for one process. Not safe to share between threads; several processes may have one each.

    `program` is the active one as far as it is known here: what others activate is taken over.
    """

    program: Program
    door: Door
    gate: Gate

    def __init__(self, program: Program, store: Shared, programs: Programs | None = None) -> None:
        self.store = store
        self._programs = programs or Programs(store, program)
        self._equip(program)

    def take(
        self, lines: Sequence[bytes], places: Sequence[str | None] | None = None, roles: Sequence[Roles] | None = None
    ) -> Taken:
        """Append lines in one transaction; `roles` are, for each, those of whoever causes it. Nothing is stepped yet."""
        return self._again(lambda: self._take(lines, places, roles))

    def fire(self, until: int) -> tuple[int, frozenset[int]]:
        """Let deadlines fire that are due up to an instant, as many as one transaction takes; answers how many did, and the shards."""
        return self._again(lambda: self.gate.fire(until))

    def advance(self, until: int) -> frozenset[int]:
        """Let all deadlines fire that are due up to an instant; answers the shards in which deliveries wait now."""
        shards, count = frozenset[int](), TIMERS
        while count == TIMERS:
            count, more = self.fire(until)
            shards |= more
        return shards

    def through(self, work: Callable[[Gate], None]) -> Taken:
        """Do something else with the head."""
        records, shards = self._again(lambda: self.gate.through(lambda: work(self.gate)))
        return Taken((), tuple(records), shards)

    # --- letting another program decide ----------------------------------------------------------

    @property
    def activation(self) -> Activation | None:
        """The activation by which the program decides."""
        return self.gate.activation

    def follow(self) -> Program:
        """The program that is active by now. Raises what `Programs.active` raises."""
        latest = self.store.last_activation()
        if latest is not None and latest != self.gate.activation:
            self._equip(self._programs.active(latest))
        return self.program

    def living(self) -> Living:
        """How many instances run on which machines."""
        return living(kept_sections(self.store))

    def ready(self, program: Program) -> None:
        """Wait until every process has the program at hand. Raises `PackError` `not_ready` where one has not."""
        made_ready(self.store, program)

    def succeed(self, program: Program, work: Callable[[Head], None]) -> Activation:
        """Activate a program by `work`, and go on with it."""
        made: list[Activation] = []

        def switch() -> None:
            work(self.gate)
            made[:] = self.gate.batch.activated

        before = self.program
        try:
            self.gate.through(switch)
        except BaseException:
            self._equip(before)
            raise
        self._equip(program)
        return made[0]

    # --- inside ----------------------------------------------------------------------------------

    def _equip(self, program: Program) -> None:
        self.program, self.door, self.gate = program, Door(program), Gate(program, self.store)

    def _again(self, work: Callable[[], Made]) -> Made:
        """Do something; again where another program is active by now."""
        while True:
            try:
                return work()
            except OvertakenError:
                self.follow()

    def _take(
        self, lines: Sequence[bytes], places: Sequence[str | None] | None, roles: Sequence[Roles] | None
    ) -> Taken:
        arrivals = [self.door.read(line) for line in lines]
        for arrival, acting in zip(arrivals, roles or repeat(()), strict=False):
            if isinstance(arrival, Arrival):
                arrival.event.roles = acting
        latest = max((one.event.at for one in arrivals if isinstance(one, Arrival)), default=None)
        early = frozenset[int]() if latest is None else self._fire(latest - 1)
        sequences: list[int | None] = []

        def work() -> None:
            sequences.clear()
            sequences.extend(self._admitted(arrivals, places or [None] * len(lines), latest))

        records, shards = self.gate.through(work)
        return Taken(tuple(sequences), tuple(records), shards | early)

    def _fire(self, until: int) -> frozenset[int]:
        """Let deadlines fire that are due up to an instant, as long as there are more than one transaction takes; answers the shards."""
        shards, count = frozenset[int](), TIMERS
        while count == TIMERS and len(self.store.due_timers(until, TIMERS)) == TIMERS:
            count, more = self.gate.fire(until)
            shards |= more
        return shards

    def _admitted(
        self, arrivals: Sequence[Arrival | Refusal], places: Sequence[str | None], latest: int | None
    ) -> list[int | None]:
        gate = self.gate
        gate.ask([(one.event.source, one.event.id) for one in arrivals if isinstance(one, Arrival)])
        if latest is not None:
            gate.expect(latest)
        return [self._admit(arrival, place) for arrival, place in zip(arrivals, places, strict=True)]

    def _admit(self, arrival: Arrival | Refusal, place: str | None) -> int | None:
        if isinstance(arrival, Refusal):
            self.gate.refuse(arrival, place)
            return None
        self.gate.take(arrival, place)
        return arrival.event.seq or None
