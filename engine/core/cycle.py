"""The agenda of one delivery: the matches that wait to fire, and what their matching looks at."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.activations import Working
from engine.core.alpha import AlphaIndex
from engine.core.calendar import to_micros
from engine.core.codec import identity
from engine.core.env import Env
from engine.core.facts import Facts
from engine.core.network import Entry
from engine.core.program import Expression, Rule
from engine.core.turn import Turn

Element = tuple[str | int, Any, Any, Any]
"""What a pattern matched: its identity (of a fact its number), the value bound to its alias, the fact number or remembered event behind it,
and its place among the elements that the pattern may match."""


@dataclass(slots=True)
class Match:
    """One way in which a rule's patterns hold together, and what its expressions see."""

    rule: Rule
    elements: list[Element]
    env: Env

    @property
    def key(self) -> str:
        """What makes two matches the same."""
        named = (element[0] for element in self.elements)
        return identity(self.rule.name, *[f"fact:{one}" if one.__class__ is int else one for one in named])


class Matching:
    """What the matching of one delivery looks at. `wakes` are instants at which time may change a match.

    `decided`: rules over the turn's event are only looked at where the alpha index found that it matches.
    """

    __slots__ = ("_present", "decided", "env", "facts", "index", "turn", "wakes")

    def __init__(self, turn: Turn, index: AlphaIndex, env: Env, facts: Facts) -> None:
        self.turn = turn
        self.index = index
        self.env = env
        self.facts = facts
        self.wakes: list[int] = []
        self.decided = True
        self._present: Env | None = None

    @property
    def present(self) -> Env:
        """What standing rules see: entities as they are now, however late the event of the turn is."""
        if self._present is None:
            self._present = self.turn.as_of_now()
        return self._present

    def wake(self, rule: Rule, instant: int) -> None:
        """Time may change a match of a standing rule at an instant; rules over the current event match once."""
        if rule.name not in self.index.positions:
            self.wakes.append(instant)

    def tick(self, rule: Rule, condition: Expression, env: Env) -> None:
        """Note when time alone may change a condition."""
        if condition.wake is not None:
            instant = condition.wake(env)
            if instant is not None:
                self.wake(rule, to_micros(instant))

    def hold(self, rule: Rule, role: str, conditions: Sequence[Expression], env: Env) -> bool:
        """Whether all of these conditions hold, also noting when time alone may change one."""
        for condition in conditions:
            self.tick(rule, condition, env)
        holds = self.turn.holds
        return all(holds(rule.name, role, condition, env) for condition in conditions)


class Cycle(Matching):
    """The agenda of one delivery.

    `entries` are the rules that the event of the turn concerns; their expressions see it in `env`. `suspects` are facts that have
    lost a support and still have another, which may be themselves.
    """

    __slots__ = ("activations", "agenda", "entries", "fired", "pushed", "suspects", "waiting")

    def __init__(
        self, turn: Turn, index: AlphaIndex, env: Env, working: Working, entries: Sequence[Entry] = ()
    ) -> None:
        super().__init__(turn, index, env, working.facts)
        self.activations = working.activations
        self.entries = entries
        self.agenda: list[tuple[int, int, int, str]] = []
        self.waiting: dict[str, Match] = {}
        self.fired: set[str] = set()
        self.pushed = 0
        self.suspects: dict[int, None] = {}

    def push(self, match: Match) -> None:
        """Put a match on the agenda, unless it is there or has fired."""
        key = match.key
        if key in self.fired or key in self.waiting or key in self.activations:
            return
        self.waiting[key] = match
        self.pushed += 1
        heapq.heappush(self.agenda, (-match.rule.priority, match.rule.order, self.pushed, key))
