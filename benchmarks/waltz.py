"""Waltz: drawings for both engines, and the pack through the step.

The problem is Waltz's, of the OPS5 benchmarks: say of every line in a drawing of solid bodies whether it is a ridge (`+`), a groove (`-`),
or where a body ends before what lies behind it. Junctions of lines are told by their shape; Huffman's and Clowes' catalogue says what each
shape can mean; meanings that no neighbour shares are struck out until nothing changes. What is left does not depend on the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from benchmarks.stage import Stage
from engine import load
from engine.core.step import Stepper

PACK = Path(__file__).parent / "programs" / "waltz.yaml"

CATALOGUE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "corner": (("in", "out"), ("out", "in"), ("out", "+"), ("+", "in"), ("-", "out"), ("in", "-")),
    "arrow": (("in", "+", "out"), ("+", "-", "+"), ("-", "+", "-")),
    "fork": (("+", "+", "+"), ("-", "-", "-"), ("out", "in", "-"), ("-", "out", "in"), ("in", "-", "out")),
    "tee": (("out", "+", "in"), ("out", "-", "in"), ("out", "in", "in"), ("out", "out", "in")),
}
"""What the lines of a junction can mean together, from its clockwise end on. An arrow has its body on the right."""

PHASES = ("draw", "detect", "propose", "trace", "strike", "label", "print")

Point = tuple[int, int]

_APART = 12
_RIM: tuple[Point, ...] = ((-8, -4), (-8, 4), (0, 8), (8, 4), (8, -4), (0, -8))
_BEHIND: Mapping[Point, Point] = {(0, 8): (6, 5), (8, 4): (8, 2), (8, -4): (6, -5)}
"""Where the next cube comes out from behind the rim, by the corner before that place."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line between two points, and what it is: `+`, `-`, or the point to which its arrow goes."""

    name: int
    start: Point
    end: Point
    label: str


def drawing(regions: int) -> list[Line]:
    """A row of cubes, each partly behind the one before."""
    return [
        Line(name, start, end, label)
        for name, (start, end, label) in enumerate(one for number in range(regions) for one in _cube(number, regions))
    ]


def _cube(number: int, regions: int) -> Iterator[tuple[Point, Point, str]]:
    hidden, last = number > 0, number == regions - 1

    def at(point: Point) -> Point:
        return point[0] + number * _APART, point[1]

    rim = [*_RIM[1:], *_RIM[:1]] if hidden else [*_RIM, _RIM[0]]
    for start, end in pairwise(rim):
        first = (-6, 5) if hidden and start == (-8, 4) else start
        final = (-6, -5) if hidden and end == (-8, -4) else end
        between = [] if last or start not in _BEHIND else [_BEHIND[start]]
        points = [at(one) for one in (first, *between, final)]
        for begin, goal in pairwise(points):
            yield begin, goal, named(goal)
    for spoke in ((8, 4), (0, -8), (-4, 2) if hidden else (-8, 4)):
        yield at((0, 0)), at(spoke), "+"


def named(point: Point) -> str:
    """The name of the junction at a point."""
    return f"{point[0]},{point[1]}"


def facts(regions: int) -> Iterator[tuple[str, dict[str, object]]]:
    """What both programs are given: the lines, the catalogue, and the order of what is done."""
    for one in drawing(regions):
        (ax, ay), (bx, by) = one.start, one.end
        ends = {"a": named(one.start), "b": named(one.end), "ax": ax, "ay": ay, "bx": bx, "by": by}
        yield "line", {"name": one.name, **ends}
    for shape, entries in CATALOGUE.items():
        for number, marks in enumerate(entries):
            entry = f"{shape}{number}"
            yield "entry", {"shape": shape, "name": entry}
            for place, mark in enumerate(marks, 1):
                yield "mark", {"entry": entry, "place": place, "mark": mark}
    for after, then in pairwise(PHASES):
        yield "next", {"after": after, "then": then}


def expect(found: list[tuple[int, str]], regions: int) -> None:
    """Every line has exactly the label that it was drawn with."""
    wanted = sorted((one.name, one.label) for one in drawing(regions))
    if sorted(found) != wanted:
        wrong = sorted(set(found).symmetric_difference(wanted))[:4]
        raise RuntimeError(f"{len(found)} labels of {len(wanted)} lines, different for example {wrong}")


def waltz(stepper: Stepper, regions: int) -> Callable[[], object]:
    """The labelling of a drawing as something to time; it is drawn already."""
    stage = Stage(stepper, "picture")
    for kind, fields in facts(regions):
        stage.send(f"{kind}.given", **fields)
    return partial(_labelled, stage, regions)


def stepper() -> Stepper:
    """The pack, ready to step."""
    return Stepper(load([PACK]))


def _labelled(stage: Stage, regions: int) -> None:
    step = stage.send("begun", phase=PHASES[0])
    failed = [one.fields["reason"] for one in step.records if one.kind == "error"]
    if failed:
        raise RuntimeError(f"the labelling failed: {failed[0]}")
    expect([(one.data["line"], one.data["label"]) for one in step.emitted], regions)
