"""What a pattern may match: facts, past events and entities, by a hash index where the pattern is joined on equality."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from engine.cel import CelError
from engine.core.cycle import Element, Matching
from engine.core.env import Env
from engine.core.equality import hashed
from engine.core.event import Event
from engine.core.network import equal
from engine.core.partition import Remembered
from engine.core.program import Pattern, Rule

UNKNOWN = 1_000
"""How many elements a plan reckons with where nobody counts them."""


def fact_element(number: int, fields: dict[str, Any]) -> Element:
    """A fact as what a pattern matched."""
    return number, fields, number, number


def event_element(event: Event | Remembered, place: int = 0) -> Element:
    """An event as what a pattern matched."""
    return f"event:{event.source}/{event.id}", event, event, place


def entity_element(kind: str, key: str, data: dict[str, Any]) -> Element:
    """An entity as what a pattern matched."""
    return f"entity:{kind}/{key}", data, None, key


def passing(look: Matching, env: Env, rule: Rule, pattern: Pattern) -> list[Element]:
    """The elements that match a pattern with what is bound so far."""
    found = _candidates(look, env, rule, pattern)
    if not found or not (pattern.tests or pattern.where):
        return found
    return [element for element in found if _passes(look, env, rule, pattern, element)]


def any_passes(look: Matching, env: Env, rule: Rule, pattern: Pattern) -> bool:
    """Whether any element matches a pattern with what is bound so far."""
    found = _candidates(look, env, rule, pattern)
    if not (pattern.tests or pattern.where):
        return bool(found)
    return any(_passes(look, env, rule, pattern, element) for element in found)


def given(look: Matching, env: Env, rule: Rule, pattern: Pattern, element: Element) -> list[Element]:
    """The one element that is settled for a pattern, where it matches."""
    data = _fields(element[1])
    if pattern.equals and not equal(pattern, data):
        return []
    if pattern.key:
        key = _key(look, env, rule, pattern)
        if key is None or not _joins(pattern, data, list(map(hashed, key))):
            return []
    if not (pattern.tests or pattern.where) or _passes(look, env, rule, pattern, element):
        return [element]
    return []


def expected(look: Matching, pattern: Pattern) -> int:
    """How many elements a pattern that comes first would look at."""
    if pattern.kind == "fact":
        return look.facts.count(pattern.type, tuple(name for name, _ in pattern.equals), pattern.constants)
    if pattern.kind == "event":
        return len(look.turn.partition.memory.recent.get(pattern.type, ()))
    return 1 if any(name == _entity_key(look, pattern) for name, _ in pattern.equals) else UNKNOWN


def _entity_key(look: Matching, pattern: Pattern) -> str:
    """The field that identifies the entities of a pattern."""
    return look.turn.program.entities[pattern.type].key


def _passes(look: Matching, env: Env, rule: Rule, pattern: Pattern, element: Element) -> bool:
    env.bound[pattern.alias] = element[1]
    holds = look.turn.holds
    for test in pattern.tests:
        if not holds(rule.name, "match", test, env):
            return False
    return not pattern.where or look.hold(rule, "where", pattern.where, env)


def _fields(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = value.data if isinstance(value, (Event, Remembered)) else value
    return found


def _key(look: Matching, env: Env, rule: Rule, pattern: Pattern) -> tuple[Any, ...] | None:
    """What the elements of a pattern are joined on; None with an error outcome where it cannot be computed."""
    key = pattern.key
    try:
        return (key[0][1].run(env),) if len(key) == 1 else tuple([expression.run(env) for _, expression in key])
    except CelError as failure:
        look.turn.error(rule.name, failure, None, env, pattern.place)
        return None


def _joins(pattern: Pattern, data: dict[str, Any], wanted: list[Hashable]) -> bool:
    return all(hashed(data.get(name)) == value for (name, _), value in zip(pattern.key, wanted, strict=True))


def _candidates(look: Matching, env: Env, rule: Rule, pattern: Pattern) -> list[Element]:
    key = _key(look, env, rule, pattern) if pattern.key else ()
    if key is None:
        return []
    if pattern.kind == "fact":
        held = look.facts.joined(pattern.type, pattern.fields, key + pattern.constants)
        return [(number, fact.fields, number, number) for number, fact in held]
    if pattern.kind == "entity":
        return list(_entities(look, env, pattern, key))
    return list(_remembered(look, rule, pattern, key))


def _entities(look: Matching, env: Env, pattern: Pattern, key: tuple[Any, ...]) -> Iterator[Element]:
    wanted = dict(zip(pattern.fields, key + pattern.constants, strict=True)).get(_entity_key(look, pattern))
    shared, at = env.shared, env.at
    if wanted is not None:
        found = shared.get(pattern.type, str(wanted), at)
        listed = [(str(wanted), found)] if found is not None else []
    else:
        listed = list(shared.all(pattern.type, at))
    joined = list(map(hashed, key))
    for name, data in listed:
        if _joins(pattern, data, joined) and equal(pattern, data):
            yield entity_element(pattern.type, name, data)


def _remembered(look: Matching, rule: Rule, pattern: Pattern, key: tuple[Any, ...]) -> Iterator[Element]:
    """Past events of the pattern's type inside its span, which ends now and includes both ends."""
    now, span, joined = look.turn.now, pattern.within, list(map(hashed, key))
    for place, one in enumerate(look.turn.partition.memory.recent.get(pattern.type, ())):
        if span is not None and not now - span <= one.at <= now:
            continue
        if _joins(pattern, one.data, joined) and equal(pattern, one.data):
            if span is not None:
                look.wake(rule, one.at + span + 1)
            yield event_element(one, place)
