"""Activations, and what rests on what: by rule, by the facts that they matched, by the facts that they assert. Derived, never saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.core.facts import Facts
from engine.core.partition import Activation, Memory

Keys = dict[str, None]
"""Keys of activations in the order in which they came."""


class Activations:
    """The activations of one partition."""

    def __init__(self, memory: Memory) -> None:
        self._held = memory.activations
        self._by_rule: dict[str, Keys] = {}
        self._matching: dict[int, Keys] = {}
        self._asserting: dict[int, Keys] = {}
        for key, one in self._held.items():
            self._index(key, one)

    def __contains__(self, key: str) -> bool:
        return key in self._held

    def get(self, key: str) -> Activation | None:
        """The activation of a key, or None once it is gone."""
        return self._held.get(key)

    def add(self, key: str, one: Activation) -> None:
        """Keep an activation."""
        self._held[key] = one
        self._index(key, one)

    def pop(self, key: str) -> Activation:
        """Forget an activation, and return it."""
        one = self._held.pop(key)
        _drop(self._by_rule, one.rule, key)
        for number in dict.fromkeys(one.facts):
            _drop(self._matching, number, key)
        for number in dict.fromkeys(one.asserted):
            _drop(self._asserting, number, key)
        return one

    def of(self, rule: str) -> list[str]:
        """The keys of a rule's activations."""
        return list(self._by_rule.get(rule, ()))

    def matching(self, number: int) -> list[str]:
        """The keys of the activations that matched a fact."""
        return list(self._matching.get(number, ()))

    def asserting(self, number: int) -> list[str]:
        """The keys of the activations that asserted a fact."""
        return list(self._asserting.get(number, ()))

    def rule_of(self, key: str) -> str:
        """The name of the rule of an activation."""
        return self._held[key].rule

    def facts_of(self, key: str) -> list[int]:
        """The facts that an activation matched."""
        return self._held[key].facts

    def disown(self, number: int) -> list[str]:
        """A fact is gone: the activations that asserted it do so no more. Returns their keys."""
        keys = self._asserting.pop(number, {})
        for key in keys:
            one = self._held[key]
            one.asserted = [other for other in one.asserted if other != number]
        return list(keys)

    def items(self) -> list[tuple[str, Activation]]:
        """All activations by their keys."""
        return list(self._held.items())

    def _index(self, key: str, one: Activation) -> None:
        self._by_rule.setdefault(one.rule, {})[key] = None
        for number in one.facts:
            self._matching.setdefault(number, {})[key] = None
        for number in one.asserted:
            self._asserting.setdefault(number, {})[key] = None


def _drop(index: dict[Any, Keys], name: Any, key: str) -> None:
    keys = index[name]
    del keys[key]
    if not keys:
        del index[name]


@dataclass(slots=True)
class Working:
    """A partition's working memory with its indexes; made when first needed."""

    facts: Facts
    activations: Activations

    @classmethod
    def of(cls, memory: Memory) -> Working:
        """The indexes of a memory section."""
        return cls(Facts(memory), Activations(memory))
