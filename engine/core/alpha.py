"""The alpha index: from an event to the rules that it may concern, so that the others cost nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.core.program import Do, Emit, Pattern, Rule

Entry = tuple[Rule, int]


class _TypeIndex:
    """Rules with a current-event pattern on one event type: by one constant field each, or unconditional.

    `plain`: all of them ask for the event alone and only emit or act, so that no join and no agenda is needed.
    """

    __slots__ = ("always", "by_field", "plain")

    def __init__(self) -> None:
        self.by_field: dict[str, dict[Any, list[Entry]]] = {}
        self.always: list[Entry] = []
        self.plain = True


class AlphaIndex:
    """Dispatch by event type and then by the constant that most rules of the type test.

    `standing` names, for each event type or `fact:NAME`, the rules without a current event that read it.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        rules = tuple(rules)
        self._types: dict[str, _TypeIndex] = {}
        self.standing: dict[str, list[Rule]] = {}
        self.readers: dict[str, list[Rule]] = {}
        current = [
            (rule, i, pattern) for rule in rules for i, pattern in enumerate(rule.patterns) if is_current(pattern)
        ]
        weights: dict[tuple[str, str], int] = {}
        for _, _, pattern in current:
            for field, _ in pattern.equals:
                weights[pattern.type, field] = weights.get((pattern.type, field), 0) + 1
        for rule, position, pattern in current:
            self._add(rule, position, pattern, weights)
        for rule in rules:
            self._note_reads(rule)
        for name in self.standing:
            if name in self._types:
                self._types[name].plain = False

    def _add(self, rule: Rule, position: int, pattern: Pattern, weights: dict[tuple[str, str], int]) -> None:
        index = self._types.setdefault(pattern.type, _TypeIndex())
        index.plain = index.plain and is_plain(rule)
        usable = [(field, value) for field, value in pattern.equals if _hashable(value)]
        if not usable:
            index.always.append((rule, position))
            return
        field, value = max(usable, key=lambda pair: weights[pattern.type, pair[0]])
        index.by_field.setdefault(field, {}).setdefault(value, []).append((rule, position))

    def _note_reads(self, rule: Rule) -> None:
        standing = not any(is_current(pattern) for pattern in rule.patterns)
        for pattern in rule.patterns:
            source = f"fact:{pattern.type}" if pattern.kind.endswith("fact") else pattern.type
            if standing:
                _once(self.standing, source, rule)
            if pattern.kind.endswith("fact"):
                _once(self.readers, source, rule)

    def concerned(self, event_type: str, data: dict[str, Any]) -> list[Entry]:
        """The rules whose current-event pattern this event may match, with the position of that pattern."""
        index = self._types.get(event_type)
        if index is None:
            return []
        found = list(index.always)
        for field, by_value in index.by_field.items():
            value = data.get(field)
            if value.__hash__ is not None:
                found.extend(by_value.get(value, ()))
        return found

    def plain(self, event_type: str) -> bool:
        """Whether every rule that reads an event type asks for nothing else, and only emits or acts."""
        index = self._types.get(event_type)
        return index is not None and index.plain

    def reads(self, event_type: str) -> bool:
        """Whether any rule has a pattern on this event type."""
        return event_type in self._types or event_type in self.standing


def is_plain(rule: Rule) -> bool:
    """Whether a rule has the current event as its only pattern, and leaves working memory alone."""
    return len(rule.patterns) == 1 and all(isinstance(effect, (Emit, Do)) for effect in rule.then)


def is_current(pattern: Pattern) -> bool:
    """Whether a pattern stands for the event that is being delivered."""
    return pattern.kind == "event" and pattern.within is None


def _once(index: dict[str, list[Rule]], source: str, rule: Rule) -> None:
    rules = index.setdefault(source, [])
    if rule not in rules:
        rules.append(rule)


def _hashable(value: Any) -> bool:
    return value.__hash__ is not None
