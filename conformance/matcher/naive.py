"""Brute force: every combination of facts is tried for every rule, again and again, until nothing new follows."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.matcher.scenario import LEVELS, Comparison, Operand, Pattern, Rule

Fact = tuple[str, int, int]
Names = Mapping[str, float]

_OPS = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">=": operator.ge,
}  # fmt: skip


def conclusions(rules: Sequence[Rule], base: Iterable[Fact]) -> Counter[Fact]:
    """What follows from the facts of the base: each concluded fact with the number of matches that it rests on."""
    facts = set(base)
    supports: Counter[Fact] = Counter()
    for level in range(LEVELS):
        own = [rule for rule in rules if rule.level == level]
        while True:
            supports = Counter(fact for rule in own for fact in _concluded(rule, facts))
            if supports.keys() <= facts:
                break
            facts |= supports.keys()
    return Counter(fact for rule in rules for fact in _concluded(rule, facts))


def _concluded(rule: Rule, facts: set[Fact]) -> Iterator[Fact]:
    for names in _matches(rule.patterns, facts, {}):
        if all(_holds(test, names) for test in rule.when):
            yield rule.concludes, int(_value(rule.x, names)), int(_value(rule.y, names))


def _matches(patterns: Sequence[Pattern], facts: set[Fact], names: Names) -> Iterator[Names]:
    if not patterns:
        yield names
        return
    first, *rest = patterns
    every = ({**names, **own} for own in _own(first, facts))
    found = [more for more in every if all(_holds(test, more) for test in first.tests)]
    if first.group is None:
        for more in found:
            yield from _matches(rest, facts, more)
        return
    number = _number(first, [more[f"{first.alias}.{first.measure}"] for more in found])
    if number is not None:
        yield from _matches(rest, facts, {**names, first.number or "": number})


def _own(pattern: Pattern, facts: set[Fact]) -> Iterator[dict[str, float]]:
    for kind, x, y in facts:
        if kind == pattern.kind:
            yield {f"{pattern.alias}.x": x, f"{pattern.alias}.y": y}


def _number(pattern: Pattern, values: Sequence[float]) -> float | None:
    """The number of a group; for `none` and `exists` any number when they hold. None: it does not hold."""
    if pattern.group in ("none", "exists"):
        return 0 if bool(values) == (pattern.group == "exists") else None
    if pattern.group in ("count", "sum"):
        return len(values) if pattern.group == "count" else sum(values)
    if not values:
        return None
    return {"min": min(values), "max": max(values), "avg": sum(values) / len(values)}[str(pattern.group)]


def _holds(test: Comparison, names: Names) -> bool:
    return bool(_OPS[test.op](names[test.left], _value(test.right, names)))


def _value(operand: Operand, names: Names) -> float:
    return names[operand] if isinstance(operand, str) else operand
