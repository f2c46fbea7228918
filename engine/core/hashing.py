"""Routing into arms: parity of the last digit, and GrowthBook's hash (version 2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def fnv1a_32(text: str) -> int:
    """The 32-bit FNV-1a hash of the UTF-8 bytes (Fowler, Noll, Vo)."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def bucket(seed: str, value: str) -> float:
    """Where `value` falls in [0, 1): GrowthBook's hash v2, `fnv(str(fnv(seed + value))) % 10000 / 10000`."""
    return fnv1a_32(str(fnv1a_32(seed + value))) % 10_000 / 10_000


def choose(weights: Sequence[tuple[str, float]], at: float) -> str | None:
    """The arm whose range of cumulative weights holds `at`, [lower, upper); None beyond the last one."""
    lower = 0.0
    for arm, weight in weights:
        if lower <= at < lower + weight:
            return arm
        lower += weight
    return None


def parity(text: str) -> str | None:
    """`odd` or `even` by the last decimal digit anywhere in the text; None where it has none."""
    for character in reversed(text):
        if character.isdecimal():
            return "odd" if unicodedata.decimal(character) % 2 else "even"
    return None
