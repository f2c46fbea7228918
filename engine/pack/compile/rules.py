"""Rules: patterns in their order, conditions where the matcher can use them, effects checked against what is declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.cel import Scope
from engine.core.program import Assert, Effect, Expression, Pattern, Retract, Rule
from engine.pack import bench, names
from engine.pack.bench import Piece, words
from engine.pack.compile.build import Build
from engine.pack.compile.depends import depends
from engine.pack.compile.effects import action, emit
from engine.pack.compile.patterns import Draft, Facts, Sorter, draft, rule_scope
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
    found = [draft(build, pattern, at / "match" / index, model.by, facts) for index, pattern in enumerate(model.match)]
    drafts = [pattern for pattern in found if pattern is not None]
    _check_aliases(model, at)
    if len(drafts) < len(found):
        return None
    _check_current(drafts)
    sorter = Sorter(build, model, at, facts, drafts)
    given = sorter.conditions()
    _check_joins(drafts)
    scope = rule_scope(build, model, facts)
    then = tuple(
        _effect(build, effect, at / "then" / index, scope, model, given) for index, effect in enumerate(model.then)
    )
    patterns = tuple(pattern.frozen() for pattern in drafts)
    return Rule(
        name=one.name,
        title=words(model.title, one.name),
        scope=model.by,
        priority=model.priority,
        order=order,
        patterns=patterns,
        when=tuple(sorter.rest),
        then=then,
        depends=frozenset(_depends(build, patterns, sorter.rest, model.by)),
        place=at.key,
    )


def _depends(build: Build, patterns: Sequence[Pattern], when: Sequence[Expression], by: str) -> Iterator[str]:
    conditions = [*when]
    for pattern in patterns:
        conditions += [*pattern.tests, *pattern.where, *(expression for _, expression in pattern.key)]
        if pattern.kind == "entity" and pattern.type == by:
            yield "entity"
    for condition in conditions:
        yield from depends(build, condition, by)


def _check_aliases(model: Model, at: At) -> None:
    seen: set[str] = set()
    for index, pattern in enumerate(model.match):
        if pattern.alias is None:
            continue
        spot = at / "match" / index / "as"
        if not names.is_identifier(pattern.alias):
            spot.problem("bad_name", f"`{pattern.alias}` cannot be written in an expression")
        elif pattern.alias in names.RESERVED_ROOTS:
            spot.problem("reserved_name", f"`{pattern.alias}` already means something in expressions")
        elif pattern.alias in seen:
            spot.problem("duplicate_name", f"another pattern of the rule is already called `{pattern.alias}`")
        seen.add(pattern.alias)


def _check_current(drafts: Sequence[Draft]) -> None:
    current = [one for one in drafts if one.current]
    for extra in current[1:]:
        message = "only one pattern can be the event that is being delivered"
        extra.at.problem("bad_value", message, "give the others `within`: how far back they may lie")


def _check_joins(drafts: Sequence[Draft]) -> None:
    """Two patterns of many elements each, with nothing in common: every pair would be tried."""
    many = [one for one in drafts if not one.current and not one.absence]
    for one in many[1:]:
        if not one.key:
            message = f"nothing joins this pattern by `==` to an earlier one: every pair of `{many[0].type}` and `{one.type}` is tried"
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
    return Retract(model.retract, at.place)


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
