"""The alpha network: what many patterns ask of one event is asked once, whatever their number.

A node holds patterns by what they still have to ask. Equalities with constants are one look-up each, conditions that several patterns
share are evaluated once for all of them, and thresholds on one field are sorted, so that a bisection gives those that are met.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from engine.cel import CelError
from engine.core.env import Env
from engine.core.program import Expression, Pattern, Rule, Threshold

Entry = tuple[Rule, int]
"""A rule, and the place of its pattern that stands for the current event."""

Run = Callable[[Any], Any]
Leaf = tuple[Entry, tuple[Run, ...]]
"""A rule with what it still asks."""

FEWEST = 4
"""Thresholds on one field that are worth sorting."""

_NUMBERS = frozenset((int, float))
_INSTANTS = frozenset((datetime,))


@dataclass(frozen=True, slots=True)
class _Item:
    """A pattern with the equalities, the conditions and the checks that are still to be asked."""

    entry: Entry
    equals: tuple[tuple[str, Any], ...]
    conditions: tuple[Expression, ...]
    checks: tuple[Run, ...]

    def without(self, expression: Expression) -> _Item:
        """The same without a condition that is decided."""
        left = [one for one in self.conditions if _name(self, one) != _name(self, expression)]
        return _Item(self.entry, self.equals, tuple(left), self.checks)

    @property
    def runs(self) -> tuple[Run, ...]:
        """All that is to be asked, as functions of the environment."""
        return (*self.checks, *(one.run for one in self.conditions))


class Node:
    """A part of the network; `entries` are all the rules below it."""

    __slots__ = ("entries", "fields", "guards", "leaves", "ranges")

    def __init__(self, items: Sequence[_Item]) -> None:
        self.entries = [one.entry for one in items]
        self.fields: list[tuple[str, dict[Any, Node]]] = []
        self.guards: list[tuple[Run, Node]] = []
        self.ranges: list[_Range] = []
        self.leaves: list[Leaf] = []
        if len(items) == 1:
            self.leaves.append(_leaf(items[0]))
        else:
            self._thresholds(self._shared(self._constants(items)))

    def _constants(self, items: Sequence[_Item]) -> list[_Item]:
        """Look-ups by the fields that most patterns ask for; returns the patterns without such a question."""
        weights = Counter(field for one in items for field, _ in one.equals)
        parts: dict[str, dict[Any, list[_Item]]] = {}
        for one in items:
            if one.equals:
                field, value = max(one.equals, key=lambda pair: weights[pair[0]])
                left = tuple(pair for pair in one.equals if pair[0] != field)
                below = _Item(one.entry, left, one.conditions, one.checks)
                parts.setdefault(field, {}).setdefault(value, []).append(below)
        for field, by_value in parts.items():
            self.fields.append((field, {value: Node(found) for value, found in by_value.items()}))
        return [one for one in items if not one.equals]

    def _shared(self, items: list[_Item]) -> list[_Item]:
        """Conditions that several patterns have, the most frequent first; returns the patterns that share none.

        Those that stand first go before others, which may fail where what stands before them does not hold: then each is asked alone.
        """
        while True:
            shared = _most_shared(items, first=True) or _most_shared(items, first=False)
            if shared is None:
                return items
            asked = {id(one): each for one in items for each in one.conditions if _name(one, each) == shared}
            below = [one.without(asked[id(one)]) for one in items if id(one) in asked]
            self.guards.append((next(iter(asked.values())).run, Node(below)))
            items = [one for one in items if id(one) not in asked]

    def _thresholds(self, items: list[_Item]) -> None:
        parts: dict[tuple[str, str, bool], list[tuple[Threshold, _Item]]] = {}
        for one in items:
            found = next((each for each in _thresholds(one)), None)
            if found is None:
                self.leaves.append(_leaf(one))
            else:
                key = found.field, found.op, isinstance(found.limit, datetime)
                parts.setdefault(key, []).append((found, one))
        for pairs in parts.values():
            if len(pairs) < FEWEST:
                self.leaves += [_leaf(one) for _, one in pairs]
            else:
                self.ranges.append(_Range(pairs))

    def reach(self, env: Env, found: list[Entry], failed: list[Entry]) -> None:
        """Add to `found` the entries below whose pattern the event matches, and to `failed` those of which a condition fails."""
        data = env.data
        if self.leaves:
            _decide(self.leaves, env, found, failed)
        for field, table in self.fields:
            try:
                child = table.get(data.get(field))
            except TypeError:  # a list or a map is no constant
                continue
            if child is not None:
                child.reach(env, found, failed)
        for run, child in self.guards:
            try:
                held = run(env)
            except CelError:
                failed += child.entries
                continue
            if held:
                child.reach(env, found, failed)
        for sorted_ones in self.ranges:
            sorted_ones.reach(env, found, failed)


class _Range:
    """Patterns with a threshold on one field in one direction, sorted by it."""

    __slots__ = ("classes", "cut", "field", "leaves", "limits", "unsorted", "upwards")

    def __init__(self, pairs: list[tuple[Threshold, _Item]]) -> None:
        first = pairs[0][0]
        pairs = sorted(pairs, key=lambda pair: pair[0].limit)
        self.field = first.field
        self.upwards = first.op in (">", ">=")
        self.cut = bisect_left if first.op in (">", "<=") else bisect_right
        self.classes = _INSTANTS if isinstance(first.limit, datetime) else _NUMBERS
        self.limits = [threshold.limit for threshold, _ in pairs]
        self.leaves = [_leaf(one.without(threshold.expression)) for threshold, one in pairs]
        self.unsorted = [_leaf(one) for _, one in pairs]

    def reach(self, env: Env, found: list[Entry], failed: list[Entry]) -> None:
        """As a node does. What is no number, or no instant, is asked one by one: that may be an error."""
        value = env.data.get(self.field)
        if value.__class__ in self.classes and value == value:
            place = self.cut(self.limits, value)
            leaves = self.leaves[:place] if self.upwards else self.leaves[place:]
        else:
            leaves = self.unsorted
        _decide(leaves, env, found, failed)


def _decide(leaves: Sequence[Leaf], env: Env, found: list[Entry], failed: list[Entry]) -> None:
    for entry, runs in leaves:
        try:
            for run in runs:
                if not run(env):
                    break
            else:
                found.append(entry)
        except CelError:
            failed.append(entry)


def _most_shared(items: Sequence[_Item], *, first: bool) -> tuple[str, str] | None:
    counts = Counter(
        name for one in items for name in {_name(one, each) for each in one.conditions[: 1 if first else None]}
    )
    if not counts or max(counts.values()) < 2:
        return None
    return max(counts, key=counts.__getitem__)


def network(entries: Sequence[Entry], conditions: Callable[[Rule, Pattern], tuple[Expression, ...]]) -> Node:
    """The network of patterns over one event type; `conditions` are those of a pattern that need nothing but the event."""
    return Node([_item(entry, conditions) for entry in entries])


def _item(entry: Entry, conditions: Callable[[Rule, Pattern], tuple[Expression, ...]]) -> _Item:
    rule, position = entry
    pattern = rule.patterns[position]
    usable = tuple((field, value) for field, value in pattern.equals if value.__hash__ is not None)
    exact = len(usable) == len(pattern.equals) and all(value not in (0, 1) for _, value in usable)
    checks = () if exact else (partial(_equal, pattern),)
    return _Item(entry, usable, conditions(rule, pattern), checks)


def equal(pattern: Pattern, data: dict[str, Any]) -> bool:
    """Whether an element has the constants that its pattern asks for; a boolean is no number."""
    for name, value in pattern.equals:
        held = data.get(name)
        if held != value or isinstance(held, bool) != isinstance(value, bool):
            return False
    return True


def _equal(pattern: Pattern, env: Env) -> bool:
    return equal(pattern, env.data)


def _leaf(item: _Item) -> Leaf:
    constants = (partial(_constant, field, value) for field, value in item.equals)
    return item.entry, (*constants, *item.runs)


def _constant(field: str, value: Any, env: Env) -> bool:
    return bool(env.data.get(field) == value)


def _thresholds(item: _Item) -> list[Threshold]:
    rule, position = item.entry
    return [one for one in rule.patterns[position].thresholds if one.expression in item.conditions]


def _name(item: _Item, expression: Expression) -> tuple[str, str]:
    """What makes two conditions the same: what they say, and of which alias they say it."""
    rule, position = item.entry
    alias = rule.patterns[position].alias
    return expression.text, alias if any(names[0] == alias for names in expression.checked.reads) else ""
