"""Facts of working memory, with hash indexes for joins and for equal facts. Indexes are derived, never saved."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from engine.core.equality import hashed
from engine.core.partition import Fact, Memory

Key = tuple[Any, ...]
Change = tuple[int, str]
"""A fact that came or went: its number and its name."""


class Facts:
    """The facts of one partition."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._by_name: dict[str, dict[int, Fact]] = {}
        self._numbers: dict[Hashable, int] = {}
        self._joins: dict[tuple[str, tuple[str, ...]], dict[Hashable, dict[int, None]]] = {}
        for number, fact in memory.facts.items():
            self._by_name.setdefault(fact.name, {})[number] = fact
            self._numbers[_content(fact.name, fact.fields)] = number

    def of(self, name: str) -> dict[int, Fact]:
        """All facts of a name, in the order in which they were asserted."""
        return self._by_name.get(name, {})

    def get(self, number: int) -> Fact | None:
        """The fact of a number, or None once it is gone."""
        return self._memory.facts.get(number)

    def joined(self, name: str, fields: tuple[str, ...], key: Key) -> list[tuple[int, Fact]]:
        """The facts of a name whose `fields` have the values of `key`: one look-up in an index that is made when first asked for."""
        if not fields:
            return list(self.of(name).items())
        facts = self._memory.facts
        return [(number, facts[number]) for number in self._index(name, fields).get(_wanted(key), ())]

    def count(self, name: str, fields: tuple[str, ...], key: Key) -> int:
        """How many facts `joined` would give."""
        if not fields:
            return len(self.of(name))
        return len(self._index(name, fields).get(_wanted(key), ()))

    def _index(self, name: str, fields: tuple[str, ...]) -> dict[Hashable, dict[int, None]]:
        index = self._joins.get((name, fields))
        if index is None:
            index = self._joins[name, fields] = {}
            for number, fact in self.of(name).items():
                index.setdefault(_key(fact, fields), {})[number] = None
        return index

    def add(self, name: str, fields: dict[str, Any], *, kept: bool) -> tuple[int, bool]:
        """Assert a fact. Equal facts are one fact with more supports. Returns its number and whether it is new."""
        content = _content(name, fields)
        held = self._numbers.get(content)
        if held is not None:
            fact = self._memory.facts[held]
            fact.supports += 1
            fact.kept = fact.kept or kept
            return held, False
        number = self._numbers[content] = self._memory.next_fact
        self._memory.next_fact += 1
        fact = self._memory.facts[number] = Fact(name, fields, 1, kept)
        self._by_name.setdefault(name, {})[number] = fact
        for (named, chosen), index in self._joins.items():
            if named == name:
                index.setdefault(_key(fact, chosen), {})[number] = None
        return number, True

    def release(self, number: int) -> list[Change]:
        """Take one support away. Returns the fact when that was the last one and the fact went with it."""
        fact = self._memory.facts.get(number)
        if fact is None:
            return []
        fact.supports -= 1
        return self.remove(number) if fact.supports <= 0 and not fact.kept else []

    def remove(self, number: int) -> list[Change]:
        """Retract a fact whatever supports it. Returns the fact, or nothing if it was not there."""
        fact = self._memory.facts.pop(number, None)
        if fact is None:
            return []
        del self._by_name[fact.name][number]
        del self._numbers[_content(fact.name, fact.fields)]
        for (named, chosen), index in self._joins.items():
            if named == fact.name:
                _take(index, _key(fact, chosen), number)
        return [(number, fact.name)]


def _content(name: str, fields: dict[str, Any]) -> Hashable:
    return name, hashed(fields)


def _key(fact: Fact, fields: tuple[str, ...]) -> Hashable:
    return _wanted([fact.fields.get(field) for field in fields])


def _wanted(key: Sequence[Any]) -> Hashable:
    return hashed(key[0]) if len(key) == 1 else tuple(map(hashed, key))


def _take(index: dict[Hashable, dict[int, None]], key: Hashable, number: int) -> None:
    bucket = index[key]
    del bucket[number]
    if not bucket:
        del index[key]
