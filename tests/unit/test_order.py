"""Deadlines have the same order by places as in one timeline, also where firings set others, earlier ones and themselves."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from engine.runtime.order import Agenda, Firing
from engine.runtime.timeline import Timeline, Timer

NAMES = [(scope, key, name) for scope in "ab" for key in "xy" for name in ("alert/a", "workflow/w", "window/v")]
ROUNDS = [(20, False), (20, True), (35, False), (80, True)]

Set = Callable[[Timer, int | None], None]


def _sets(draw: random.Random, now: int) -> Iterator[tuple[Timer, int | None]]:
    """What somebody sets at an instant: later deadlines, earlier ones, some of this instant; some are cancelled."""
    for _ in range(draw.choice((0, 1, 1, 2))):
        yield draw.choice(NAMES), draw.choice((None, now - 7, now - 1, now, now, now + 1, now + 9, now + 30))


def _all(seed: int) -> list[tuple[int, Timer]]:
    """What fires, in order, where all deadlines stand in one timeline."""
    timeline, found, draw = Timeline(), list[tuple[int, Timer]](), random.Random(seed)
    for until, inclusive in ROUNDS:
        for timer in NAMES:
            timeline.set(timer, draw.randrange(until - 10, until + 20))
        while len(found) < 300 and (fired := timeline.pop(until, inclusive=inclusive)) is not None:
            found.append(fired)
            for timer, due in _sets(draw, fired[0]):
                timeline.set(timer, due)
    return found


def _by_places(seed: int) -> Iterator[tuple[int, Firing, Timer]]:
    agenda, count, draw = Agenda(), 0, random.Random(seed)
    for tick, (until, inclusive) in enumerate(ROUNDS):
        for timer in NAMES:
            agenda.set(timer, draw.randrange(until - 10, until + 20))
        while count < 300 and (firing := agenda.next(until, inclusive=inclusive)) is not None:
            agenda.firing = firing
            yield tick, firing, agenda.take()
            count += 1
            for timer, due in _sets(draw, firing[-1][0]):
                agenda.set(timer, due)
            agenda.firing = ()


@pytest.mark.parametrize("seed", range(200))
def test_deadlines_fire_by_their_places_as_they_do_in_one_timeline(seed: int) -> None:
    found = list(_by_places(seed))
    assert [(firing[-1][0], timer) for _, firing, timer in found] == _all(seed)
    places = [(tick, firing) for tick, firing, _ in found]
    assert places == sorted(set(places))
    assert len(found) > 12
