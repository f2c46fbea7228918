"""A ruleset as a pack: messages are facts of working memory, a firing is an emitted event, a firing takes its events away.

The scope is `sid`. A message is told by the event `post` or `assert`, and becomes a fact `posted` or `known` where a rule may want
it. Each rule has one of ours for every mixture of the two: a fact `posted` is retracted by the firing that it takes part in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import yaml

from engine.interop.durable_rules.charts import Flow, flowchart, statechart
from engine.interop.durable_rules.conditions import Element, Writer, literal
from engine.interop.durable_rules.fields import Fields
from engine.interop.durable_rules.reading import PLACE, Pattern, Rule, Sequence, rules
from engine.interop.names import Names, fitted

FIRST = 1_000_000
"""The priority of what keeps messages: above every rule."""

Yaml = dict[str, Any]
KINDS = {"posted": "post", "known": "assert"}
"""The facts that messages become, and the events that tell them."""

OWN = ("sid", "id", "number", "body")
"""The fields that every message has beside those that rules look at."""


def pack_text(name: str, definition: Mapping[str, Any]) -> str:
    """The pack that the ruleset `name` becomes; `name` may end with `$state` or `$flow`. Raises `PackError`."""
    return Ruleset.read(name, definition).text()


@dataclass(slots=True)
class Ruleset:
    """A ruleset with all that its pack and its host must know. `fields` are those of messages, `state_fields` those of the state."""

    name: str
    rules: dict[str, Rule]
    flow: Flow | None
    fields: Fields = field(default_factory=Fields)
    state_fields: Fields = field(default_factory=Fields)
    written: Yaml = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, definition: Mapping[str, Any]) -> Ruleset:
        """Read a definition. Raises `PackError` `bad_ruleset` or `unsupported`."""
        plain, _, kind = name.partition("$")
        flow = {"state": statechart, "flow": flowchart}[kind](plain, definition) if kind else None
        found = flow.rules if flow is not None else tuple(rules(definition))
        ruleset = cls(plain, {rule.name: rule for rule in found}, flow)
        ruleset._write()
        return ruleset

    def text(self) -> str:
        """The YAML of the pack."""
        pack = {
            "pack": {"name": fitted(self.name), "version": "1", "language": "en"},
            "events": self._events(),
            "rules": self.written,
        }
        return yaml.dump(pack, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000)

    # --- the pack --------------------------------------------------------------------------------

    def _events(self) -> Yaml:
        def declared(data: Mapping[str, str]) -> Yaml:
            return {"keys": {"sid": "data.sid"}, "data": {"sid": "string", **data}}

        told = declared({"id": "string", "number": "int", "body": "map", **self.fields.declared()})
        return {
            **dict.fromkeys(KINDS.values(), told),
            "retract": declared({"id": "string"}),
            "put": declared({"number": "int", "body": "map", **self.state_fields.declared()}),
            "drop": declared({}),
            "begin": declared({}),
            "timed": declared({"name": "string", "due": "timestamp"}),
            "untimed": declared({"name": "string"}),
            "fired": declared({"rule": "string", "match": "list(map)"}),
        }

    def _write(self) -> None:
        """All rules. Those of the ruleset come first, for it is they that say which fields there are."""
        names = Names()
        for one in self.rules.values():
            for sequence in one.sequences:
                for body in self._fires(one, sequence):
                    self.written[names.of(object(), one.name)] = body
        wanted = dict.fromkeys(self._wanted())
        keeping = {
            f"_{fact}_{number}": self._keeps(fact, where) for number, where in enumerate(wanted) for fact in KINDS
        }
        self.written |= {**keeping, **self._housekeeping()}

    def _wanted(self) -> Iterator[str]:
        """What a message must be so that some pattern may match it."""
        own = Element("t.data", "t.data.body", self.fields)
        for one in self.rules.values():
            for sequence in one.sequences:
                for pattern in sequence:
                    if pattern.kind in ("message", "absence"):
                        yield Writer(one.name, own, None).condition(pattern.where)

    def _keeps(self, fact: str, where: str) -> Yaml:
        fields = {name: f"t.data.{name}" for name in (*OWN[1:], *self.fields.declared())}
        pattern = {"event": KINDS[fact], "as": "t", **({} if where == "true" else {"where": where})}
        kept = {"assert": {"fact": fact, **fields}, "keep": True}
        return {"by": "sid", "priority": FIRST, "match": [pattern], "then": [kept]}

    def _housekeeping(self) -> Yaml:
        """What is not the ruleset's: facts that are retracted, the state, the start of a chart, timers."""

        def standard(match: list[Yaml], then: list[Yaml], **more: Any) -> Yaml:
            return {"by": "sid", "priority": FIRST, "match": match, **more, "then": then}

        state = {name: f"p.data.{name}" for name in ("number", "body", *self.state_fields.declared())}
        put = {"assert": {"fact": "state", **state}, "keep": True}
        older = {"fact": "state", "as": "s", "where": "s.number < p.data.number"}
        made = {
            "_state_first": standard([{"event": "put", "as": "p"}, {"none": "state", "as": "s"}], [put]),
            "_state_next": standard([{"event": "put", "as": "p"}, older], [{"retract": "s"}, put]),
            "_state_gone": standard([{"event": "drop", "as": "d"}, {"fact": "state", "as": "s"}], [{"retract": "s"}]),
        }
        timer = {"fact": "timer", "name": "t.data.name", "due": "t.data.due"}
        ringing = {"assert": {"fact": "ringing", "name": "t.name"}, "keep": True}
        made |= {
            "_timer": standard([{"event": "timed", "as": "t"}], [{"assert": timer, "keep": True}]),
            "_rings": standard([{"fact": "timer", "as": "t"}], [{"retract": "t"}, ringing], when="now >= t.due"),
        }
        for fact in ("timer", "ringing"):
            stopped = {"fact": fact, "as": "t", "where": "t.name == u.data.name"}
            made[f"_{fact}_stops"] = standard([{"event": "untimed", "as": "u"}, stopped], [{"retract": "t"}])
        if self.wants_messages:
            gone = {"fact": "known", "as": "m", "where": "m.id == r.data.id"}
            made["_retracted"] = standard([{"event": "retract", "as": "r"}, gone], [{"retract": "m"}])
        if self.flow is not None:
            start = {"assert": {"fact": "place", "label": literal(self.flow.start)}, "keep": True}
            made["_begins"] = standard([{"event": "begin", "as": "b"}], [start])
        return made

    @property
    def wants_messages(self) -> bool:
        """Whether any rule looks at messages."""
        kinds = {pattern.kind for one in self.rules.values() for sequence in one.sequences for pattern in sequence}
        return not kinds.isdisjoint(("message", "absence"))

    @property
    def wants_state(self) -> bool:
        """Whether any rule looks at the state."""
        return any(pattern.kind == "state" for one in self.rules.values() for way in one.sequences for pattern in way)

    @property
    def looks_at_exceptions(self) -> bool:
        """Whether a rule looks at the state's `exception`."""
        return self.state_fields.has("exception")

    # --- the rules of the ruleset ----------------------------------------------------------------

    def _fires(self, one: Rule, sequence: Sequence) -> Iterator[Yaml]:
        """The rules of ours for one sequence: a mixture of events and facts each."""
        repeated = self._repeated(one, sequence)
        messages = sum(pattern.kind == "message" for pattern in repeated)
        for mixture in product(KINDS, repeat=messages):
            if one.count > 1 and len(set(mixture)) > 1:
                continue
            yield _Firing(self, one, repeated, mixture).body()

    def _repeated(self, one: Rule, sequence: Sequence) -> Sequence:
        """The sequence with the message that is counted standing there as often as it is."""
        found: list[Pattern] = []
        for pattern in sequence:
            found += [pattern] * (one.count if pattern.kind == "message" else 1)
        return tuple(found)


