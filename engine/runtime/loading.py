"""Partitions out of a store."""

from __future__ import annotations

from collections.abc import Collection

from engine.core.partition import Partition
from engine.store.batch import Key
from engine.store.protocol import Store


def loaded(store: Store, keys: Collection[Key]) -> dict[Key, Partition]:
    """The partitions of `keys` as they are committed, in one read; a new one where nothing was ever kept."""
    found = store.partitions(keys) if keys else {}
    partitions: dict[Key, Partition] = {}
    for where in keys:
        held = found.get(where)
        if held is None:
            partitions[where] = Partition(*where)
        else:
            partitions[where] = Partition.load(*where, held.version, held.seq, held.sections)
    return partitions
