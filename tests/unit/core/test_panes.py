"""Sliding windows: exact while they are thin, bounded when they are not, and the same whatever the order of arrival."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from engine.core import panes
from engine.core.aggregate import AGGREGATES, percentile

SIZE = 64_000
KINDS = {**AGGREGATES, "percentile": percentile(75)}


def metric(kind: str) -> Any:
    return SimpleNamespace(window=SimpleNamespace(size=SIZE), accumulates=KINDS[kind])  # type: ignore[index]


def played(kind: str, arrivals: list[tuple[int, float]]) -> tuple[panes.Panes, int]:
    held: panes.Panes = {}
    now = 0
    for at, value in arrivals:
        now = max(now, at)
        panes.record(metric(kind), held, at, now, value, value + 1.0)
    return held, now


def directly(kind: str, arrivals: list[tuple[int, float]], since: int) -> Any:
    how = KINDS[kind]  # type: ignore[index]
    acc = how.fresh()
    for at, value in arrivals:
        if at > since:
            how.add(acc, value, value + 1.0)
    return how.value(acc)


def late(arrivals: list[tuple[int, float]], dice: random.Random, by: int) -> list[tuple[int, float]]:
    return sorted(arrivals, key=lambda one: one[0] + dice.uniform(0, by))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_thin_window_counts_each_event_to_its_own_instant(kind: str) -> None:
    for seed in range(30):
        dice = random.Random(seed)
        arrivals = [(at, float(dice.randrange(50))) for at in sorted(dice.sample(range(400_000), 1_000))]
        held, now = played(kind, late(arrivals, dice, 20_000))
        assert panes.value(metric(kind), held, now) == directly(kind, arrivals, now - SIZE)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_dense_window_is_the_same_in_every_order_and_reaches_at_most_a_64th_too_far(kind: str) -> None:
    for seed in range(10):
        dice = random.Random(seed)
        arrivals = [(dice.randrange(150_000), float(dice.randrange(50))) for _ in range(8_000)]
        ordered, now = played(kind, sorted(arrivals, key=lambda one: one[0]))
        shuffled, same = played(kind, late(arrivals, dice, 50_000))
        assert now == same
        assert panes.value(metric(kind), ordered, now) == panes.value(metric(kind), shuffled, now)
        counted = panes.value(metric("count"), played("count", arrivals)[0], now)
        exact, wider = (directly("count", arrivals, now - SIZE - more) for more in (0, SIZE // 64))
        assert exact <= counted <= wider


def test_memory_does_not_grow_with_events() -> None:
    sizes = []
    for count in (10_000, 100_000):
        dice = random.Random(1)
        held, _ = played("sum", [(n * 200_000 // count, dice.random()) for n in range(count)])
        sizes.append(len(held) + sum(len(points) for _, _, points in held.values()))
    assert sizes[1] <= sizes[0] <= 65 * 17


def test_the_next_to_leave_is_the_oldest_event_or_the_newest_of_a_dense_pane() -> None:
    thin, now = played("count", [(1_000, 1.0), (1_500, 1.0), (60_000, 1.0)])
    assert panes.next_leaving(metric("count"), thin, now) == 1_000 + SIZE
    dense, now = played("count", [(1_000 + n, 1.0) for n in range(40)])
    assert panes.next_leaving(metric("count"), dense, now) == 1_039 + SIZE
    assert panes.next_leaving(metric("count"), dense, 1_039 + SIZE) is None
