"""The conditions of a rule, and where the matcher can use each of them best: as a constant, a hash join, or a test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.cel import BOOL, DYN, Checked, Node, RecordType, Scope, as_equality, as_threshold, conjuncts, sub
from engine.cel.syntax import Binary, Unary, path
from engine.core.program import Expression, Threshold
from engine.pack import bench
from engine.pack.bench import Piece
from engine.pack.compile.build import Build
from engine.pack.compile.patterns import MEASURES, Draft, Facts, bindings, element, measurable, rule_scope
from engine.pack.compile.views import View, is_view
from engine.pack.model import Rule
from engine.pack.model.rule import Pattern as Model
from engine.pack.reading import At

_SORTABLE = frozenset((int, float, datetime))


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One condition. `needs` are the patterns that it reads; `owner` is the group inside which it stands, if any."""

    expression: Expression
    needs: frozenset[int]
    owner: int | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """One way to read an equality as a join: a field of one pattern's element, and the other side with what that needs."""

    position: int
    field: str
    other: Checked
    needs: frozenset[int]


class Conditions:
    """Everything that a rule asks for, read once; `arranged` puts it into patterns for an order of joining."""

    def __init__(
        self, build: Build, rule: Rule, at: At, facts: Facts, drafts: Sequence[Draft], views: Sequence[View]
    ) -> None:
        self.drafts = drafts
        self.views = views
        self.rule = rule
        self.at = at
        self.build = build
        self.facts = facts
        self.owners = {one.alias: index for index, one in enumerate(drafts)}
        self.owners |= {one.into: index for index, one in enumerate(drafts) if one.into}
        self.current = next((index for index, one in enumerate(drafts) if one.current), None)
        if self.current is not None:
            for name in bindings(build, rule, facts):
                self.owners.setdefault(name, self.current)
        self.all: list[Condition] = []
        self.known: list[Expression] = []
        self._sides: dict[int, list[Side]] = {}
        self._parts: dict[tuple[int, Node], Expression] = {}
        self._read()

    def _read(self) -> None:
        """Read the conditions of all patterns and of the rule; `known` is what all patterns together must meet."""
        models = [model for model in self.rule.match if not is_view(model)]
        for index, (one, model) in enumerate(zip(self.drafts, models, strict=True)):
            scope, known = self._scope(index), self.known
            if model.where is not None:
                piece = Piece(model.where, one.at / "where")
                whole = bench.expression(piece, scope, BOOL, given=known, deadlines=True)
                self._split(whole, piece, index if one.group else None)
                known = [*known, whole]
            if not one.group:
                self.known = known
            elif one.kind.group in MEASURES:
                one.measure = self._measure(model, one, index, known)
        pieces = [piece for view in self.views for piece in (view.started, view.where)]
        pieces.append(Piece(self.rule.when, self.at / "when") if self.rule.when is not None else None)
        scope = rule_scope(self.build, self.rule, self.facts)
        for asked in [one for one in pieces if one is not None]:
            whole = bench.expression(asked, scope, BOOL, given=self.known, deadlines=True)
            self.known = [*self.known, whole]
            self._split(whole, asked, None)

    def _measure(self, model: Model, one: Draft, index: int, known: Sequence[Expression]) -> Expression | None:
        group = str(one.kind.group)
        text = getattr(model, group)
        if text is None:
            return None
        piece = Piece(text, one.at / group)
        found = bench.expression(piece, self._scope(index), given=known)
        if not found.checked.problems and not measurable(found, group):
            message = f"`{group}` is not defined for {found.checked.type}"
            piece.at.text_problem("wrong_type", message, 0, len(piece.text))
        return found

    def _scope(self, index: int) -> Scope:
        """The names of patterns up to this one; of what groups look at only its own."""
        hidden = {one.alias for other, one in enumerate(self.drafts) if other > index or (one.group and other != index)}
        hidden |= {one.into for one in self.drafts[index:]}
        scope = rule_scope(self.build, self.rule, self.facts, elements=True)
        visible = {name: one for name, one in scope.bindings.items() if name not in hidden}
        return Scope(visible, scope.entities, scope.functions)

    def _split(self, whole: Expression, piece: Piece, owner: int | None) -> None:
        if whole.checked.problems:
            return
        for node in conjuncts(whole.checked.node):
            condition = bench.part(whole, sub(whole.checked, node), piece)
            self.all.append(Condition(condition, self.needs(condition.checked), owner))

    def needs(self, checked: Checked) -> frozenset[int]:
        """The patterns that an expression reads."""
        return frozenset(self.owners[names[0]] for names in checked.reads if names[0] in self.owners)

    def numbers_told(self, read: frozenset[str]) -> frozenset[str]:
        """The numbers of groups that effects (`read`) or other patterns read."""
        found = set(read)
        for one in self.all:
            if len(one.needs) > 1 and not one.expression.checked.ticking:
                found |= {names[0] for names in one.expression.checked.reads}
        for one_draft in self.drafts:
            if one_draft.measure is not None:
                found |= {names[0] for names in one_draft.measure.checked.reads}
        return frozenset(one.into for one in self.drafts if one.into in found and one.into)

    def sides(self, condition: Condition) -> list[Side]:
        """The ways in which a condition `element.field == something else` can be a hash join."""
        found = self._sides.get(id(condition))
        if found is None:
            found = self._sides[id(condition)] = list(self._find_sides(condition))
        return found

    def _find_sides(self, condition: Condition) -> Iterator[Side]:
        checked = condition.expression.checked
        node = checked.node
        if not isinstance(node, Binary) or node.op != "==" or checked.ticking:
            return
        for own, other in ((node.left, node.right), (node.right, node.left)):
            names = path(own)
            position = self.owners.get(names[0]) if names is not None else None
            if names is None or position is None:
                continue
            field, side = self._own_field(self.drafts[position], names), sub(checked, other)
            needs = self.needs(side)
            if field is not None and position not in needs:
                yield Side(position, field, side, needs)

    def arranged(self, order: Sequence[int]) -> tuple[list[Draft], list[Expression]]:
        """The patterns in this order with their conditions, and the conditions that are asked of whole matches."""
        ranks = {position: rank for rank, position in enumerate(order)}
        found = {
            position: replace(self.drafts[position], equals=[], key=[], tests=[], where=[], having=[], thresholds=[])
            for position in order
        }
        first = next((position for position in order if not found[position].group), None)
        rest: list[Expression] = []
        for one in self.all:
            target = one.owner
            if target is None:
                target = max(one.needs, key=ranks.__getitem__, default=first)
                if one.expression.checked.ticking or target is None:
                    rest.append(one.expression)
                    continue
                if found[target].group:
                    found[target].having.append(one.expression)
                    continue
            self._classify(one, found[target], target, ranks)
        return [found[position] for position in order], rest

    def _classify(self, condition: Condition, one: Draft, position: int, ranks: dict[int, int]) -> None:
        """Put a condition into a pattern. What guards a value inside a group is asked before what reads it."""
        expression = condition.expression
        checked = expression.checked
        equality = as_equality(checked.node, checked.scope) or _as_truth(checked)
        name = self._own_field(one, equality[0]) if equality is not None else None
        if equality is not None and name is not None and not checked.ticking:
            one.equals.append((name, equality[1]))
            return
        guarded = one.group and bool(one.where)
        side = None if one.current or guarded else self._join(condition, position, ranks)
        if side is not None:
            one.key.append((side.field, self._part(expression, side.other, one.at)))
        elif {names[0] for names in checked.reads} <= _own_roots(one) | {"params"} and not checked.ticking:
            one.tests.append(expression)
            self._note_threshold(expression, one)
        else:
            one.where.append(expression)

    def _note_threshold(self, expression: Expression, one: Draft) -> None:
        found = as_threshold(expression.checked.node, expression.checked.scope)
        if found is not None and type(found[2]) in _SORTABLE:
            name = self._own_field(one, found[0])
            if name is not None:
                one.thresholds.append(Threshold(name, found[1], found[2], expression))

    def _join(self, condition: Condition, position: int, ranks: dict[int, int]) -> Side | None:
        for side in self.sides(condition):
            if side.position == position and all(ranks[need] < ranks[position] for need in side.needs):
                return side
        return None

    def _part(self, whole: Expression, side: Checked, at: At) -> Expression:
        key = id(whole), side.node
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = bench.part(whole, side, Piece(whole.text, at))
        return found

    def _own_field(self, one: Draft, names: tuple[str, ...]) -> str | None:
        """The field of the element that a path reads directly, when its type is known and can be looked up."""
        is_event = one.kind.of == "event"
        if one.current and names[0] == "data" and len(names) == 2:
            found = names[1]
        elif names[0] == one.alias and len(names) == (3 if is_event else 2) and (not is_event or names[1] == "data"):
            found = names[-1]
        else:
            return None
        record = element(self.build, one.kind, self.facts, current=one.current)
        if is_event:
            data = record.fields["data"].type
            record = data if isinstance(data, RecordType) else record
        declared = record.fields.get(found)
        return found if declared is not None and declared.type != DYN else None


def _as_truth(checked: Checked) -> tuple[tuple[str, ...], bool] | None:
    """`x.done` and `!x.done` as equalities with true and with false."""
    node, wanted = checked.node, True
    if isinstance(node, Unary) and node.op == "!":
        node, wanted = node.operand, False
    names = path(node)
    return (names, wanted) if names is not None and checked.notes.types[node] == BOOL else None


def _own_roots(one: Draft) -> set[str]:
    return {one.alias, "data", "event"} if one.current else {one.alias}
