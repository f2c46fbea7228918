"""Patterns of rules: what each of them matches, what it is called, and what its element looks like in expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.cel import DOUBLE, DURATION, DYN, INT, TIMESTAMP, Binding, Field, RecordType, Scope, Type, check
from engine.core.program import Anchor, Expression, Group, Pattern, PatternKind, Threshold
from engine.pack.compile.build import Build
from engine.pack.compile.views import ROOTS, binding, is_view
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import Rule
from engine.pack.model.rule import Pattern as Model
from engine.pack.reading import At
from engine.pack.scope import ENVELOPE, NOW
from engine.pack.span import micros

Facts = Mapping[str, RecordType]

SINGLE: tuple[PatternKind, ...] = ("event", "fact", "entity")
GROUPS = ("none", "exists", "count", "collect")
MEASURES: Mapping[str | None, frozenset[Type]] = {
    "sum": frozenset({INT, DOUBLE}),
    "avg": frozenset({INT, DOUBLE}),
    "min": frozenset({INT, DOUBLE, TIMESTAMP, DURATION}),
    "max": frozenset({INT, DOUBLE, TIMESTAMP, DURATION}),
}
"""What `collect` can ask for, and of values of which types."""

_NAMES = ("sum", "min", "max", "avg")
_UNTIMED: Mapping[str, str] = {"none": "the absence of an event needs `within`: for how long there was none"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a pattern is about, and the question that it asks about all of it, if any."""

    of: PatternKind
    name: str
    group: Group | None = None

    @property
    def numeric(self) -> bool:
        """Whether the answer is a number that has a name."""
        return self.group not in (None, "none", "exists")


@dataclass(slots=True)
class Draft:
    """A pattern while its conditions are sorted."""

    kind: Kind
    alias: str
    into: str
    within: int | None
    at: At
    current: bool
    measure: Expression | None = None
    equals: list[tuple[str, Any]] = field(default_factory=list)
    key: list[tuple[str, Expression]] = field(default_factory=list)
    tests: list[Expression] = field(default_factory=list)
    where: list[Expression] = field(default_factory=list)
    having: list[Expression] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)
    anchor: Anchor | None = None

    @property
    def group(self) -> bool:
        """Whether the pattern asks about all elements and binds none of them."""
        return self.kind.group is not None

    def frozen(self, told: frozenset[str]) -> Pattern:
        """The pattern of the program; `told` are the numbers that effects or other patterns read."""
        return Pattern(
            self.kind.of, self.kind.name, self.alias, self.within, tuple(self.equals), tuple(self.key),
            tuple(name for name, _ in [*self.key, *self.equals]), tuple(value for _, value in self.equals),
            tuple(self.tests), tuple(self.where), self.at.place, self.kind.group, self.measure, self.into,
            self.measure is not None and self.measure.checked.type == DOUBLE, tuple(self.having), self.into in told,
            tuple(self.thresholds), self.current and self.at.path[-1] == 0 and not (self.key or self.where),
            self.anchor,
        )  # fmt: skip


def kind_of(build: Build, model: Model, facts: Facts) -> Kind | None:
    """What a pattern is about; None when it does not say exactly one thing."""
    chosen = [name for name in (*SINGLE, *GROUPS) if getattr(model, name) is not None]
    if len(chosen) != 1:
        return None
    name = str(getattr(model, chosen[0]))
    for kind in SINGLE:
        if kind == chosen[0]:
            return Kind(kind, name)
    group = _measured(model) if chosen[0] == "collect" else chosen[0]
    return Kind(_meant(build, name, facts), name, group)  # type: ignore[arg-type]


def _measured(model: Model) -> str:
    return next((name for name in _NAMES if getattr(model, name) is not None), "sum")


def _meant(build: Build, name: str, facts: Facts) -> PatternKind:
    if name in build.vocabulary.events:
        return "event"
    return "entity" if name in build.vocabulary.entities and name not in facts else "fact"


def element(build: Build, kind: Kind, facts: Facts, *, current: bool) -> RecordType:
    """What the alias of a pattern is: an event, the fields of a fact, or an entity."""
    name = kind.name
    if kind.of == "event":
        shape = build.vocabulary.events.get(name)
        data = shape.data if shape is not None else RecordType(name, {}, open=True)
        envelope = ENVELOPE if current else {key: one for key, one in ENVELOPE.items() if key != "late"}
        return RecordType(name, {**envelope, "data": Field(data, access="attr")})
    if kind.of == "entity":
        return build.vocabulary.entities.get(name, RecordType(name, {}, open=True))
    return facts.get(name, RecordType(name, {}, open=True))


