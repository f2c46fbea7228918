"""Miss Manners: guests for both engines, and the pack through the step.

The problem is Brant's, of the OPS5 benchmarks: seat guests in a row so that neighbours differ in sex and share a hobby. Our pack and the
program for CLIPS have the same rules; both go on from the latest seating, ours because the rule says so, CLIPS by its strategy.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.stage import Stage
from engine import load
from engine.core.step import Stepper

PACK = Path(__file__).parent / "programs" / "manners.yaml"
HOBBIES = ("h1", "h2", "h3")


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest and one of the hobbies."""

    name: str
    sex: str
    hobby: str


def guests(count: int) -> list[Guest]:
    """Guests of both sexes in turn, each with two or three of three hobbies."""
    dice = random.Random(1)
    found: list[Guest] = []
    for i in range(count):
        hobbies = dice.sample(HOBBIES, dice.randint(2, 3))
        found += [Guest(f"n{i:03}", "m" if i % 2 else "f", hobby) for hobby in hobbies]
    return found


def manners(stepper: Stepper, count: int) -> Callable[[], object]:
    """The search for seats as something to time; everybody is invited already."""
    stage = Stage(stepper, "party")
    for one in guests(count):
        stage.send("invited", name=one.name, sex=one.sex, hobby=one.hobby)
    return partial(_seated, stage, count)


def stepper() -> Stepper:
    """The pack, ready to step."""
    return Stepper(load([PACK]))


def _seated(stage: Stage, count: int) -> None:
    step = stage.send("seats", last=count)
    failed = [one.fields["reason"] for one in step.records if one.kind == "error"]
    if failed or len(step.emitted) != count:
        raise RuntimeError(f"{len(step.emitted)} of {count} guests were seated {failed}")
