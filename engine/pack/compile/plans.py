"""Orders in which the patterns of a rule can be joined: from each of them on, what is joined by equality comes next."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.program import Plan
from engine.pack.compile.conditions import Conditions


def plans(conditions: Conditions, told: frozenset[str]) -> dict[int, Plan]:
    """A plan for each pattern that a join may start with; none where there is nothing to choose."""
    drafts = conditions.drafts
    starts = [position for position, one in enumerate(drafts) if not one.group]
    if len(starts) < 2:
        return {}
    return {start: _plan(conditions, _order(conditions, start), told) for start in starts}


def _plan(conditions: Conditions, order: Sequence[int], told: frozenset[str]) -> Plan:
    arranged, _ = conditions.arranged(order)
    return Plan(tuple(order), tuple(one.frozen(told) for one in arranged))


def _order(conditions: Conditions, start: int) -> list[int]:
    """The current event, the pattern to start with, and then always the one that is joined most tightly to what is there.

    A group is asked as soon as all that it reads is there, because it only takes away; one that nothing joins looks at every element, and
    waits until the other patterns that are joined, or have constants, are settled.
    """
    current = conditions.current
    order = [start] if current is None or current == start else [current, start]
    waiting = [position for position in range(len(conditions.drafts)) if position not in order]
    while waiting:
        ready = [one for one in waiting if conditions.drafts[one].group and _reads(conditions, one) <= set(order)]
        single = [one for one in waiting if not conditions.drafts[one].group]
        order.append(_next(conditions, order, ready, single))
        waiting.remove(order[-1])
    return order


def _next(conditions: Conditions, order: Sequence[int], ready: Sequence[int], single: Sequence[int]) -> int:
    joined = [one for one in ready if _reads(conditions, one)]
    if joined:
        return joined[0]
    tight = {one: _tightness(conditions, one, order) for one in single}
    best = max(single, key=lambda one: (*tight[one], -one), default=None)
    if best is None or (ready and not any(tight[best])):
        return ready[0]
    return best


def _reads(conditions: Conditions, group: int) -> set[int]:
    """The patterns that a group reads beside its own elements."""
    needs = [one.needs for one in conditions.all if one.owner == group]
    measure = conditions.drafts[group].measure
    if measure is not None:
        needs.append(conditions.needs(measure.checked))
    return {need for found in needs for need in found} - {group}


def _tightness(conditions: Conditions, position: int, order: Sequence[int]) -> tuple[int, int]:
    """How many equalities join a pattern to those that are there, and how many constants its element must have."""
    present = set(order)
    joins = constants = 0
    for condition in conditions.all:
        for side in conditions.sides(condition) if condition.owner is None else ():
            if side.position == position:
                joins += bool(side.needs) and side.needs <= present
                constants += not side.needs
    return joins, constants
