"""Joins inside a partition: the patterns of a rule over events, facts and entities, depth first, equalities by hash index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.core import candidates, groups
from engine.core.candidates import expected
from engine.core.cycle import Element, Match, Matching
from engine.core.env import Env
from engine.core.program import Pattern, Plan, Rule

Given = dict[int, Element]
"""Elements that are settled for their positions."""


def extend(look: Matching, env: Env, rule: Rule, given: Given) -> list[Match]:
    """All matches of a rule with the given elements, in the order of the pack's patterns, whatever the order of joining."""
    plan = _plan(look, rule, given)
    search = _Search(look, env, rule, plan or look.index.declared[rule.name], given)
    search.go(0)
    if plan is not None and len(search.found) > 1:
        search.found.sort(key=places)
    return search.found


def rebind(look: Matching, match: Match) -> bool:
    """Bind what a match had bound, and say whether it still holds."""
    rule, env = match.rule, match.env
    bound = env.bound
    for pattern, element in zip(rule.patterns, match.elements, strict=True):
        if pattern.group is not None:
            answer = groups.answer(look, env, rule, pattern)
            if answer is None or answer[0] != element[0]:
                return False
            continue
        if pattern.kind == "fact" and look.facts.get(element[2]) is None:
            return False
        bound[pattern.alias] = element[1]
    return all(look.turn.holds(rule.name, "when", condition, env) for condition in rule.when)


def bind(match: Match) -> None:
    """Bind what a match had bound when it was found."""
    bound = match.env.bound
    for pattern, element in zip(match.rule.patterns, match.elements, strict=True):
        bound[pattern.into if pattern.group is not None else pattern.alias] = element[1]


def places(match: Match) -> list[Any]:
    """What matches of a rule are ordered by."""
    return [element[3] for element in match.elements]


def _plan(look: Matching, rule: Rule, given: Given) -> Plan | None:
    """The order of joining: from what is given on, else from the pattern with the fewest elements; None: as in the pack."""
    plans = rule.plans
    if not plans:
        return None
    current = look.index.positions.get(rule.name)
    for position in given:
        if position != current:
            return plans[position]
    if current is not None:
        return plans[current]
    patterns = rule.patterns
    return plans[min(plans, key=lambda position: (expected(look, patterns[position]), position))]


class _Search:
    """One depth-first search for matches; `slots` hold what has been found so far, by the patterns' places in the rule."""

    __slots__ = ("env", "found", "given", "look", "plan", "rule", "slots")

    def __init__(self, look: Matching, env: Env, rule: Rule, plan: Plan, given: Given) -> None:
        self.look = look
        self.env = env
        self.rule = rule
        self.plan = plan
        self.given = given
        self.slots: list[Any] = [None] * len(plan.order)
        self.found: list[Match] = []

    def go(self, step: int) -> None:
        """Find the matches whose first `step` patterns of the plan are settled."""
        slots, rule = self.slots, self.rule
        if step == len(slots):
            if not rule.when or self.look.hold(rule, "when", rule.when, self.env):
                self.found.append(Match(rule, slots.copy(), self.env))
            return
        pattern, position = self.plan.patterns[step], self.plan.order[step]
        if pattern.group is None:
            bound, alias = self.env.bound, pattern.alias
            for element in self._elements(pattern, position):
                bound[alias] = element[1]
                slots[position] = element
                self.go(step + 1)
            return
        answer = groups.answer(self.look, self.env, rule, pattern)
        if answer is not None:
            slots[position] = answer
            self.go(step + 1)

    def _elements(self, pattern: Pattern, position: int) -> Sequence[Element]:
        settled = self.given.get(position)
        if settled is None:
            return candidates.passing(self.look, self.env, self.rule, pattern)
        if pattern.alone and self.look.decided:
            return (settled,)
        return candidates.given(self.look, self.env, self.rule, pattern, settled)
