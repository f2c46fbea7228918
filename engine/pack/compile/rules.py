"""Rules: patterns in their order, conditions where the matcher can use them, effects checked against what is declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from engine.cel import Scope
from engine.core.program import Assert, Do, Effect, Emit, Expression, Pattern, Retract, Rule, Values
from engine.core.text import Template
from engine.pack import bench, names
from engine.pack.bench import Piece, words
from engine.pack.compile.anchors import anchor
from engine.pack.compile.build import Build
from engine.pack.compile.conditions import Conditions
from engine.pack.compile.depends import depends
from engine.pack.compile.effects import action, emit
from engine.pack.compile.patterns import Draft, Facts, draft, rule_scope
from engine.pack.compile.plans import plans
from engine.pack.compile.views import View, is_view, view
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import Rule as Model
from engine.pack.model import effect as models
from engine.pack.reading import At, Definition


def compile_rule(build: Build, one: Definition[Model], order: int, facts: Facts) -> Rule | None:
    """A rule of one scope; None when its scope or a pattern cannot be one."""
    model, at = one.model, one.at
    names.identifier(one.name, at)
    if not build.scope_name(model.by, at / "by"):
        return None
    spots = [(pattern, at / "match" / index) for index, pattern in enumerate(model.match)]
    found = [draft(build, pattern, spot, model.by, facts) for pattern, spot in spots if not is_view(pattern)]
    seen = [view(build, pattern, spot, model.by) for pattern, spot in spots if is_view(pattern)]
    drafts = [pattern for pattern in found if pattern is not None]
    views = [one for one in seen if one is not None]
    _check_aliases(model, at)
    if len(drafts) < len(found) or len(views) < len(seen):
        return None
    _check_current(drafts)
    conditions = Conditions(build, model, at, facts, drafts, views)
    arranged, rest = conditions.arranged(range(len(drafts)))
    _check_joins(arranged)
    for position, pattern in enumerate(arranged):
        pattern.anchor = anchor(conditions, pattern, position) if pattern.group else None
    scope = rule_scope(build, model, facts)
    then = tuple(
        _effect(build, effect, at / "then" / index, scope, model, conditions.known)
        for index, effect in enumerate(model.then)
    )
    told = conditions.numbers_told(frozenset(name for effect in then for name in _roots(effect)))
    patterns = tuple(pattern.frozen(told) for pattern in arranged)
    return Rule(
        name=one.name,
        title=words(model.title, one.name),
        scope=model.by,
        priority=model.priority,
        order=order,
        patterns=patterns,
        plans=plans(conditions, told),
        when=tuple(rest),
        then=then,
        depends=frozenset(_depends(build, patterns, rest, model.by, views)),
        place=at.key,
    )


def _roots(part: object) -> Iterator[str]:
    """The names that an effect reads, wherever in it an expression stands."""
    if isinstance(part, Expression):
        yield from (names[0] for names in part.checked.reads)
    elif isinstance(part, (list, tuple)):
        for item in part:
            yield from _roots(item)
    elif isinstance(part, Mapping):
        yield from _roots(list(part.values()))
    elif isinstance(part, (Emit, Do, Assert, Retract, Values, Template)):
        for one in fields(part):
            yield from _roots(getattr(part, one.name))


def _depends(
    build: Build, patterns: Sequence[Pattern], when: Sequence[Expression], by: str, views: Sequence[View]
) -> Iterator[str]:
    conditions = [*when]
    for pattern in patterns:
        conditions += [*pattern.tests, *pattern.where, *(expression for _, expression in pattern.key), *pattern.having]
        conditions += [pattern.measure] if pattern.measure is not None else []
        if pattern.kind == "entity" and pattern.type == by:
            yield "entity"
    for condition in conditions:
        yield from depends(build, condition, by, {one.alias: (one.root, one.name) for one in views if one.alias})


def _check_aliases(model: Model, at: At) -> None:
    seen: set[str] = set()
    for index, pattern in enumerate(model.match):
        for key, name in (("as", pattern.alias), ("into", pattern.into)):
            if name is None:
                continue
            spot = at / "match" / index / key
            if not names.is_identifier(name):
                spot.problem("bad_name", f"`{name}` cannot be written in an expression")
            elif name in names.RESERVED_ROOTS:
                spot.problem("reserved_name", f"`{name}` already means something in expressions")
            elif name in seen:
                spot.problem("duplicate_name", f"another pattern of the rule is already called `{name}`")
            seen.add(name)


def _check_current(drafts: Sequence[Draft]) -> None:
    current = [one for one in drafts if one.current]
    for extra in current[1:]:
        message = "only one pattern can be the event that is being delivered"
        extra.at.problem("bad_value", message, "give the others `within`: how far back they may lie")


def _check_joins(drafts: Sequence[Draft]) -> None:
    """Two patterns of many elements each, with nothing in common: every pair would be tried."""
    many = [one for one in drafts if not one.current and not one.group]
    for one in many[1:]:
        if not one.key:
            pair = f"`{many[0].kind.name}` and `{one.kind.name}`"
            message = f"nothing joins this pattern by `==` to an earlier one: every pair of {pair} is tried"
            one.at.report.add(
                one.at.document.diagnostic(
                    one.at.place, "unkeyed_join", message, "add `where: ALIAS.field == EARLIER.field`", "warning"
                )
            )


def _effect(
    build: Build, model: models.Emit | models.Do | models.Assert | models.Retract, at: At, scope: Scope, rule: Model,
    given: Sequence[Expression],
) -> Effect:  # fmt: skip
    if isinstance(model, models.Emit):
        return emit(build, model, at, scope, given)
    if isinstance(model, models.Do):
        return action(build, model, at, scope, rule.by, given)
    if isinstance(model, models.Assert):
        return _assert(model, at, scope, given)
    aliases = [one.alias for one in rule.match if one.fact is not None and one.alias is not None]
    if model.retract not in aliases:
        (at / "retract").problem(
            "unknown_alias", f"no fact is called `{model.retract}` here", did_you_mean(model.retract, aliases)
        )
    return Retract(model.retract, build.condition(model.when, at / "when", scope, given=given), at.place)


def _assert(model: models.Assert, at: At, scope: Scope, given: Sequence[Expression]) -> Assert:
    fact = model.fact.get("fact", "")
    if not fact:
        (at / "assert").key_problem("missing_key", "`fact` is missing: what is asserted")
    elif not names.is_identifier(fact):
        (at / "assert" / "fact").problem("bad_name", f"`{fact}` is not a name of a fact")
    fields = tuple(
        (name, bench.expression(Piece(text, at / "assert" / name), scope, given=given, absent=True, kept=True))
        for name, text in model.fact.items()
        if name != "fact"
    )
    return Assert(fact, fields, model.keep, at.place)
