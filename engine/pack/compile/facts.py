"""The types of facts: what all the `assert`s of a name have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.cel import DYN, Field, RecordType, Type, check
from engine.pack.compile.build import Build
from engine.pack.compile.patterns import rule_scope
from engine.pack.model import Rule
from engine.pack.model.effect import Assert
from engine.pack.reading import Definition

Facts = Mapping[str, RecordType]


def infer(build: Build) -> dict[str, RecordType]:
    """A record for each asserted fact. Fields whose types differ between rules are `dyn`; those not always given, optional.

    Facts are asserted from facts, in circles too: first each field gets the type that the known ones of its values have, then fields
    of which some value turns out to be of no or of another type become `dyn`, until nothing changes.
    """
    rules: Mapping[str, Definition[Rule]] = build.section("rules")
    facts: Facts = {name: _unknown(name, rules) for name in dict.fromkeys(_asserted(rules))}
    for hopeful in (True, False):
        for _ in range(len(facts) + 1):
            found = {name: _record(build, name, rules, facts, hopeful=hopeful) for name in facts}
            if found == facts:
                break
            facts = found
    return dict(facts)


def _asserts(rules: Mapping[str, Definition[Rule]], name: str | None = None) -> Iterator[tuple[Rule, Assert]]:
    for rule in rules.values():
        for effect in rule.model.then:
            if isinstance(effect, Assert) and name in (None, effect.fact.get("fact")):
                yield rule.model, effect


def _asserted(rules: Mapping[str, Definition[Rule]]) -> Iterator[str]:
    yield from (effect.fact["fact"] for _, effect in _asserts(rules) if "fact" in effect.fact)


def _unknown(name: str, rules: Mapping[str, Definition[Rule]]) -> RecordType:
    fields = [field for _, effect in _asserts(rules, name) for field in effect.fact if field != "fact"]
    return RecordType(name, {field: Field(DYN) for field in fields})


def _record(
    build: Build, name: str, rules: Mapping[str, Definition[Rule]], facts: Facts, *, hopeful: bool
) -> RecordType:
    given: list[dict[str, Type]] = []
    for rule, effect in _asserts(rules, name):
        scope = rule_scope(build, rule, facts)
        given.append(
            {field: check(text, scope, deadlines=False).type for field, text in effect.fact.items() if field != "fact"}
        )
    fields: dict[str, Field] = {}
    for field in dict.fromkeys(field for one in given for field in one):
        kinds = {one[field] for one in given if field in one}
        if hopeful and len(kinds) > 1:
            kinds.discard(DYN)
        optional = any(field not in one for one in given)
        fields[field] = Field(kinds.pop() if len(kinds) == 1 else DYN, optional=optional)
    return RecordType(name, fields)
