"""A scenario through the engine: each program a pack, each fact that comes or goes an event through the step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from conformance.matcher.naive import Fact
from conformance.matcher.scenario import BASE, LEVELS, Comparison, Operation, Pattern, Put, Rule, Swap
from engine.core.event import Event
from engine.core.partition import SECTIONS, Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.pack import restore
from engine.runtime.entities import Entities

HEAD = """
pack: {name: scenario, version: "1", firings: 100000}
events:
  put: {keys: {desk: data.desk}, data: {desk: string, kind: string, x: int, y: int}}
  drop: {keys: {desk: data.desk}, data: {desk: string, kind: string, x: int, y: int}}
  never: {keys: {desk: data.desk}, data: {desk: string, x: int, y: int}}
rules:
"""
START_US = 1_772_409_600_000_000


class Ours:
    """The engine over one partition. `reloaded` saves and loads the partition before every event."""

    def __init__(self, rules: Sequence[Rule], *, reloaded: bool = False) -> None:
        self._programs: dict[tuple[Rule, ...], Stepper] = {}
        self._partition = Partition("desk", "d")
        self._entities = Entities()
        self._count = 0
        self._reloaded = reloaded
        self._stepper = self._compiled(tuple(rules))

    def apply(self, operation: Operation) -> None:
        """Let one thing happen. Raises RuntimeError for an error outcome."""
        if isinstance(operation, Swap):
            self._stepper = self._compiled(operation.rules)
            self._partition.working = None
            self._send(Put(BASE[0], 0, 0, there=False), "never")
        else:
            self._send(operation, "put" if operation.there else "drop")

    def facts(self) -> Counter[Fact]:
        """The concluded facts, with the number of matches that each rests on."""
        held = self._partition.memory.facts.values()
        return Counter(
            {(one.name, one.fields["x"], one.fields["y"]): one.supports for one in held if one.name not in BASE}
        )

    def _send(self, put: Put, kind: str) -> None:
        if self._reloaded:
            saved = self._partition.save(SECTIONS)
            self._partition = Partition.load("desk", "d", 0, 0, saved)
        self._count += 1
        at = START_US + self._count
        data = {"desk": "d", "kind": put.kind, "x": put.x, "y": put.y}
        event = Event(f"e{self._count}", "test", kind, at, data, (("desk", "d"),), at)
        for record in self._stepper.step(self._partition, self._entities, event).records:
            if record.kind == "error":
                raise RuntimeError(f"{record.name}: {record.fields['reason']}")

    def _compiled(self, rules: tuple[Rule, ...]) -> Stepper:
        found = self._programs.get(rules)
        if found is None:
            found = self._programs[rules] = Stepper(compiled(rules))
        return found


def compiled(rules: Sequence[Rule]) -> Program:
    """The program of rules."""
    return restore({"scenario.yaml": pack(rules)})


def pack(rules: Sequence[Rule]) -> str:
    """The rules as a pack. Every kind is also asserted by a rule that never fires, so that it is known what it holds."""
    parts = [HEAD]
    for kind in BASE:
        parts.append(
            f"  put_{kind}: {{by: desk, priority: 99, match: [{{event: put, as: e, where: \"e.data.kind == '{kind}'\"}}],"
            f" then: [{{assert: {{fact: {kind}, x: e.data.x, y: e.data.y}}, keep: true}}]}}\n"
            f"  drop_{kind}: {{by: desk, priority: 99, match: [{{event: drop, as: e, where: \"e.data.kind == '{kind}'\"}},"
            f" {{fact: {kind}, as: f, where: f.x == e.data.x && f.y == e.data.y}}], then: [{{retract: f}}]}}\n"
        )
    for level in range(LEVELS):
        parts.append(
            f"  know_d{level}: {{by: desk, match: [{{event: never, as: e, where: e.data.x < 0}}],"
            f" then: [{{assert: {{fact: d{level}, x: e.data.x, y: e.data.y}}}}]}}\n"
        )
    return "".join([*parts, *map(_rule, rules)])


def _rule(rule: Rule) -> str:
    patterns = "".join(f"      - {{{_pattern(one)}}}\n" for one in rule.patterns)
    when = f'    when: "{_all(rule.when)}"\n' if rule.when else ""
    then = f"    then: [{{assert: {{fact: {rule.concludes}, x: {rule.x}, y: {rule.y}}}}}]\n"
    return f"  {rule.name}:\n    by: desk\n    priority: {-rule.level}\n    match:\n{patterns}{when}{then}"


def _pattern(one: Pattern) -> str:
    where = f', where: "{_all(one.tests)}"' if one.tests else ""
    into = f", into: {one.number}" if one.number is not None else ""
    if one.group in (None, "none", "exists", "count"):
        return f"{one.group or 'fact'}: {one.kind}, as: {one.alias}{where}{into}"
    return f"collect: {one.kind}, as: {one.alias}{where}, {one.group}: {one.alias}.{one.measure}{into}"


def _all(tests: Sequence[Comparison]) -> str:
    return " && ".join(f"{one.left} {one.op} {one.right}" for one in tests)
