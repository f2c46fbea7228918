"""One seed: events in the order of time and the same events late, and what differs in the end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from conformance.time.world import DAYS, DESKS, START, Data, entities, events, late
from engine import Engine
from engine.core.program import Program
from engine.store import open_store

END = START + timedelta(days=DAYS, hours=9)
MOST_EVENTS = 60
MANY = 1_000
"""More windows than are ever kept."""

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a seed gives in order and late, by what is asked: (in order, late)."""

    seed: int
    found: dict[str, tuple[Any, Any]]

    def __str__(self) -> str:
        lines = [f"seed {self.seed}:"]
        lines += [f"  {name}: {ordered} in order, {mixed} late" for name, (ordered, mixed) in self.found.items()]
        return "\n".join(lines)


def differences(program: Program, seed: int) -> Difference | None:
    """Play a seed in both orders, up to the same instant; None where nothing differs."""
    dice = random.Random(seed)
    ordered = events(dice, dice.randrange(5, MOST_EVENTS))
    one, other = play(program, ordered), play(program, late(dice, ordered))
    found = {name: (one[name], other[name]) for name in one if one[name] != other[name]}
    return Difference(seed, found) if found else None


def play(program: Program, arrivals: Sequence[tuple[datetime, Data]]) -> State:
    """What is there in the end: every window, every open item, every level."""
    with Engine(program, open_store("memory:")) as engine:
        engine.load_entities([(msgspec.json.encode(one), "entities") for one in entities()], None)
        engine.begin(START)
        lines = [msgspec.json.encode(line) for _, line in arrivals]
        records, _ = engine.process(lines)
        refused = [one for one in records if one.kind in ("reject", "error")]
        engine.advance(END)
        found: State = {"refused": refused}
        for desk in DESKS:
            levels = engine.state("desk", desk)["alerts"]
            found |= {
                f"{desk} alert {one.name}": levels.get(one.name, "green") for one in program.scopes["desk"].alerts
            }
            for name, view in engine.metrics("desk", desk).items():
                found[f"{desk} {name}"] = _seen(view)
        return found


def _seen(view: Any) -> Any:
    if hasattr(view, "oldest"):
        return view.count, view.oldest
    return view.now, view.last(MANY), view.trend(5)
