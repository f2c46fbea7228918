"""The log as it was lived: the entities that a delivery saw, and the deliveries that were given up."""

from __future__ import annotations

from collections.abc import Iterable

from engine.runtime.entities import Entities
from engine.store.batch import Delivery, StoredEntity
from engine.store.protocol import Store


class Past(Entities):
    """The entities of a log, given in its order, made known again as it is read: `reach` a sequence to see what was seen there."""

    def __init__(self, versions: Iterable[StoredEntity]) -> None:
        super().__init__()
        self._coming = iter(versions)
        self._next = next(self._coming, None)

    def reach(self, seq: int) -> None:
        """Take the versions that were put up to `seq`, that one included; sequences must not go back."""
        while self._next is not None and self._next.seq <= seq:
            put = self._next
            self.put(put.entity, put.key, put.at, put.seq, put.data)
            self._next = next(self._coming, None)


def given_up(store: Store) -> frozenset[Delivery]:
    """The deliveries that their partitions went on without, because their steps crashed again and again."""
    return frozenset(parked.delivery for parked in store.parked() if parked.given_up)
