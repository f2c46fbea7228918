"""Accumulators of metrics. Each is a small list, so that it packs tightly; each can be merged, so that sessions can join.

Sums are exact whatever the order: a sum is kept as non-overlapping partial sums (Shewchuk, "Adaptive Precision
Floating-Point Arithmetic", 1997), of which `math.fsum` gives the correctly rounded total.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.core import cardinality, quantile
from engine.core.program import AggregateKind

Accumulator = list[Any]


def add_exact(partials: list[float], value: float) -> None:
    """Add `value` to a list of non-overlapping partial sums, in place, without any rounding."""
    count = 0
    for partial in partials:
        if abs(value) < abs(partial):
            value, partial = partial, value
        high = value + partial
        low = partial - (high - value)
        if low:
            partials[count] = low
            count += 1
        value = high
    partials[count:] = [value]


def total(partials: list[float]) -> float:
    """The correctly rounded value of the partial sums."""
    return math.fsum(partials)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How one kind accumulates: a fresh accumulator, adding a value (a divisor for ratios), merging, and reading it."""

    fresh: Callable[[], Accumulator]
    add: Callable[[Accumulator, Any, Any], None]
    merge: Callable[[Accumulator, Accumulator], None]
    value: Callable[[Accumulator], Any]


def _count(acc: Accumulator, _value: Any, _other: Any) -> None:
    acc[0] += 1


def _merge_count(acc: Accumulator, other: Accumulator) -> None:
    acc[0] += other[0]


def _sum(acc: Accumulator, value: Any, _other: Any) -> None:
    if isinstance(value, int):
        acc[0] += value
    else:
        add_exact(acc[1], value)


def _merge_sum(acc: Accumulator, other: Accumulator) -> None:
    acc[0] += other[0]
    for partial in other[1]:
        add_exact(acc[1], partial)


def _sum_value(acc: Accumulator) -> Any:
    return math.fsum([acc[0], *acc[1]]) if acc[1] else acc[0]


def _avg(acc: Accumulator, value: Any, _other: Any) -> None:
    acc[0] += 1
    add_exact(acc[1], float(value))


def _merge_avg(acc: Accumulator, other: Accumulator) -> None:
    acc[0] += other[0]
    for partial in other[1]:
        add_exact(acc[1], partial)


def _avg_value(acc: Accumulator) -> Any:
    return total(acc[1]) / acc[0] if acc[0] else None


def _extreme(choose: Callable[..., Any]) -> Aggregate:
    def add(acc: Accumulator, value: Any, _other: Any) -> None:
        acc[:] = [choose(acc[0], value) if acc else value]

    def merge(acc: Accumulator, other: Accumulator) -> None:
        if other:
            add(acc, other[0], None)

    return Aggregate(list, add, merge, lambda acc: acc[0] if acc else None)


def _ratio(acc: Accumulator, value: Any, other: Any) -> None:
    add_exact(acc[0], float(value))
    add_exact(acc[1], float(other))


def _merge_ratio(acc: Accumulator, other: Accumulator) -> None:
    for mine, theirs in zip(acc, other, strict=True):
        for partial in theirs:
            add_exact(mine, partial)


def _ratio_value(acc: Accumulator) -> Any:
    divisor = total(acc[1])
    return total(acc[0]) / divisor if divisor else None


def percentile(percent: float) -> Aggregate:
    """The aggregate that answers one percentile, 0 to 100."""
    return Aggregate(quantile.fresh, quantile.add, quantile.merge, lambda acc: quantile.quantile(acc, percent))


AGGREGATES: dict[AggregateKind, Aggregate] = {
    "count": Aggregate(lambda: [0], _count, _merge_count, lambda acc: acc[0]),
    "sum": Aggregate(lambda: [0, []], _sum, _merge_sum, _sum_value),
    "avg": Aggregate(lambda: [0, []], _avg, _merge_avg, _avg_value),
    "min": _extreme(min),
    "max": _extreme(max),
    "distinct": Aggregate(cardinality.fresh, cardinality.add, cardinality.merge, cardinality.count),
    "ratio": Aggregate(lambda: [[], []], _ratio, _merge_ratio, _ratio_value),
}
"""Every kind but `percentile`, of which there are as many as numbers."""
