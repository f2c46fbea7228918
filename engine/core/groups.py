"""Groups: patterns that ask about all elements together — none, at least one, how many, what they amount to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.cel import CelError
from engine.core.aggregate import AGGREGATES, Aggregate
from engine.core.candidates import any_passes, passing
from engine.core.cycle import Element, Matching
from engine.core.env import Env
from engine.core.program import Group, Pattern, Rule

_AGGREGATES: Mapping[str | None, Aggregate] = {str(name): one for name, one in AGGREGATES.items()}


def answer(look: Matching, env: Env, rule: Rule, pattern: Pattern) -> Element | None:
    """What a group gives with what is bound so far, its number bound to its name; None where it does not hold."""
    group = pattern.group
    if group == "none" or group == "exists":
        found = any_passes(look, env, rule, pattern)
        return unnumbered(group) if found == (group == "exists") else None
    number = _number(look, env, rule, pattern)
    if number is None:
        return None
    env.bound[pattern.into] = number
    if not look.hold(rule, "having", pattern.having, env):
        return None
    return numbered(pattern, number)


def numbered(pattern: Pattern, number: Any) -> Element:
    """A group as what a pattern matched: another number is another match only where somebody reads it."""
    assert pattern.group is not None
    return f"{pattern.group}={number!r}" if pattern.told else pattern.group, number, None, 0


def unnumbered(group: Group) -> Element:
    """A group that gives no number as what a pattern matched."""
    return group, None, None, 0


def _number(look: Matching, env: Env, rule: Rule, pattern: Pattern) -> Any:
    """The count, or what the measures of all elements amount to; None where there is none to be the least, the greatest or the mean.

    A measure that cannot be computed is an error outcome, and the group does not hold.
    """
    aggregate = _AGGREGATES[pattern.group]
    accumulated = aggregate.fresh()
    for element in passing(look, env, rule, pattern):
        env.bound[pattern.alias] = element[1]
        try:
            value = pattern.measure.run(env) if pattern.measure is not None else None
        except CelError as failure:
            look.turn.error(rule.name, failure, pattern.measure, env, pattern.place)
            return None
        aggregate.add(accumulated, value, None)
    number = aggregate.value(accumulated)
    return float(number) if pattern.decimal and number is not None else number
