"""Patterns of rules: what each matches, and which conditions become constants, hash joins, or tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.cel import BOOL, DYN, Binding, Checked, Field, RecordType, Scope, as_equality, conjuncts, sub
from engine.cel.syntax import Binary, path
from engine.core.program import Expression, Pattern, PatternKind
from engine.pack import bench
from engine.pack.bench import Piece
from engine.pack.compile.build import Build
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import Rule
from engine.pack.model.rule import Pattern as Model
from engine.pack.reading import At
from engine.pack.scope import ENVELOPE, NOW
from engine.pack.span import micros

Facts = Mapping[str, RecordType]

ALWAYS = frozenset({"params", "key", "metrics", "workflows"})
"""Names whose values are the same for every element."""


@dataclass(slots=True)
class Draft:
    """A pattern while its conditions are sorted."""

    kind: PatternKind
    type: str
    alias: str
    within: int | None
    at: At
    current: bool
    equals: list[tuple[str, Any]] = field(default_factory=list)
    key: list[tuple[str, Expression]] = field(default_factory=list)
    tests: list[Expression] = field(default_factory=list)
    where: list[Expression] = field(default_factory=list)

    @property
    def absence(self) -> bool:
        """Whether the pattern holds when nothing matches."""
        return self.kind in ("none_fact", "none_event")

    def frozen(self) -> Pattern:
        """The pattern of the program."""
        return Pattern(
            self.kind, self.type, self.alias, self.within, tuple(self.equals), tuple(self.key),
            tuple(self.tests), tuple(self.where), self.at.place,
        )  # fmt: skip


def kind_of(build: Build, model: Model) -> tuple[PatternKind, str] | None:
    """What a pattern matches; None when it does not say exactly one thing."""
    chosen = [name for name in ("event", "fact", "entity", "none") if getattr(model, name) is not None]
    if len(chosen) != 1:
        return None
    name = str(getattr(model, chosen[0]))
    if chosen[0] == "none":
        return ("none_event" if name in build.vocabulary.events else "none_fact"), name
    kinds: dict[str, PatternKind] = {"event": "event", "fact": "fact", "entity": "entity"}
    return kinds[chosen[0]], name


def element(build: Build, kind: PatternKind, name: str, facts: Facts, *, current: bool) -> RecordType:
    """What the alias of a pattern is: an event, the fields of a fact, or an entity."""
    if kind in ("event", "none_event"):
        shape = build.vocabulary.events.get(name)
        data = shape.data if shape is not None else RecordType(name, {}, open=True)
        envelope = ENVELOPE if current else {key: one for key, one in ENVELOPE.items() if key != "late"}
        return RecordType(name, {**envelope, "data": Field(data, access="attr")})
    if kind == "entity":
        return build.vocabulary.entities.get(name, RecordType(name, {}, open=True))
    return facts.get(name, RecordType(name, {}, open=True))


def bindings(build: Build, rule: Rule, facts: Facts, *, absences: bool = False) -> dict[str, Binding]:
    """The names that the patterns of a rule bind; those of absences only inside them."""
    found: dict[str, Binding] = {}
    for model in rule.match:
        kind = kind_of(build, model)
        if kind is None:
            continue
        current = kind[0] == "event" and model.within is None
        if current and kind[1] in build.vocabulary.events:
            found = {**build.vocabulary.event([kind[1]], rule.by), **found}
        if model.alias is not None and (absences or not kind[0].startswith("none")):
            record = element(build, *kind, facts, current=current)
            found.update(build.vocabulary.candidate(model.alias, record))
    return found


def rule_scope(build: Build, rule: Rule, facts: Facts, *, absences: bool = False) -> Scope:
    """What conditions and effects of a rule see."""
    vocabulary = build.vocabulary
    names = bindings(build, rule, facts, absences=absences)
    return vocabulary.scope(vocabulary.own(rule.by), NOW, vocabulary.measured(rule.by), names)


def draft(build: Build, model: Model, at: At, by: str, facts: Facts) -> Draft | None:
    """A pattern without its conditions; None with a report when it cannot be one."""
    kind = kind_of(build, model)
    if kind is None:
        at.problem("bad_value", "a pattern has exactly one of `event`, `fact`, `entity` and `none`")
        return None
    what, name = kind
    if what in ("event", "none_event"):
        build.reaching(name, by, at / ("event" if what == "event" else "none"))
        if what == "none_event" and model.within is None:
            at.problem("missing_key", "the absence of an event needs `within`: for how long there was none")
    elif what == "entity":
        build.known(name, build.vocabulary.entities, at / "entity", "entity")
    elif name not in facts:
        spot = at / ("fact" if what == "fact" else "none")
        hint = did_you_mean(name, [*facts, *(build.vocabulary.events if what == "none_fact" else ())])
        spot.problem("never_asserted", f"no rule asserts the fact `{name}`", hint)
    if model.within is not None and what not in ("event", "none_event"):
        (at / "within").key_problem("bad_value", "only events have a time: `within` goes with `event` and `none`")
    within = micros(model.within) if model.within is not None else None
    alias = model.alias if model.alias is not None else f"#{at.path[-1]}"
    return Draft(what, name, alias, within, at, what == "event" and within is None)


class Sorter:
    """Puts each condition of a rule where the matcher can use it best."""

    def __init__(self, build: Build, rule: Rule, at: At, facts: Facts, drafts: Sequence[Draft]) -> None:
        self.drafts = drafts
        self.rule = rule
        self.at = at
        self.build = build
        self.facts = facts
        self.rest: list[Expression] = []
        current = next((index for index, one in enumerate(drafts) if one.current), None)
        self.owners = {one.alias: index for index, one in enumerate(drafts)}
        if current is not None:
            for name in bindings(build, rule, facts):
                self.owners.setdefault(name, current)

    def conditions(self) -> list[Expression]:
        """Read the conditions of all patterns and of the rule; returns what all patterns together must meet."""
        known: list[Expression] = []
        for index, (one, model) in enumerate(zip(self.drafts, self.rule.match, strict=True)):
            if model.where is None:
                continue
            scope = self._scope(index)
            piece = Piece(model.where, one.at / "where")
            whole = bench.expression(piece, scope, BOOL, given=known, deadlines=True)
            if not one.absence:
                known.append(whole)
            for condition in self._split(whole, piece):
                self._place(condition, index)
        if self.rule.when is not None:
            piece = Piece(self.rule.when, self.at / "when")
            scope = rule_scope(self.build, self.rule, self.facts)
            whole = bench.expression(piece, scope, BOOL, given=known, deadlines=True)
            known.append(whole)
            for condition in self._split(whole, piece):
                self._place(condition, None)
        return known

    def _scope(self, index: int) -> Scope:
        """The names of patterns up to this one; of absences only its own."""
        names = {
            one.alias for other, one in enumerate(self.drafts) if other <= index and (not one.absence or other == index)
        }
        scope = rule_scope(self.build, self.rule, self.facts, absences=True)
        aliases = {one.alias for one in self.drafts}
        visible = {name: one for name, one in scope.bindings.items() if name in names or name not in aliases}
        return Scope(visible, scope.entities, scope.functions)

    def _split(self, whole: Expression, piece: Piece) -> Iterator[Expression]:
        if whole.checked.problems:
            return
        for node in conjuncts(whole.checked.node):
            yield bench.part(whole, sub(whole.checked, node), piece)

    def _place(self, condition: Expression, index: int | None) -> None:
        """Put a condition into the first pattern at which all that it needs is known.

        So what guards a value stands before what reads it, also where that becomes the key of a join. The conditions of an
        absence stay in it, and those that change with time are asked of whole matches.
        """
        if index is not None and self.drafts[index].absence:
            self._classify(condition, self.drafts[index], index)
            return
        needed = {self.owners[path[0]] for path in condition.checked.reads if path[0] in self.owners}
        first = next((place for place, one in enumerate(self.drafts) if not one.absence), None)
        target = max(needed, default=first)
        if condition.checked.ticking or target is None:
            self.rest.append(condition)
        else:
            self._classify(condition, self.drafts[target], target)

    def _classify(self, condition: Expression, one: Draft, index: int) -> None:
        checked = condition.checked
        equality = as_equality(checked.node, checked.scope)
        name = self._own_field(one, equality[0]) if equality is not None else None
        if equality is not None and name is not None and not checked.ticking:
            one.equals.append((name, equality[1]))
            return
        guarded = one.absence and bool(one.where)
        join = None if one.current or guarded else self._join(checked, one, index)
        if join is not None:
            one.key.append((join[0], bench.part(condition, join[1], Piece(condition.text, one.at))))
        elif {path[0] for path in checked.reads} <= self._own_roots(one) | {"params"} and not checked.ticking:
            one.tests.append(condition)
        else:
            one.where.append(condition)

    def _own_roots(self, one: Draft) -> set[str]:
        return {one.alias, "data", "event"} if one.current else {one.alias}

    def _own_field(self, one: Draft, names: tuple[str, ...] | None) -> str | None:
        """The field of the element that a path reads directly, when its type is known and can be looked up."""
        if names is None:
            return None
        is_event = one.kind in ("event", "none_event")
        if one.current and names[0] == "data" and len(names) == 2:
            found = names[1]
        elif names[0] == one.alias and len(names) == (3 if is_event else 2) and (not is_event or names[1] == "data"):
            found = names[-1]
        else:
            return None
        record = element(self.build, one.kind, one.type, self.facts, current=one.current)
        if is_event:
            data = record.fields["data"].type
            record = data if isinstance(data, RecordType) else record
        declared = record.fields.get(found)
        return found if declared is not None and declared.type != DYN else None

    def _join(self, checked: Checked, one: Draft, index: int) -> tuple[str, Checked] | None:
        """`element.field == something known before`: the field, and the other side."""
        node = checked.node
        if not isinstance(node, Binary) or node.op != "==" or checked.ticking:
            return None
        for own, other in ((node.left, node.right), (node.right, node.left)):
            name = self._own_field(one, path(own))
            side = sub(checked, other)
            roots = {names[0] for names in side.reads}
            if name is not None and one.alias not in roots and all(self.owners.get(root, -1) < index for root in roots):
                return name, side
        return None
