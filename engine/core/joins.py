"""Joins inside a partition: the patterns of a rule over events, facts and entities, depth first, equalities by hash index."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.cel import CelError
from engine.core.activations import Activations
from engine.core.alpha import AlphaIndex, Entry
from engine.core.calendar import to_micros
from engine.core.codec import identity
from engine.core.env import Env
from engine.core.equality import hashed
from engine.core.event import Event
from engine.core.facts import Facts
from engine.core.partition import Remembered
from engine.core.program import Expression, Pattern, Rule
from engine.core.turn import Turn

Element = tuple[str, Any, Any]
"""What a pattern matched: its identity, the value bound to its alias, and the fact number or remembered event behind it."""


@dataclass(slots=True)
class Match:
    """One way in which a rule's patterns hold together, and what its expressions see."""

    rule: Rule
    elements: list[Element]
    env: Env

    @property
    def key(self) -> str:
        """What makes two matches the same."""
        return identity(self.rule.name, *[element[0] for element in self.elements])


@dataclass(slots=True)
class Cycle:
    """The agenda of one delivery, and what its matching looks at. `wakes` are instants at which time may change a match.

    `entries` are the rules that the event of the turn concerns; their expressions see it in `env`.
    """

    turn: Turn
    index: AlphaIndex
    env: Env
    facts: Facts
    activations: Activations
    entries: Sequence[Entry] = ()
    agenda: list[tuple[int, int, int, str]] = field(default_factory=list)
    waiting: dict[str, Match] = field(default_factory=dict)
    fired: set[str] = field(default_factory=set)
    pushed: int = 0
    wakes: list[int] = field(default_factory=list)
    _present: Env | None = None

    @property
    def present(self) -> Env:
        """What standing rules see: entities as they are now, however late the event of the turn is."""
        if self._present is None:
            self._present = self.turn.as_of_now()
        return self._present

    def push(self, match: Match) -> None:
        """Put a match on the agenda, unless it is there or has fired."""
        key = match.key
        if key in self.fired or key in self.waiting or key in self.activations:
            return
        self.waiting[key] = match
        self.pushed += 1
        heapq.heappush(self.agenda, (-match.rule.priority, match.rule.order, self.pushed, key))

    def wake(self, rule: Rule, instant: int) -> None:
        """Time may change a match of a standing rule at an instant; rules over the current event match once."""
        if rule.name not in self.index.positions:
            self.wakes.append(instant)

    def tick(self, rule: Rule, condition: Expression, env: Env) -> None:
        """Note when time alone may change a condition."""
        if condition.wake is not None:
            instant = condition.wake(env)
            if instant is not None:
                self.wake(rule, to_micros(instant))


def extend(
    cycle: Cycle, env: Env, rule: Rule, position: int, elements: list[Element], given: dict[int, Element]
) -> Iterator[Match]:
    """Depth-first join over the patterns from `position` on; `given` are elements that are settled for their positions."""
    if position == len(rule.patterns):
        if _conditions(cycle, env, rule):
            yield Match(rule, list(elements), env)
        return
    pattern = rule.patterns[position]
    if pattern.kind.startswith("none"):
        if not matches_any(cycle, env, rule, pattern):
            yield from extend(cycle, env, rule, position + 1, [*elements, ("none", None, None)], given)
        return
    bound = env.bound
    held = _given(cycle, env, rule, pattern, given[position]) if position in given else None
    for element in candidates(cycle, env, rule, pattern) if held is None else held:
        bound[pattern.alias] = element[1]
        if _passes(cycle, env, rule, pattern, element):
            yield from extend(cycle, env, rule, position + 1, [*elements, element], given)
    bound.pop(pattern.alias, None)


def _given(cycle: Cycle, env: Env, rule: Rule, pattern: Pattern, element: Element) -> list[Element]:
    """The settled element, where it has what its pattern is joined on."""
    if not pattern.key:
        return [element]
    key = _key(cycle, env, rule, pattern)
    return [element] if key is not None and _joins(pattern, _fields(element[1]), list(map(hashed, key))) else []


def _conditions(cycle: Cycle, env: Env, rule: Rule) -> bool:
    for condition in rule.when:
        cycle.tick(rule, condition, env)
    return all(cycle.turn.holds(rule.name, "when", condition, env) for condition in rule.when)


