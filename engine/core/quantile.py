"""A sketch of how numbers are spread, for percentiles: bounded, mergeable, and the same whatever the order of arrival.

Up to `MOST_EXACT` different values are counted one by one. Above that, values share buckets: each power of two is cut into
`CUTS` equal parts, so that the middle of a bucket lies within 1/128 (0.8 %) of all its values. When more than `MOST_BUCKETS`
buckets are filled, neighbours are joined two by two, which doubles that error; with values that span less than sixteen powers of
two on either side of zero it never comes to that. Whether values share buckets, and how coarse those are, follows from the set of
values alone, hence the order does not count. (Buckets of equal relative width are the idea of HdrHistogram and of Masson, Rim and
Lee, "DDSketch", VLDB 2019.)
"""

from __future__ import annotations

import math
from typing import Any

MOST_EXACT = 128
MOST_BUCKETS = 2048
CUTS = 64

_ORIGIN = 1 << 17
"""Above the number of the smallest bucket of doubles, so that bucket numbers are positive, and those of negative values negative."""

Sketch = list[Any]
"""[counts, halvings, least, greatest]: `counts` by value while `halvings` is None, else by bucket, joined so many times."""


def fresh() -> Sketch:
    """A sketch of nothing."""
    return [{}, None, math.inf, -math.inf]


def add(sketch: Sketch, value: Any, _other: Any) -> None:
    """Count a finite number."""
    number = float(value) + 0.0
    counts, halvings = sketch[0], sketch[1]
    slot = number if halvings is None else _bucket(number, halvings)
    counts[slot] = counts.get(slot, 0) + 1
    sketch[2], sketch[3] = min(sketch[2], number), max(sketch[3], number)
    _bound(sketch)


def merge(sketch: Sketch, other: Sketch) -> None:
    """Count all that another sketch has counted."""
    counts, halvings = other[0], other[1]
    if halvings is not None:
        _coarsen(sketch, halvings)
    mine = sketch[1]
    held = sketch[0]
    for slot, count in counts.items():
        if mine is not None:
            slot = _bucket(slot, mine) if halvings is None else _joined(slot, mine - halvings)
        held[slot] = held.get(slot, 0) + count
    sketch[2], sketch[3] = min(sketch[2], other[2]), max(sketch[3], other[3])
    _bound(sketch)


def quantile(sketch: Sketch, percent: float) -> float | None:
    """The least value that at least `percent` of a hundred values do not exceed (nearest rank); None of nothing.

    Exact up to `MOST_EXACT` different values, and for 0 and 100; else within 1/128 of it, doubled for each time buckets were joined.
    """
    counts, halvings, least, greatest = sketch
    total = sum(counts.values())
    if not total:
        return None
    rank = min(max(math.ceil(round(percent * total / 100, 9)), 1), total)
    if rank in (1, total):
        return float(least if rank == 1 else greatest)
    passed = 0
    for slot in sorted(counts):
        passed += counts[slot]
        if passed >= rank:
            break
    return float(slot if halvings is None else min(max(_middle(slot, halvings), least), greatest))


def _bound(sketch: Sketch) -> None:
    if sketch[1] is None:
        if len(sketch[0]) > MOST_EXACT:
            _coarsen(sketch, 0)
    else:
        while len(sketch[0]) > MOST_BUCKETS:
            _coarsen(sketch, sketch[1] + 1)


def _coarsen(sketch: Sketch, halvings: int) -> None:
    """Let values share buckets that are joined at least `halvings` times."""
    held, before = sketch[0], sketch[1]
    if before is not None and before >= halvings:
        return
    joined: dict[int, int] = {}
    for slot, count in held.items():
        bucket = _bucket(slot, halvings) if before is None else _joined(slot, halvings - before)
        joined[bucket] = joined.get(bucket, 0) + count
    sketch[0], sketch[1] = joined, halvings


def _bucket(value: float, halvings: int) -> int:
    """The number of a value's bucket: exact arithmetic, so that every machine finds the same. Zero has one for itself."""
    if not value:
        return 0
    mantissa, exponent = math.frexp(abs(value))
    bucket = (exponent * CUTS + int((mantissa - 0.5) * 2 * CUTS) + _ORIGIN) >> halvings
    return bucket if value > 0 else -bucket


def _joined(bucket: int, halvings: int) -> int:
    return bucket >> halvings if bucket >= 0 else -(-bucket >> halvings)


def _middle(bucket: int, halvings: int) -> float:
    number = abs(bucket)
    middle = _half((number << halvings) - _ORIGIN) + _half(((number + 1) << halvings) - _ORIGIN) if number else 0.0
    return middle if bucket > 0 else -middle


def _half(edge: int) -> float:
    """Half the value at which a bucket begins, so that the greatest ones do not overflow."""
    exponent, cut = divmod(edge, CUTS)
    return math.ldexp(0.5 + cut / (2 * CUTS), exponent - 1)
