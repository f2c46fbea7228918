"""The alpha index: from an event to the rules that it may concern, so that the others cost nothing."""

from __future__ import annotations

from collections.abc import Iterable, Set
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

    `standing` are the rules without a current event, in the order of the pack; `recalling` names for each event type those of them
    that look back at it, and `watched` is all that they read beside events and facts. `holding` names for each fact the rules, and the
    positions of the patterns, that match one; `excluding` the rules with a group that such a fact may end and its loss may make hold,
    `requiring` those with a group that such a fact may make hold and its loss may end.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self._types: dict[str, _TypeIndex] = {}
        current = [
            (rule, i, pattern)
            for rule in self.rules.values()
            for i, pattern in enumerate(rule.patterns)
            if is_current(pattern)
        ]
        self.positions = {rule.name: position for rule, position, _ in current}
        self.standing = [rule for rule in self.rules.values() if rule.name not in self.positions]
        self.recalling: dict[str, set[str]] = {}
        self.watched = frozenset(name for rule in self.standing for name in rule.depends)
        self.holding: dict[str, list[Entry]] = {}
        self.excluding: dict[str, list[Rule]] = {}
        self.requiring: dict[str, list[Rule]] = {}
        weights: dict[tuple[str, str], int] = {}
        for _, _, pattern in current:
            for field, _ in pattern.equals:
                weights[pattern.type, field] = weights.get((pattern.type, field), 0) + 1
        for rule, position, pattern in current:
            self._add(rule, position, pattern, weights)
        for rule in self.rules.values():
            self._note_reads(rule)
        for name in self.recalling:
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
        for position, pattern in enumerate(rule.patterns):
            if pattern.kind == "fact" and pattern.group is None:
                self.holding.setdefault(pattern.type, []).append((rule, position))
            elif pattern.kind == "fact":
                for asking, other in ((self.excluding, "exists"), (self.requiring, "none")):
                    rules = asking.setdefault(pattern.type, [])
                    if pattern.group != other and rule not in rules:
                        rules.append(rule)
            elif pattern.kind == "event" and rule.name not in self.positions:
                self.recalling.setdefault(pattern.type, set()).add(rule.name)

    def moved(self, event_type: str, changes: Set[str]) -> list[Rule]:
        """The standing rules to look at again after an event, and after changes of what they read beside events and facts."""
        recalling = self.recalling.get(event_type, ())
        if not recalling and self.watched.isdisjoint(changes):
            return []
        return [rule for rule in self.standing if rule.name in recalling or not rule.depends.isdisjoint(changes)]

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
        return event_type in self._types or event_type in self.recalling


def is_plain(rule: Rule) -> bool:
    """Whether a rule has the current event as its only pattern, and leaves working memory alone."""
    return len(rule.patterns) == 1 and all(isinstance(effect, (Emit, Do)) for effect in rule.then)


def is_current(pattern: Pattern) -> bool:
    """Whether a pattern stands for the event that is being delivered."""
    return pattern.kind == "event" and pattern.group is None and pattern.within is None


def _hashable(value: Any) -> bool:
    return value.__hash__ is not None
