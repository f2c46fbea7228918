"""How a fact that a group asks about leads to the matches that it concerns, so that the others are left alone when it comes or goes."""

from __future__ import annotations

from collections.abc import Iterator

from engine.core.program import Anchor
from engine.pack.compile.conditions import Conditions
from engine.pack.compile.patterns import Draft


def anchor(conditions: Conditions, group: Draft, position: int) -> Anchor | None:
    """The fact to which most equalities join the elements of a group; None where none does."""
    found: dict[int, list[tuple[str, str]]] = {}
    for fact, own, theirs in _equalities(conditions, group, position):
        found.setdefault(fact, []).append((own, theirs))
    if not found:
        return None
    chosen = max(found, key=lambda fact: (len(found[fact]), -fact))
    pairs = found[chosen]
    return Anchor(chosen, tuple(own for own, _ in pairs), tuple(theirs for _, theirs in pairs))


def _equalities(conditions: Conditions, group: Draft, position: int) -> Iterator[tuple[int, str, str]]:
    """Where a field of the group's elements must equal a field of a fact: the fact's pattern, and both fields."""
    keys = {name for name, _ in group.key}
    for condition in conditions.all:
        if condition.owner != position:
            continue
        sides = conditions.sides(condition)
        own = next((one.field for one in sides if one.position == position and one.field in keys), None)
        for side in sides:
            draft = conditions.drafts[side.position]
            if own is not None and side.needs == {position} and draft.kind.of == "fact" and not draft.group:
                yield side.position, own, side.field
