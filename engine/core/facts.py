"""Working memory: facts that rest on what supports them, with hash indexes for joins. Indexes are derived, never saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.core.partition import Fact, Memory

Key = tuple[Any, ...]


class Facts:
    """The facts of one partition during one step."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._by_name: dict[str, dict[int, Fact]] = {}
        self._joins: dict[tuple[str, tuple[str, ...]], dict[Key, list[int]]] = {}
        for number, fact in memory.facts.items():
            self._by_name.setdefault(fact.name, {})[number] = fact

    def of(self, name: str) -> dict[int, Fact]:
        """All facts of a name, in the order in which they were asserted."""
        return self._by_name.get(name, {})

    def get(self, number: int) -> Fact | None:
        """The fact of a number, or None once it is gone."""
        return self._memory.facts.get(number)

    def joined(self, name: str, fields: tuple[str, ...], key: Key) -> Iterable[tuple[int, Fact]]:
        """The facts of a name whose `fields` have the values of `key`: one look-up in an index that is made when first asked for."""
        index = self._joins.get((name, fields))
        if index is None:
            index = self._joins[name, fields] = {}
            for number, fact in self.of(name).items():
                index.setdefault(_key(fact, fields), []).append(number)
        facts = self._memory.facts
        return [(number, facts[number]) for number in index.get(key, ())]

    def add(self, name: str, fields: dict[str, Any], *, kept: bool) -> tuple[int, bool]:
        """Assert a fact. Equal facts are one fact with more supports. Returns its number and whether it is new."""
        for number, fact in self.of(name).items():
            if fact.fields == fields:
                fact.supports += 1
                fact.kept = fact.kept or kept
                return number, False
        number = self._memory.next_fact
        self._memory.next_fact += 1
        fact = Fact(name, fields, 1, kept)
        self._memory.facts[number] = fact
        self._by_name.setdefault(name, {})[number] = fact
        for (named, chosen), index in self._joins.items():
            if named == name:
                index.setdefault(_key(fact, chosen), []).append(number)
        return number, True

    def release(self, number: int) -> str | None:
        """Take one support away. Returns the fact's name when that was the last one and the fact went with it."""
        fact = self._memory.facts.get(number)
        if fact is None:
            return None
        fact.supports -= 1
        return self.remove(number) if fact.supports <= 0 and not fact.kept else None

    def remove(self, number: int) -> str | None:
        """Retract a fact whatever supports it. Returns its name, or None if it was not there."""
        fact = self._memory.facts.pop(number, None)
        if fact is None:
            return None
        del self._by_name[fact.name][number]
        for (named, chosen), index in self._joins.items():
            if named == fact.name:
                index[_key(fact, chosen)].remove(number)
        return fact.name


def _key(fact: Fact, fields: tuple[str, ...]) -> Key:
    return tuple(fact.fields.get(field) for field in fields)
