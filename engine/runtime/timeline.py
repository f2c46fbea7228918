"""Pending deadlines in the order in which they fire: by due time, then by whose they are, then by partition and name."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from engine.store.batch import OWNERS

Timer = tuple[str, str, str]

_RANKS = {owner: rank for rank, owner in enumerate(OWNERS)}
"""What is due at one instant follows from what it reads: alerts see the windows that close and the states that are entered then."""


def order(due: int, timer: Timer) -> tuple[int, int, str, str, str]:
    """Deadlines fire in the order of these."""
    owner = timer[2].partition("/")[0]
    return (due, _RANKS.get(owner, len(_RANKS)), *timer)


class Timeline:
    """A heap with lazy deletion: a deadline that was moved or cancelled is skipped when its turn comes."""

    def __init__(self, pending: Iterable[tuple[int, str, str, str]] = ()) -> None:
        self._due = {(scope, key, name): due for due, scope, key, name in pending}
        self._heap = [order(due, timer) for timer, due in self._due.items()]
        heapq.heapify(self._heap)

    def set(self, timer: Timer, due: int | None) -> None:
        """Set, move, or with None cancel a deadline."""
        if due is None:
            self._due.pop(timer, None)
        elif self._due.get(timer) != due:
            self._due[timer] = due
            heapq.heappush(self._heap, order(due, timer))

    def pop(self, before: int, *, inclusive: bool) -> tuple[int, Timer] | None:
        """The next deadline before the instant (or at it, when `inclusive`), taken off; None when there is none."""
        heap = self._heap
        while heap:
            due, _, scope, key, name = heap[0]
            timer = (scope, key, name)
            if self._due.get(timer) != due:
                heapq.heappop(heap)
            elif due < before or (inclusive and due == before):
                heapq.heappop(heap)
                del self._due[timer]
                return due, timer
            else:
                return None
        return None

    def may_be_due(self, before: int) -> bool:
        """Whether a deadline, be it one that was moved or cancelled since, stands before the instant."""
        return bool(self._heap) and self._heap[0][0] < before

    def peek(self) -> int | None:
        """When the next deadline is due; None when nothing is pending."""
        while self._heap:
            due, _, scope, key, name = self._heap[0]
            if self._due.get((scope, key, name)) == due:
                return due
            heapq.heappop(self._heap)
        return None
