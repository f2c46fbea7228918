"""How many different values there were: exactly up to `MOST_EXACT`, above that estimated in 4 KiB, whatever the order of arrival.

The estimate is a HyperLogLog (Flajolet et al., 2007) read with the estimator of Ertl, "New cardinality estimation algorithms for
HyperLogLog sketches" (2017, algorithm 6). Its standard error is 1.04 / √4096 = 1.6 %. Registers hold the greatest rank of all values, and
whether there are any follows from the set of values alone, hence the order does not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from engine.core.equality import stored, written

MOST_EXACT = 10_000
INDEX_BITS = 12
REGISTERS = 1 << INDEX_BITS
RANK_BITS = 64 - INDEX_BITS

Values = list[Any]
"""[values as keys of a map], or [registers] once there are too many."""


def fresh() -> Values:
    """Of nothing."""
    return [{}]


def add(values: Values, value: Any, _other: Any) -> None:
    """Note a value."""
    held = values[0]
    if isinstance(held, dict):
        held[stored(value)] = True
        if len(held) > MOST_EXACT:
            values[0] = _registers(held)
    else:
        _note(_writable(values), [stored(value)])


def merge(values: Values, other: Values) -> None:
    """Note all that another one has noted."""
    held, more = values[0], other[0]
    if isinstance(held, dict) and isinstance(more, dict):
        held.update(more)
        if len(held) > MOST_EXACT:
            values[0] = _registers(held)
        return
    if isinstance(held, dict):
        values[0] = _registers(held)
    registers = _writable(values)
    if isinstance(more, dict):
        _note(registers, more)
    else:
        registers[:] = map(max, registers, more)


def count(values: Values) -> int:
    """How many different values were noted."""
    held = values[0]
    return len(held) if isinstance(held, dict) else max(MOST_EXACT + 1, round(_estimate(bytes(held))))


def _registers(keys: Iterable[Any]) -> bytearray:
    registers = bytearray(REGISTERS)
    _note(registers, keys)
    return registers


def _writable(values: Values) -> bytearray:
    """The registers, which come back from a store as bytes that cannot be changed."""
    held = values[0]
    if not isinstance(held, bytearray):
        held = values[0] = bytearray(held)
    return held


def _note(registers: bytearray, keys: Iterable[Any]) -> None:
    for key in keys:
        number = int.from_bytes(blake2b(written(key).encode(), digest_size=8).digest())
        index, rest = number >> RANK_BITS, number & ((1 << RANK_BITS) - 1)
        rank = RANK_BITS + 1 - rest.bit_length()
        if rank > registers[index]:
            registers[index] = rank


def _estimate(registers: bytes) -> float:
    spread = [registers.count(rank) for rank in range(RANK_BITS + 2)]
    found = REGISTERS * _tau(1 - spread[RANK_BITS + 1] / REGISTERS)
    for rank in range(RANK_BITS, 0, -1):
        found = 0.5 * (found + spread[rank])
    found += REGISTERS * _sigma(spread[0] / REGISTERS)
    return REGISTERS**2 / (2 * math.log(2) * found)


def _sigma(share: float) -> float:
    """What the registers without any value stand for."""
    weight, found, before = 1.0, share, -1.0
    while found != before and share < 1:
        share, before = share * share, found
        found += share * weight
        weight += weight
    return found


def _tau(share: float) -> float:
    """What the registers at their end stand for."""
    weight, found, before = 1.0, 1 - share, -1.0
    while found != before and 0 < share < 1:
        share, before = math.sqrt(share), found
        weight *= 0.5
        found -= (1 - share) ** 2 * weight
    return found / 3 if 0 < share < 1 else 0.0
