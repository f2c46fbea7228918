"""Takes lines into a log that others step: read at the door, appended with the deadlines that come before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat

from engine.core.event import Record
from engine.core.program import Program
from engine.runtime.admission import Arrival, Door, Refusal
from engine.runtime.gate import TIMERS, Gate
from engine.store.protocol import Shared

Roles = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of lines: `sequences` are, line by line, where their events are in the log (None: a duplicate or refused), `records`
    the rejects, and `shards` those in which deliveries wait now.
    """

    sequences: tuple[int | None, ...]
    records: tuple[Record, ...]
    shards: frozenset[int]


class Appender:
    """Appends for one process. Not safe to share between threads; several processes may have one each."""

    def __init__(self, program: Program, store: Shared) -> None:
        self.program = program
        self._door = Door(program)
        self._store = store
        self.gate = Gate(program, store)

    def take(
        self, lines: Sequence[bytes], places: Sequence[str | None] | None = None, roles: Sequence[Roles] | None = None
    ) -> Taken:
        """Append lines in one transaction; `roles` are, for each, those of whoever causes it. Nothing is stepped yet."""
        arrivals = [self._door.read(line) for line in lines]
        for arrival, acting in zip(arrivals, roles or repeat(()), strict=False):
            if isinstance(arrival, Arrival):
                arrival.event.roles = acting
        latest = max((one.event.at for one in arrivals if isinstance(one, Arrival)), default=None)
        early = frozenset[int]() if latest is None else self.fire(latest - 1)
        sequences: list[int | None] = []

        def work() -> None:
            sequences.clear()
            sequences.extend(self._admitted(arrivals, places or [None] * len(lines), latest))

        records, shards = self.gate.through(work)
        return Taken(tuple(sequences), tuple(records), shards | early)

    def fire(self, until: int) -> frozenset[int]:
        """Let deadlines fire that are due up to an instant, as long as there are more than one transaction takes; answers the shards."""
        shards, count = frozenset[int](), TIMERS
        while count == TIMERS and len(self._store.due_timers(until, TIMERS)) == TIMERS:
            count, more = self.gate.fire(until)
            shards |= more
        return shards

    def through(self, work: Callable[[Gate], None]) -> Taken:
        """Do something else with the head."""
        records, shards = self.gate.through(lambda: work(self.gate))
        return Taken((), tuple(records), shards)

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
