"""Joins inside a partition: the patterns of a rule over events, facts and entities, depth first, equalities by hash index."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.cel import CelError
from engine.core.alpha import AlphaIndex
from engine.core.calendar import to_micros
from engine.core.codec import identity
from engine.core.env import Env
from engine.core.event import Event
from engine.core.facts import Facts
from engine.core.partition import Remembered
from engine.core.program import Pattern, Rule
from engine.core.turn import Turn

Element = tuple[str, Any, Any]
"""What a pattern matched: its identity, the value bound to its alias, and the fact number or remembered event behind it."""


@dataclass(slots=True)
class Match:
    """One way in which a rule's patterns hold together."""

    rule: Rule
    elements: list[Element]

    @property
    def key(self) -> str:
        """What makes two matches the same."""
        return identity(self.rule.name, *[element[0] for element in self.elements])


@dataclass(slots=True)
class Cycle:
    """The agenda of one delivery, and what its matching looks at. `wakes` are instants at which time may change a match."""

    turn: Turn
    index: AlphaIndex
    env: Env
    facts: Facts
    agenda: list[tuple[int, int, int, str]] = field(default_factory=list)
    waiting: dict[str, Match] = field(default_factory=dict)
    fired: set[str] = field(default_factory=set)
    pushed: int = 0
    wakes: list[int] = field(default_factory=list)

    def push(self, match: Match) -> None:
        """Put a match on the agenda, unless it is there or has fired."""
        key = match.key
        if key in self.fired or key in self.waiting:
            return
        self.waiting[key] = match
        self.pushed += 1
        heapq.heappush(self.agenda, (-match.rule.priority, match.rule.order, self.pushed, key))


def extend(
    cycle: Cycle, rule: Rule, position: int, elements: list[Element], given: dict[int, Element]
) -> Iterator[Match]:
    """Depth-first join over the patterns from `position` on."""
    if position == len(rule.patterns):
        if _conditions(cycle, rule):
            yield Match(rule, list(elements))
        return
    pattern = rule.patterns[position]
    if pattern.kind.startswith("none"):
        if not matches_any(cycle, rule, pattern):
            yield from extend(cycle, rule, position + 1, [*elements, ("none", None, None)], given)
        return
    bound = cycle.env.bound
    for element in [given[position]] if position in given else candidates(cycle, rule, pattern):
        bound[pattern.alias] = element[1]
        if _passes(cycle, rule, pattern, element):
            yield from extend(cycle, rule, position + 1, [*elements, element], given)
    bound.pop(pattern.alias, None)


def _conditions(cycle: Cycle, rule: Rule) -> bool:
    for condition in rule.when:
        if condition.wake is not None:
            instant = condition.wake(cycle.env)
            if instant is not None:
                cycle.wakes.append(to_micros(instant))
    return all(cycle.turn.holds(rule.name, "when", condition, cycle.env) for condition in rule.when)


def matches_any(cycle: Cycle, rule: Rule, pattern: Pattern) -> bool:
    """Whether anything matches a group pattern, with what is bound so far."""
    bound = cycle.env.bound
    try:
        for element in candidates(cycle, rule, pattern):
            bound[pattern.alias] = element[1]
            if _passes(cycle, rule, pattern, element):
                return True
        return False
    finally:
        bound.pop(pattern.alias, None)


def _passes(cycle: Cycle, rule: Rule, pattern: Pattern, element: Element) -> bool:
    if not equal(pattern, _fields(element[1])):
        return False
    turn, env = cycle.turn, cycle.env
    return all(turn.holds(rule.name, "match", test, env) for test in pattern.tests) and all(
        turn.holds(rule.name, "where", test, env) for test in pattern.where
    )


def equal(pattern: Pattern, data: dict[str, Any]) -> bool:
    """Whether an element has the constants that its pattern asks for; a boolean is no number."""
    for name, value in pattern.equals:
        held = data.get(name)
        if held != value or isinstance(held, bool) != isinstance(value, bool):
            return False
    return True


def _fields(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = value.data if isinstance(value, (Event, Remembered)) else value
    return found


def candidates(cycle: Cycle, rule: Rule, pattern: Pattern) -> Iterator[Element]:
    """What a pattern may match; by the hash index where it is joined on equality."""
    try:
        key = tuple(expression.run(cycle.env) for _, expression in pattern.key)
    except CelError as failure:
        cycle.turn.error(rule.name, failure, None, cycle.env, pattern.place)
        return
    names = tuple(name for name, _ in pattern.key)
    if pattern.kind.endswith("fact"):
        held = cycle.facts.joined(pattern.type, names, key) if names else list(cycle.facts.of(pattern.type).items())
        for number, fact in held:
            yield f"fact:{number}", fact.fields, number
    elif pattern.kind == "entity":
        yield from _entities(cycle, pattern, names, key)
    else:
        yield from _remembered(cycle, pattern, names, key)


def _entities(cycle: Cycle, pattern: Pattern, names: tuple[str, ...], key: tuple[Any, ...]) -> Iterator[Element]:
    declared = cycle.turn.program.entities[pattern.type]
    shared, at = cycle.env.shared, cycle.env.at
    if declared.key in names:
        wanted = str(key[names.index(declared.key)])
        found = shared.get(pattern.type, wanted, at)
        listed = [(wanted, found)] if found is not None else []
    else:
        listed = list(shared.all(pattern.type, at))
    for number, data in listed:
        if all(data.get(name) == value for name, value in zip(names, key, strict=True)):
            yield f"entity:{pattern.type}/{number}", data, None


def _remembered(cycle: Cycle, pattern: Pattern, names: tuple[str, ...], key: tuple[Any, ...]) -> Iterator[Element]:
    """Past events of the pattern's type inside its span, which ends now and includes both ends."""
    now, span = cycle.turn.now, pattern.within
    for one in cycle.turn.partition.memory.recent.get(pattern.type, ()):
        if span is not None and not now - span <= one.at <= now:
            continue
        if all(one.data.get(name) == value for name, value in zip(names, key, strict=True)):
            if span is not None:
                cycle.wakes.append(one.at + span + 1)
            yield f"event:{one.source}/{one.id}", one, one


def rebind(cycle: Cycle, rule: Rule, elements: list[Element]) -> bool:
    """Bind what a match had bound, and say whether it still holds."""
    bound = cycle.env.bound
    for pattern, element in zip(rule.patterns, elements, strict=True):
        if pattern.kind.startswith("none"):
            if matches_any(cycle, rule, pattern):
                return False
            continue
        if pattern.kind == "fact" and cycle.facts.get(element[2]) is None:
            return False
        bound[pattern.alias] = element[1]
    return all(cycle.turn.holds(rule.name, "when", condition, cycle.env) for condition in rule.when)