def is_current(model: Model) -> bool:
    """Whether a pattern stands for the event that is being delivered."""
    return model.event is not None and model.within is None


def bindings(build: Build, rule: Rule, facts: Facts, *, elements: bool = False) -> dict[str, Binding]:
    """The names that the patterns of a rule bind; with `elements` also those that groups have only inside them."""
    found: dict[str, Binding] = {}
    for model in rule.match:
        if is_view(model):
            found.update(binding(build, model, rule.by))
        kind = kind_of(build, model, facts)
        if kind is None:
            continue
        current = is_current(model)
        if current and kind.name in build.vocabulary.events:
            found = {**build.vocabulary.event([kind.name], rule.by), **found}
        own = element(build, kind, facts, current=current)
        if model.alias is not None and (elements or kind.group is None):
            found.update(build.vocabulary.candidate(model.alias, own))
        if model.into is not None and kind.numeric:
            found.update(build.vocabulary.candidate(model.into, _number(build, rule, model, kind, own, found)))
    return found


def _number(build: Build, rule: Rule, model: Model, kind: Kind, own: RecordType, known: Mapping[str, Binding]) -> Type:
    """The type of what a count or a collection gives."""
    text = getattr(model, kind.group or "", None)
    if kind.group == "count":
        return INT
    if kind.group == "avg" or text is None:
        return DOUBLE
    inner = build.vocabulary.candidate(model.alias, own) if model.alias is not None else {}
    return check(text, _seen(build, rule.by, {**known, **inner}), deadlines=False).type


def _seen(build: Build, by: str, names: Mapping[str, Binding]) -> Scope:
    vocabulary = build.vocabulary
    return vocabulary.scope(vocabulary.own(by), NOW, vocabulary.measured(by), names)


def rule_scope(build: Build, rule: Rule, facts: Facts, *, elements: bool = False) -> Scope:
    """What conditions and effects of a rule see."""
    return _seen(build, rule.by, bindings(build, rule, facts, elements=elements))


def draft(build: Build, model: Model, at: At, by: str, facts: Facts) -> Draft | None:
    """A pattern without its conditions; None with a report when it cannot be one."""
    kind = kind_of(build, model, facts)
    if kind is None:
        listed = f"{', '.join(f'`{name}`' for name in (*SINGLE, *ROOTS, *GROUPS[:-1]))} and `{GROUPS[-1]}`"
        at.problem("bad_value", f"a pattern has exactly one of {listed}")
        return None
    _check_subject(build, model, kind, at, by, facts)
    _check_number(model, kind, at)
    if model.within is not None and kind.of != "event":
        (at / "within").key_problem("bad_value", "only events have a time: `within` goes with an event")
    within = micros(model.within) if model.within is not None else None
    alias = model.alias if model.alias is not None else f"#{at.path[-1]}"
    return Draft(kind, alias, model.into or "", within, at, is_current(model))


def _check_subject(build: Build, model: Model, kind: Kind, at: At, by: str, facts: Facts) -> None:
    key = next(name for name in (*SINGLE, *GROUPS) if getattr(model, name) is not None)
    if kind.of == "event":
        build.reaching(kind.name, by, at / key)
        if kind.group is not None and model.within is None:
            message = _UNTIMED.get(key, f"`{key}` of an event needs `within`: how far back it looks")
            at.problem("missing_key", message)
    elif kind.of == "entity":
        build.known(kind.name, build.vocabulary.entities, at / key, "entity")
    elif kind.name not in facts:
        others = (*build.vocabulary.events, *build.vocabulary.entities) if kind.group is not None else ()
        hint = did_you_mean(kind.name, [*facts, *others])
        (at / key).problem("never_asserted", f"no rule asserts the fact `{kind.name}`", hint)


def _check_number(model: Model, kind: Kind, at: At) -> None:
    """A number has a name; what is collected is exactly one of its measures."""
    given = [name for name in _NAMES if getattr(model, name) is not None]
    if model.collect is not None and len(given) != 1:
        at.problem("bad_value", "`collect` has exactly one of `sum`, `min`, `max` and `avg`")
    elif model.collect is None and given:
        (at / given[0]).key_problem("bad_value", f"`{given[0]}` goes with `collect`")
    if kind.numeric and model.into is None:
        at.problem("missing_key", "`into` is missing: what the number is called")
    elif not kind.numeric and model.into is not None:
        (at / "into").key_problem("bad_value", "`into` goes with `count` and `collect`")


def measurable(measure: Expression, group: str) -> bool:
    """Whether values of an expression can be collected so."""
    return measure.checked.type in MEASURES[group] or measure.checked.type == DYN
