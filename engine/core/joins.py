"""Joins inside a partition: the patterns of a rule over events, facts and entities, depth first, equalities by hash index."""

from __future__ import annotations

from typing import Any

from engine.core import candidates, groups
from engine.core.candidates import expected
from engine.core.cycle import Cycle, Element, Match
from engine.core.env import Env
from engine.core.program import Plan, Rule

Given = dict[int, Element]
"""Elements that are settled for their positions."""


def extend(cycle: Cycle, env: Env, rule: Rule, given: Given) -> list[Match]:
    """All matches of a rule with the given elements, in the order of the pack's patterns, whatever the order of joining."""
    plan = _plan(cycle, rule, given)
    search = _Search(cycle, env, rule, plan or Plan(tuple(range(len(rule.patterns))), rule.patterns), given)
    search.go(0)
    if plan is not None and len(search.found) > 1:
        search.found.sort(key=_places)
    return search.found


def rebind(cycle: Cycle, match: Match) -> bool:
    """Bind what a match had bound, and say whether it still holds."""
    rule, env = match.rule, match.env
    bound = env.bound
    for pattern, element in zip(rule.patterns, match.elements, strict=True):
        if pattern.group is not None:
            answer = groups.answer(cycle, env, rule, pattern)
            if answer is None or answer[0] != element[0]:
                return False
            continue
        if pattern.kind == "fact" and cycle.facts.get(element[2]) is None:
            return False
        bound[pattern.alias] = element[1]
    return all(cycle.turn.holds(rule.name, "when", condition, env) for condition in rule.when)


def bind(match: Match) -> None:
    """Bind what a match had bound when it was found."""
    bound = match.env.bound
    for pattern, element in zip(match.rule.patterns, match.elements, strict=True):
        bound[pattern.into if pattern.group is not None else pattern.alias] = element[1]


def _places(match: Match) -> list[Any]:
    return [element[3] for element in match.elements]


def _plan(cycle: Cycle, rule: Rule, given: Given) -> Plan | None:
    """The order of joining: from what is given on, else from the pattern with the fewest elements; None: as in the pack."""
    plans = rule.plans
    if not plans:
        return None
    current = cycle.index.positions.get(rule.name)
    for position in given:
        if position != current:
            return plans[position]
    if current is not None:
        return plans[current]
    patterns = rule.patterns
    return plans[min(plans, key=lambda position: (expected(cycle, patterns[position]), position))]


class _Search:
    """One depth-first search for matches; `slots` hold what has been found so far, by the patterns' places in the rule."""

    __slots__ = ("cycle", "env", "found", "given", "plan", "rule", "slots")

    def __init__(self, cycle: Cycle, env: Env, rule: Rule, plan: Plan, given: Given) -> None:
        self.cycle = cycle
        self.env = env
        self.rule = rule
        self.plan = plan
        self.given = given
        self.slots: list[Any] = [None] * len(plan.order)
        self.found: list[Match] = []

    def go(self, step: int) -> None:
        """Find the matches whose first `step` patterns of the plan are settled."""
        cycle, env, rule, slots = self.cycle, self.env, self.rule, self.slots
        if step == len(slots):
            if not rule.when or cycle.hold(rule, "when", rule.when, env):
                self.found.append(Match(rule, slots.copy(), env))
            return
        pattern, position = self.plan.patterns[step], self.plan.order[step]
        if pattern.group is not None:
            answer = groups.answer(cycle, env, rule, pattern)
            if answer is not None:
                slots[position] = answer
                self.go(step + 1)
            return
        settled = self.given.get(position)
        if settled is None:
            elements = candidates.passing(cycle, env, rule, pattern)
        else:
            elements = candidates.given(cycle, env, rule, pattern, settled)
        bound, alias = env.bound, pattern.alias
        for element in elements:
            bound[alias] = element[1]
            slots[position] = element
            self.go(step + 1)