class _Dumper(yaml.SafeDumper):
    """Writes everything out: people read packs."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


class _Firing:
    """Writes the rule for one mixture of events and facts."""

    def __init__(self, ruleset: Ruleset, one: Rule, sequence: Sequence, mixture: tuple[str, ...]) -> None:
        self.ruleset = ruleset
        self.one = one
        self.sequence = sequence
        self.kinds = iter(mixture)
        self.names = Names()
        self.elements: dict[str, Element] = {}
        self.matched: list[tuple[str, str]] = []
        self.messages: list[tuple[str, str]] = []
        self.spent: list[str] = []

    def body(self) -> Yaml:
        match = [made for position, pattern in enumerate(self.sequence) for made in self.pattern(position, pattern)]
        told = {"sid": "key", "rule": literal(self.one.name), "match": f"[{', '.join(self.shown())}]"}
        then: list[Yaml] = [{"emit": "fired", "data": told}, *({"retract": alias} for alias in self.spent)]
        if self.one.to is not None:
            then.append({"assert": {"fact": "place", "label": literal(self.one.to)}, "keep": True})
        return {"by": "sid", "priority": -self.one.priority, "match": match, "then": then}

    def shown(self) -> list[str]:
        """What actions are told, as maps: one, or of a count one for each message, the newest first."""
        if self.one.count == 1:
            return [_map(self.matched)]
        bodies = [f"{alias}.body" for alias, _ in self.messages]
        counted = [pair for pair in self.matched if pair[1] in bodies]
        others = [pair for pair in self.matched if pair[1] not in bodies]
        return [_map([pair, *others]) for pair in reversed(counted)]

    def pattern(self, position: int, pattern: Pattern) -> list[Yaml]:
        alias = self.names.of(position, pattern.name)
        if pattern.kind == "message":
            return [self.message(alias, pattern)]
        if pattern.kind == "absence":
            return [self.written("none", fact, f"{alias}_{fact}", pattern, self.ruleset.fields) for fact in KINDS]
        if pattern.kind == "state":
            made = self.written("fact", "state", alias, pattern, self.ruleset.state_fields)
            self.know(alias, pattern.name, f"{alias}.body", self.ruleset.state_fields)
            return [made]
        fact, own = ("ringing", "name") if pattern.kind == "timer" else ("place", "label")
        shown = "$timerName" if pattern.kind == "timer" else "label"
        if pattern.kind == "timer" or self.one.to is not None:
            self.spent.append(alias)
        self.matched.append((PLACE if fact == "place" else pattern.name, _map([(shown, f"{alias}.{own}")])))
        return [{"fact": fact, "as": alias, "where": f"{alias}.{own} == {literal(pattern.text)}"}]

    def message(self, alias: str, pattern: Pattern) -> Yaml:
        fact = next(self.kinds)
        made = self.written("fact", fact, alias, pattern, self.ruleset.fields)
        asked = [made["where"]] if "where" in made else []
        alike = [other for other, kind in self.messages if kind == fact]
        if self.one.count > 1:
            asked += [f"{alias}.number > {other}.number" for other in alike[-1:]]
        elif self.one.distinct:
            asked += [f"{alias}.id != {other}.id" for other in alike]
        if asked:
            made["where"] = " && ".join(f"({part})" for part in asked) if len(asked) > 1 else asked[0]
        if fact == "posted":
            self.spent.append(alias)
        self.know(alias, pattern.name, f"{alias}.body", self.ruleset.fields)
        self.messages.append((alias, fact))
        return made

    def know(self, alias: str, name: str, body: str, fields: Fields) -> None:
        self.elements[name] = Element(alias, body, fields)
        self.matched.append((name, body))

    def written(self, key: str, fact: str, alias: str, pattern: Pattern, fields: Fields) -> Yaml:
        writer = Writer(self.one.name, Element(alias, f"{alias}.body", fields), self.elements)
        where = writer.condition(pattern.where)
        return {key: fact, "as": alias, **({} if where == "true" else {"where": where})}


def _map(pairs: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{literal(name)}: {value}" for name, value in pairs) + "}"