def matches_any(cycle: Cycle, env: Env, rule: Rule, pattern: Pattern) -> bool:
    """Whether anything matches a group pattern, with what is bound so far."""
    bound = env.bound
    try:
        for element in candidates(cycle, env, rule, pattern):
            bound[pattern.alias] = element[1]
            if _passes(cycle, env, rule, pattern, element):
                return True
        return False
    finally:
        bound.pop(pattern.alias, None)


def _passes(cycle: Cycle, env: Env, rule: Rule, pattern: Pattern, element: Element) -> bool:
    if not equal(pattern, _fields(element[1])):
        return False
    holds = cycle.turn.holds
    if not all(holds(rule.name, "match", test, env) for test in pattern.tests):
        return False
    for condition in pattern.where:
        cycle.tick(rule, condition, env)
    return all(holds(rule.name, "where", condition, env) for condition in pattern.where)


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


def _key(cycle: Cycle, env: Env, rule: Rule, pattern: Pattern) -> tuple[Any, ...] | None:
    """What the elements of a pattern are joined on; None with an error outcome where it cannot be computed."""
    try:
        return tuple(expression.run(env) for _, expression in pattern.key)
    except CelError as failure:
        cycle.turn.error(rule.name, failure, None, env, pattern.place)
        return None


def _joins(pattern: Pattern, data: dict[str, Any], wanted: list[Hashable]) -> bool:
    return all(hashed(data.get(name)) == value for (name, _), value in zip(pattern.key, wanted, strict=True))


def candidates(cycle: Cycle, env: Env, rule: Rule, pattern: Pattern) -> Iterator[Element]:
    """What a pattern may match; by the hash index where it is joined on equality."""
    key = _key(cycle, env, rule, pattern)
    if key is None:
        return
    if pattern.kind.endswith("fact"):
        names = tuple(name for name, _ in pattern.key)
        held = cycle.facts.joined(pattern.type, names, key) if names else list(cycle.facts.of(pattern.type).items())
        for number, fact in held:
            yield fact_element(number, fact.fields)
    elif pattern.kind == "entity":
        yield from _entities(cycle, env, pattern, key)
    else:
        yield from _remembered(cycle, rule, pattern, key)


def fact_element(number: int, fields: dict[str, Any]) -> Element:
    """A fact as what a pattern matched."""
    return f"fact:{number}", fields, number


def event_element(event: Event | Remembered) -> Element:
    """An event as what a pattern matched."""
    return f"event:{event.source}/{event.id}", event, event


def entity_element(kind: str, key: str, data: dict[str, Any]) -> Element:
    """An entity as what a pattern matched."""
    return f"entity:{kind}/{key}", data, None


def _entities(cycle: Cycle, env: Env, pattern: Pattern, key: tuple[Any, ...]) -> Iterator[Element]:
    declared = cycle.turn.program.entities[pattern.type]
    names = [name for name, _ in pattern.key]
    shared, at = env.shared, env.at
    if declared.key in names:
        wanted = str(key[names.index(declared.key)])
        found = shared.get(pattern.type, wanted, at)
        listed = [(wanted, found)] if found is not None else []
    else:
        listed = list(shared.all(pattern.type, at))
    joined = list(map(hashed, key))
    for number, data in listed:
        if _joins(pattern, data, joined):
            yield entity_element(pattern.type, number, data)


def _remembered(cycle: Cycle, rule: Rule, pattern: Pattern, key: tuple[Any, ...]) -> Iterator[Element]:
    """Past events of the pattern's type inside its span, which ends now and includes both ends."""
    now, span, joined = cycle.turn.now, pattern.within, list(map(hashed, key))
    for one in cycle.turn.partition.memory.recent.get(pattern.type, ()):
        if span is not None and not now - span <= one.at <= now:
            continue
        if _joins(pattern, one.data, joined):
            if span is not None:
                cycle.wake(rule, one.at + span + 1)
            yield event_element(one)


def rebind(cycle: Cycle, match: Match) -> bool:
    """Bind what a match had bound, and say whether it still holds."""
    rule, env = match.rule, match.env
    bound = env.bound
    for pattern, element in zip(rule.patterns, match.elements, strict=True):
        if pattern.kind.startswith("none"):
            if matches_any(cycle, env, rule, pattern):
                return False
            continue
        if pattern.kind == "fact" and cycle.facts.get(element[2]) is None:
            return False
        bound[pattern.alias] = element[1]
    return all(cycle.turn.holds(rule.name, "when", condition, env) for condition in rule.when)
