"""Partitions out of a store."""

from __future__ import annotations

from collections.abc import Collection

from engine.core.partition import Partition
from engine.store.batch import Key, LoadedPartition
from engine.store.protocol import Store


def loaded(store: Store, keys: Collection[Key]) -> dict[Key, Partition]:
    """The partitions of `keys` as they are committed, in one read; a new one where nothing was ever kept."""
    found = store.partitions(keys) if keys else {}
    return {where: restored(where, found[where]) if where in found else Partition(*where) for where in keys}


def restored(where: Key, held: LoadedPartition) -> Partition:
    """A partition as it was saved."""
    return Partition.load(*where, held.version, held.seq, held.sections)
