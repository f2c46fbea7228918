"""Facts of working memory, with hash indexes for joins and for equal facts. Indexes are derived, never saved, and small."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from engine.core.equality import hashed
from engine.core.partition import Fact, Memory

Key = tuple[Any, ...]
Change = tuple[int, str, dict[str, Any]]
"""A fact that came or went: its number, its name and its fields."""

Bucket = int | dict[int, None]
"""The numbers of facts that share a key: most keys have one fact, for which a map would take more room than the fact."""

Shape = tuple[int, tuple[str, ...]]
"""A number for the name and the field names of a fact, and those names in order."""


class Facts:
    """The facts of one partition."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._by_name: dict[str, dict[int, Fact]] = {}
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._numbers: dict[Hashable, int] = {}
        self._joins: dict[str, dict[tuple[str, ...], dict[Hashable, Bucket]]] = {}
        for number, fact in memory.facts.items():
            self._by_name.setdefault(fact.name, {})[number] = fact
            self._numbers[self._content(fact.name, fact.fields)] = number

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
        found = self._index(name, fields).get(_wanted(key))
        if found is None:
            return []
        facts = self._memory.facts
        if found.__class__ is int:
            return [(found, facts[found])]
        return [(number, facts[number]) for number in found]  # type: ignore[union-attr]

    def count(self, name: str, fields: tuple[str, ...], key: Key) -> int:
        """How many facts `joined` would give."""
        if not fields:
            return len(self.of(name))
        found = self._index(name, fields).get(_wanted(key), {})
        return 1 if isinstance(found, int) else len(found)

    def _index(self, name: str, fields: tuple[str, ...]) -> dict[Hashable, Bucket]:
        indexes = self._joins.get(name)
        if indexes is None:
            indexes = self._joins[name] = {}
        index = indexes.get(fields)
        if index is None:
            index = indexes[fields] = {}
            for number, fact in self.of(name).items():
                _put(index, _key(fact, fields), number)
        return index

    def add(self, name: str, fields: dict[str, Any], *, kept: bool) -> tuple[int, bool]:
        """Assert a fact. Equal facts are one fact with more supports. Returns its number and whether it is new."""
        content = self._content(name, fields)
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
        for chosen, index in self._joins.get(name, {}).items():
            _put(index, _key(fact, chosen), number)
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
        del self._numbers[self._content(fact.name, fact.fields)]
        for chosen, index in self._joins.get(fact.name, {}).items():
            _take(index, _key(fact, chosen), number)
        return [(number, fact.name, fact.fields)]

    def _content(self, name: str, fields: dict[str, Any]) -> Hashable:
        """A key that equal facts share: their shape and their values, whatever the order in which the fields were given."""
        given = (name, *fields)
        shape = self._shapes.get(given)
        if shape is None:
            ordered = tuple(sorted(fields))
            first = self._shapes.setdefault((name, *ordered), (len(self._shapes), ordered))
            shape = self._shapes[given] = first
        number, names = shape
        return number, *[hashed(fields[field]) for field in names]


def _key(fact: Fact, fields: tuple[str, ...]) -> Hashable:
    return _wanted([fact.fields.get(field) for field in fields])


def _wanted(key: Sequence[Any]) -> Hashable:
    return hashed(key[0]) if len(key) == 1 else tuple(map(hashed, key))


def _put(index: dict[Hashable, Bucket], key: Hashable, number: int) -> None:
    held = index.get(key)
    if held is None:
        index[key] = number
    elif isinstance(held, int):
        index[key] = {held: None, number: None}
    else:
        held[number] = None


def _take(index: dict[Hashable, Bucket], key: Hashable, number: int) -> None:
    held = index[key]
    if isinstance(held, int):
        del index[key]
        return
    del held[number]
    if not held:
        del index[key]
