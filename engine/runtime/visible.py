"""Entities as a delivery may see them: of the versions that precede it in the log."""

# ruff: noqa: D102 - as those that they stand for

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from engine.runtime.entities import Data, Entities, Version
from engine.store.protocol import Store


class Followed(Entities):
    """Entities of a log that others append to."""

    def __init__(self) -> None:
        super().__init__()
        self._newest = -1

    def put(self, entity: str, key: str, at: int, seq: int, data: Data) -> None:
        super().put(entity, key, at, seq, data)
        self._newest = max(self._newest, seq)

    def follow(self, store: Store, last: int | None = None) -> None:
        """Take over what was put since; `last` is the sequence of the last version there is, where that is known."""
        if last is not None and last <= self._newest:
            return
        for stored in store.entities(self._newest):
            self.put(stored.entity, stored.key, stored.at, stored.seq, stored.data)


class Visible(Followed):
    """Entities of a log that is read ahead: what was put after `reached` is held already, but not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = 0

    def get(self, entity: str, key: str, at: int) -> Data | None:
        if self._newest <= self.reached:
            return super().get(entity, key, at)
        return self._seen(self._kinds.get(entity, {}).get(key, ()), at)

    def all(self, entity: str, at: int) -> Iterable[tuple[str, Data]]:
        if self._newest <= self.reached:
            return super().all(entity, at)
        asked = ((key, self.get(entity, key, at)) for key in self.keys(entity))
        return [(key, found) for key, found in asked if found is not None]

    def _seen(self, versions: Iterable[Version], at: int) -> Data | None:
        held = [one for one in versions if one[1] <= self.reached]
        position = bisect_right(held, at, key=lambda one: one[0])
        return held[position - 1][2] if position else None
