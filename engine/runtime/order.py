"""Places: when something is decided in a run, said without counting what is decided elsewhere, so that parts of a run can be merged.

What follows from an input, and from a deadline that fires, is stepped to the end before anything else happens: that is one *settling*.
Which settlings there are besides those of deadlines follows from the inputs alone, so that every part counts them alike: `tick`. While
time passes, which is a tick as well, each deadline that fires makes a settling of its own, known by its `firing`.

Deadlines fire in the order of (due, rank of the owner, scope, key, name). One that is set to a time before that of the deadline that is
just firing is next: it comes before all that wait, and so does what it sets. So a firing is known by a path: the deadlines that fired
in this tick, are later than it, and led to it, and then itself. Of two firings of one deadline the number at the end says which was first.

Within a settling, events are stepped breadth first: `depth` is how many emissions an event is away from those that came in, and its
`trail` is the place of the one that came in among its like, then of each cause the number of the key, and of the emission there.
"""

from __future__ import annotations

import heapq

from engine.core.event import Record
from engine.runtime.timeline import Timer, order

Fired = tuple[int, int, str, str, str, int]
"""A deadline as it fires: due, rank of its owner, scope, key, name, and how often it fired in its place before."""

Firing = tuple[Fired, ...]
"""Which deadline makes a settling; empty: none does."""

Settling = tuple[int, Firing]
"""(tick, firing)."""

Place = tuple[int, Firing, int, tuple[int, ...], int]
"""Of a delivery: tick, firing, depth, trail, and the number of the key among those of its event."""

Decided = tuple[Place, list[Record]]
"""Records that are made at a place."""

DOOR = -1
"""The depth of what is decided before anything is stepped."""


class Agenda:
    """Deadlines of some partitions, in the order in which they fire among all. `firing` is the one that is just followed up."""

    def __init__(self) -> None:
        self.firing: Firing = ()
        self._places: dict[Timer, Firing] = {}
        self._heap: list[tuple[Firing, Timer]] = []

    def set(self, timer: Timer, due: int | None) -> None:
        """Set, move, or with None cancel a deadline."""
        if due is None:
            self._places.pop(timer, None)
            return
        held = self._places.get(timer)
        if held is None or held[-1][0] != due:
            place = self._places[timer] = self._place(order(due, timer))
            heapq.heappush(self._heap, (place, timer))

    def _place(self, own: tuple[int, int, str, str, str]) -> Firing:
        later = tuple(one for one in self.firing if one[:5] > own)
        before = next((one[5] + 1 for one in self.firing if one[:5] == own), 0)
        return (*later, (*own, before))

    def next(self, until: int, *, inclusive: bool) -> Firing | None:
        """The next firing before the instant (or at it, when `inclusive`); None when there is none."""
        heap = self._heap
        while heap and self._places.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        if not heap:
            return None
        due = heap[0][0][-1][0]
        return heap[0][0] if due < until or (inclusive and due == until) else None

    def take(self) -> Timer:
        """Take off the deadline that `next` has told of."""
        _, timer = heapq.heappop(self._heap)
        del self._places[timer]
        return timer
