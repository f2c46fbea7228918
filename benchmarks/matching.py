"""Matching alone: what an event meets, with a callback into Python for each match, as other engines are measured too.

The step does more: it decides what is announced, gives it an id, and keeps a record. That is measured beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine import Event
from engine.core.alpha import AlphaIndex
from engine.core.env import Env
from engine.core.matcher import matches
from engine.core.partition import Partition
from engine.core.program import Program
from engine.core.turn import Turn
from engine.runtime.entities import Entities


class Bare:
    """The matcher over one partition, without a step around it."""

    def __init__(self, program: Program, partition: Partition, first: Event) -> None:
        self._index = AlphaIndex(program.scopes[partition.scope].rules)
        self._env = Env(Entities(), partition, first, first.keys, first.now, first.at)
        self._turn: Any = Turn(program, partition, self._env.shared, first, None, None, self._env)  # type: ignore[arg-type]

    def alone(self, events: Sequence[Event], call: Callable[[str], None]) -> None:
        """Rules over the event alone."""
        types, turn, env = self._index.types, self._turn, self._env
        for event in events:
            turn.event = env.event = event
            env.data = event.data
            for rule, _ in types[event.type].concerned(turn, env):
                call(rule.name)

    def joined(self, events: Sequence[Event], call: Callable[[str], None]) -> None:
        """Rules that join the event with facts."""
        index, turn, env = self._index, self._turn, self._env
        for event in events:
            turn.event = env.event = event
            env.data = event.data
            entries = index.types[event.type].concerned(turn, env)
            if entries:
                for match in matches(turn, index, entries, env):
                    call(match.rule.name)


class Calls:
    """Counts the callbacks."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _rule: str) -> None:
        """A rule has matched."""
        self.count += 1
