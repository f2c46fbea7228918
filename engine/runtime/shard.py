"""Shards: groups of partitions that one worker at a time steps, so that the order in each partition is kept."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from zlib import crc32

SHARDS = 32
"""How many there are. Fixed: what is queued was queued by them."""


def shard_of(scope: str, key: str) -> int:
    """The shard of a partition, the same in every process: 0 to `SHARDS` - 1."""
    return crc32(f"{scope}/{key}".encode()) % SHARDS


def grouped(shards: Iterable[int], size: int) -> list[list[int]]:
    """Shards that are claimed together: always the same ones, `size` at most."""
    return [list(group) for _, group in groupby(sorted(shards), lambda shard: shard // size)]
