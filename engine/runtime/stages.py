"""Which scopes can be decided apart from each other, and in which order, where emitted events are not known but made anew.

Scope A leads to B where a part of A may emit an event that reaches B and concerns something there, and where A publishes what pop-ups
of B may read. Scopes that lead to each other are decided as one; all others after those that lead to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

from engine.core.program import Emit, Program, ScopeProgram, effects_of
from engine.core.step import Stepper

Edges = Mapping[str, frozenset[str]]
"""To each scope those that it leads to."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Scopes that are decided at the same time: those of `cut` key by key, each group of `whole` in one piece.

    That a scope of `cut` emits to other keys of its own can only be seen when it does: `joined` then makes it whole.
    """

    cut: frozenset[str]
    whole: tuple[frozenset[str], ...] = ()

    def joined(self, scopes: frozenset[str]) -> Stage:
        """The same, with some of the scopes that were cut in one piece each."""
        more = tuple(frozenset((one,)) for one in sorted(scopes & self.cut))
        return replace(self, cut=self.cut - scopes, whole=(*self.whole, *more))


def stages(program: Program) -> list[Stage]:
    """All scopes of a program; none leads to one of an earlier stage."""
    emitting, publishing = _emitting(program), _publishing(program)
    edges = {name: emitting[name] | publishing[name] for name in program.scopes}
    groups = _groups(edges)
    sorter = TopologicalSorter({group: _before(group, groups, edges) for group in groups})
    sorter.prepare()
    found: list[Stage] = []
    while ready := sorter.get_ready():
        found.append(_stage(ready, publishing))
        sorter.done(*ready)
    return found


def _stage(groups: Iterable[frozenset[str]], publishing: Edges) -> Stage:
    whole = [one for one in groups if len(one) > 1 or any(name in publishing[name] for name in one)]
    cut = frozenset(name for one in groups if one not in whole for name in one)
    return Stage(cut, tuple(sorted(whole, key=sorted)))


def _groups(edges: Edges) -> list[frozenset[str]]:
    """Scopes that lead to each other, be it by way of others, together."""
    reached = {name: _reached(name, edges) for name in edges}
    found = {name: frozenset({name} | {one for one in reached[name] if name in reached[one]}) for name in edges}
    return list(dict.fromkeys(found.values()))


def _reached(name: str, edges: Edges) -> set[str]:
    found: set[str] = set()
    ahead = list(edges[name])
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead += edges[one]
    return found


def _before(group: frozenset[str], groups: Iterable[frozenset[str]], edges: Edges) -> set[frozenset[str]]:
    return {one for one in groups if one != group and any(not edges[name].isdisjoint(group) for name in one)}


def _emitting(program: Program) -> dict[str, frozenset[str]]:
    stepper = Stepper(program)
    return {
        name: frozenset(
            where
            for type_ in set(_emitted(scope))
            for where, _ in program.events[type_].keys.pairs
            if stepper.concerns(where, type_)
        )
        for name, scope in program.scopes.items()
    }


def _emitted(scope: ScopeProgram) -> Iterator[str]:
    """The types of all events that parts of a scope may emit."""
    reactions = [
        effect
        for chart in (*scope.workflows, *scope.pinned)
        for effect in (*chart.begin, *(one for state in chart.states.values() for one in effects_of(state)))
    ]
    for one in (*reactions, *(effect for rule in scope.rules for effect in rule.then)):
        if isinstance(one, Emit):
            yield one.type


def _publishing(program: Program) -> dict[str, frozenset[str]]:
    asking = frozenset(name for name, scope in program.scopes.items() if scope.popups)
    return {
        name: asking if scope.ratings or any(one.publish for one in scope.windows) else frozenset()
        for name, scope in program.scopes.items()
    }
