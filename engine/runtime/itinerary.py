"""What a history comes to before any partition is stepped: what is refused, which events are appended, how time passes.

It follows from the inputs alone, so it is found out once, by the head of a log that steps nothing, and handed to all portions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.core.event import Event
from engine.core.program import Program
from engine.runtime.admission import Door
from engine.runtime.entities import Data, Entities
from engine.runtime.head import Head
from engine.runtime.history import History
from engine.runtime.order import DOOR, Decided
from engine.runtime.timeline import Timeline, Timer
from engine.store import open_store
from engine.store.batch import Batch

SAID = 500
"""Inputs after which what would be committed is dropped, and it is said how far it has come."""


@dataclass(frozen=True, slots=True)
class Passing:
    """Deadlines before `until` (or at it, when `inclusive`) fire; the clock stood at `now`."""

    now: int | None
    until: int
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """Events are appended when the clock stands at `now`, each with its number among them, and what follows is stepped."""

    now: int | None
    events: tuple[tuple[int, Event], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A version of an entity holds from `at` on."""

    entity: str
    key: str
    at: int
    data: Data


@dataclass(frozen=True, slots=True)
class Expected:
    """A deadline is set."""

    timer: Timer
    due: int


Stop = Passing | Settled | Known | Expected
"""Each Passing and each Settled is a tick (engine.runtime.order)."""


@dataclass(frozen=True, slots=True)
class Itinerary:
    """All stops in their order; `refused` are the records of what reaches no partition."""

    stops: list[Stop]
    refused: list[Decided]

    def of(self, holds: Callable[[str, str], bool]) -> list[Stop]:
        """The stops as far as they concern some partitions."""
        return [
            replace(one, events=tuple(each for each in one.events if any(holds(*where) for where in each[1].keys)))
            if isinstance(one, Settled)
            else one
            for one in self.stops
            if not isinstance(one, Expected) or holds(*one.timer[:2])
        ]


class _Always(Timeline):
    """Time passes whenever it is asked: deadlines are kept elsewhere."""

    def may_be_due(self, before: int) -> bool:  # noqa: ARG002
        return True


class _Head(Head):
    """Writes down what a session would step."""

    def __init__(self, program: Program) -> None:
        super().__init__(program, open_store("memory:"), Entities())
        self.timeline = _Always()
        self.found = Itinerary([], [])
        self._tick = 0

    def refused(self) -> None:
        """Keep the records of refusals: they come before the next tick."""
        records = self.taken()
        if records:
            self.found.refused.append(((self._tick + 1, (), DOOR, (), len(self.found.refused)), records))

    def forget(self) -> None:
        """Drop what would be committed."""
        self.batch = Batch()

    def run_timers(self, until: int, *, inclusive: bool) -> None:
        """Write down that time passes."""
        self.refused()
        self._tick += 1
        self.found.stops.append(Passing(self.now, until, inclusive))

    def _settle(self) -> None:
        self.refused()
        self._tick += 1
        self.found.stops.append(Settled(self.now, tuple(enumerate(self._queue))))
        self._queue.clear()

    def _append(self, event: Event, mark: bytes, put: tuple[str, str, int, Data] | None = None) -> None:
        super()._append(event, mark, put)
        if put is not None:
            self.found.stops.append(Known(*put))

    def _expect(self, where: tuple[str, str], name: str, at: int) -> None:
        self.found.stops.append(Expected((*where, f"entity/{at}{name}"), at))


def itinerary(program: Program, history: History, progress: Callable[[int], None] = lambda _: None) -> Itinerary:
    """Pass all inputs of a history through the door. `progress` is told how many are done."""
    head, door = _Head(program), Door(program)
    for number, happen in enumerate(history.inputs(), 1):
        happen(head, door)
        head.refused()
        if number % SAID == 0:
            head.forget()
            progress(number)
    return head.found
