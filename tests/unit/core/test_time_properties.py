"""Within lateness the order of arrival changes no window, no open item and no alert level: 500 random sets of events.

`python -m conformance time --seeds N` plays all kinds of windows for more of them.
"""

from __future__ import annotations

import random
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.__main__ import main
from conformance.time.play import END, differences, play
from conformance.time.world import DESKS, WINDOWS, Program, events, late, program
from engine.core.calendar import to_micros
from engine.core.windows import bounds

SEEDS = 500
HALVES = (tuple(WINDOWS)[::2], tuple(WINDOWS)[1::2])
CHUNK = 50


@cache
def half(number: int) -> Program:
    return program(*HALVES[number])


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_late_events_end_as_events_in_order_do(first: int) -> None:
    found = [differences(half(seed % 2), seed) for seed in range(first, first + CHUNK)]
    assert [str(one) for one in found if one is not None] == []


def sums(pack: Program, kind: str, arrivals: list[Any], desk: str) -> list[float]:
    """The exact sums of the closed windows of a kind, newest first, by nothing but the times of events."""
    window = next(one.window for one in pack.scopes["desk"].windows if one.name == f"{kind}_sum")
    groups: list[list[Fraction]] = []
    ends = 0
    for time, line in arrivals:
        if line["type"] != "sold" or line["data"]["desk"] != desk:
            continue
        at, value = to_micros(time), Fraction(line["data"]["x"])
        if not groups or at >= ends:
            groups.append([])
        groups[-1].append(value)
        ends = at + window.size if kind == "bursts" else bounds(window, at)[1]
    closed = groups if not groups or ends <= to_micros(END) else groups[:-1]
    return [float(sum(group)) for group in reversed(closed)]


@pytest.mark.parametrize("kind", ["day", "workday", "week", "month", "hours", "bursts"])
def test_closed_windows_hold_what_the_times_of_events_say(kind: str) -> None:
    pack = program(kind)
    for seed in range(40):
        arrivals = events(random.Random(seed), 40)
        seen = play(pack, late(random.Random(seed), arrivals))
        for desk in DESKS:
            assert seen[f"{desk} {kind}_sum"][1] == sums(pack, kind, arrivals, desk)


@pytest.mark.parametrize(("kind", "count"), [("day", 9), ("hours", 21)])
def test_a_roster_has_a_value_for_every_window_though_events_lie_on_their_edges(kind: str, count: int) -> None:
    pack = program(kind)
    for seed in range(20):
        arrivals = events(random.Random(seed), 40)
        assert len(play(pack, arrivals)[f"b {kind}_roster"][1]) == count


def test_the_events_do_fill_windows_and_light_lamps() -> None:
    seen = [play(half(0), events(random.Random(seed), 60)) for seed in range(6)]
    levels = {level for one in seen for name, level in one.items() if "alert" in name}
    assert levels == {"green", "yellow", "red"}
    assert all(one["refused"] == [] for one in seen)
    assert all(len(one["a day_sum"][1]) > 3 and len(one["b hours_roster"][1]) > 15 for one in seen)


def test_the_command_says_how_many_differ() -> None:
    answer = CliRunner().invoke(main, ["time", "--seeds", "2"], catch_exceptions=False)
    assert answer.exit_code == 0
    assert answer.stdout == "time: 2 sets of events from seed 0 over 79 metrics, 0 differences\n"
