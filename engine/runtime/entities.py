"""All versions of all entities, in memory: what steps may read besides their partition."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from engine.core.calendar import to_micros

Data = dict[str, Any]
Version = tuple[int, int, Data]

EVER = to_micros(datetime.min.replace(tzinfo=UTC))
"""Since when something is known of which nobody said since when, put before time began. It is no instant to be shown."""

_at = itemgetter(0)

_NONE: dict[str, list[Version]] = {}


def items(value: Any) -> Iterator[Any]:
    """The items of a list and of the lists in it."""
    if isinstance(value, list):
        for item in value:
            yield from items(item)
    elif value is not None:
        yield value


class Entities:
    """Entities as of any instant. `put` keeps every version; `learned` values are published by partitions."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, list[Version]]] = {}
        self._sorted: dict[str, list[str]] = {}
        self._latest: dict[str, tuple[int, list[tuple[str, Data]]]] = {}
        self._learned: dict[tuple[str, str], dict[str, Any]] = {}

    def put(self, entity: str, key: str, at: int, seq: int, data: Data) -> None:
        """Add the version that is valid from `at` on; of two at one instant the later put holds."""
        kind = self._kinds.setdefault(entity, {})
        self._latest.pop(entity, None)
        versions = kind.get(key)
        if versions is None:
            kind[key] = [(at, seq, data)]
            self._sorted.pop(entity, None)
        else:
            insort(versions, (at, seq, data), key=_at)

    def get(self, entity: str, key: str, at: int) -> Data | None:
        """The version with the greatest `at` not after the instant, or None."""
        kind = self._kinds.get(entity)
        versions = kind.get(key) if kind is not None else None
        if versions is None:
            return None
        last = versions[-1]
        if last[0] <= at:
            return last[2]
        position = bisect_right(versions, at, key=_at)
        return versions[position - 1][2] if position else None

    def missing(self, references: tuple[tuple[str, str], ...], data: Data, at: int) -> tuple[str, str, str] | None:
        """The first of `references` (field of `data`, kind) that names nothing known at the instant: (field, kind, key)."""
        for field, entity in references:
            key = data.get(field)
            if key is not None:
                versions = self._kinds.get(entity, _NONE).get(key)
                if versions is None or versions[0][0] > at:
                    return field, entity, key
        return None

    def missing_item(self, listed: tuple[tuple[str, str], ...], data: Data, at: int) -> tuple[str, str, str] | None:
        """As `missing`, of fields that hold lists of references."""
        for field, entity in listed:
            for key in items(data.get(field)):
                versions = self._kinds.get(entity, _NONE).get(key)
                if versions is None or versions[0][0] > at:
                    return field, entity, key
        return None

    def all(self, entity: str, at: int) -> Iterable[tuple[str, Data]]:
        """Every entity of a kind known at the instant, in the order of their keys."""
        latest = self._latest.get(entity)
        if latest is None:
            versions = sorted(self._kinds.get(entity, {}).items())
            since = max((held[-1][0] for _, held in versions), default=0)
            latest = self._latest[entity] = (since, [(key, held[-1][2]) for key, held in versions])
        if at >= latest[0]:
            return latest[1]
        asked = ((key, self.get(entity, key, at)) for key in self.keys(entity))
        return [(key, found) for key, found in asked if found is not None]

    def keys(self, entity: str) -> list[str]:
        """The keys of a kind, sorted."""
        keys = self._sorted.get(entity)
        if keys is None:
            keys = self._sorted[entity] = sorted(self._kinds.get(entity, ()))
        return keys

    def knows(self, entity: str, key: str) -> bool:
        """Whether there is any version of an entity, whenever it holds."""
        return key in self._kinds.get(entity, ())

    def version(self, entity: str, key: str, at: int) -> Data | None:
        """The version that holds from exactly this instant on: the one that was put last."""
        held = [data for since, _, data in self._kinds.get(entity, _NONE).get(key, ()) if since == at]
        return held[-1] if held else None

    def count(self, entity: str, key: str, at: int) -> int:
        """How many versions were put for exactly this instant."""
        return sum(since == at for since, _, _ in self._kinds.get(entity, _NONE).get(key, ()))

    def first(self, entity: str, key: str) -> int:
        """Since when an entity is known."""
        return self._kinds[entity][key][0][0]

    def after(self, entity: str, key: str, at: int) -> list[int]:
        """The instants after `at` from which later versions of an entity hold."""
        return [version[0] for version in self._kinds[entity][key] if version[0] > at]

    def earliest(self) -> int | None:
        """The earliest instant that anything is known from; what is known from ever has none."""
        instants = (version[0] for kind in self._kinds.values() for held in kind.values() for version in held)
        return min((instant for instant in instants if instant != EVER), default=None)

    def learned(self, entity: str, name: str) -> Mapping[str, Any]:
        """What partitions have published about entities under `name`, by the entities' keys."""
        return self._learned.get((entity, name), {})

    def teach(self, entity: str, key: str, name: str, value: Any) -> None:
        """Take a published value."""
        self._learned.setdefault((entity, name), {})[key] = value
