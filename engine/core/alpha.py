"""The alpha index: from an event to the rules that it may concern, so that the others cost nothing."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from engine.cel import CelError
from engine.core.env import Env
from engine.core.network import Entry, equal, network
from engine.core.program import Do, Emit, Expression, Pattern, Plan, Rule
from engine.core.turn import Turn

Needed = tuple[str, tuple[str, ...], tuple[Any, ...]]


class TypeIndex:
    """Rules with a current-event pattern on one event type. `aliases` are what their conditions call it.

    `plain`: all of them ask for the event alone and only emit or act, so that no join and no agenda is needed.
    """

    __slots__ = ("aliases", "entries", "node", "plain")

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.node = network(entries, _own)
        self.plain = all(is_plain(rule) for rule, _ in entries)
        named = {rule.patterns[position].alias for rule, position in entries}
        read = {
            names[0]
            for rule, position in entries
            for one in _own(rule, rule.patterns[position])
            for names in one.checked.reads
        }
        self.aliases = tuple(sorted(named & read))

    def concerned(self, turn: Turn, env: Env) -> list[Entry]:
        """The rules whose current-event pattern the turn's event matches by itself, with the position of that pattern."""
        for alias in self.aliases:
            env.bound[alias] = turn.event
        if turn.tracer is not None:
            return [entry for entry in self.entries if _asked(turn, env, entry)]
        found: list[Entry] = []
        failed: list[Entry] = []
        self.node.reach(env, found, failed)
        if failed:
            found += [entry for entry in failed if _asked(turn, env, entry)]
        return found


class AlphaIndex:
    """Dispatch by event type, and then by the type's network of conditions.

    `types` are the rules with a pattern of the current event, by its type. `standing` are those without one, in the order of the pack;
    `recalling` names for each event type those of them that look back at it, and `watched` is all that they read beside events and
    facts. `holding` names for each fact the rules, and the positions of the patterns, that match one; `excluding` those with a group
    that such a fact may end and its loss may make hold, `requiring` those with a group that such a fact may make hold and its loss may end.
    `needed` names for each rule the facts without which it has no match: their names, the fields that are constant, and the constants.
    `declared` are the rules' plans as they stand in the pack, `readers` the names of those that leave working memory alone.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = {rule.name: rule for rule in rules}
        current = [
            (rule, i, pattern)
            for rule in self.rules.values()
            for i, pattern in enumerate(rule.patterns)
            if is_current(pattern)
        ]
        self.declared = {
            name: Plan(tuple(range(len(rule.patterns))), rule.patterns) for name, rule in self.rules.items()
        }
        self.readers = frozenset(name for name, rule in self.rules.items() if _announces(rule))
        self.needed = {name: _needed(rule) for name, rule in self.rules.items()}
        self.positions = {rule.name: position for rule, position, _ in current}
        self.standing = [rule for rule in self.rules.values() if rule.name not in self.positions]
        self.recalling: dict[str, set[str]] = {}
        self.watched = frozenset(name for rule in self.standing for name in rule.depends)
        self.holding: dict[str, list[Entry]] = {}
        self.excluding: dict[str, list[Entry]] = {}
        self.requiring: dict[str, list[Entry]] = {}
        by_type: dict[str, list[Entry]] = {}
        for rule, position, pattern in current:
            by_type.setdefault(pattern.type, []).append((rule, position))
        self.types = {name: TypeIndex(entries) for name, entries in by_type.items()}
        for rule in self.rules.values():
            self._note_reads(rule)
        for name in self.recalling:
            if name in self.types:
                self.types[name].plain = False

    def _note_reads(self, rule: Rule) -> None:
        for position, pattern in enumerate(rule.patterns):
            if pattern.kind == "fact" and pattern.group is None:
                self.holding.setdefault(pattern.type, []).append((rule, position))
            elif pattern.kind == "fact":
                for asking, other in ((self.excluding, "exists"), (self.requiring, "none")):
                    if pattern.group != other:
                        asking.setdefault(pattern.type, []).append((rule, position))
            elif pattern.kind == "event" and rule.name not in self.positions:
                self.recalling.setdefault(pattern.type, set()).add(rule.name)

    def moved(self, event_type: str, changes: Set[str]) -> list[Rule]:
        """The standing rules to look at again after an event, and after changes of what they read beside events and facts."""
        recalling = self.recalling.get(event_type, ())
        if not recalling and self.watched.isdisjoint(changes):
            return []
        return [rule for rule in self.standing if rule.name in recalling or not rule.depends.isdisjoint(changes)]

    def reads(self, event_type: str) -> bool:
        """Whether any rule has a pattern on this event type."""
        return event_type in self.types or event_type in self.recalling


def is_plain(rule: Rule) -> bool:
    """Whether a rule has the current event as its only pattern, and leaves working memory alone."""
    return len(rule.patterns) == 1 and _announces(rule)


def _needed(rule: Rule) -> tuple[Needed, ...]:
    """The facts of several patterns, those with constants first; of one alone its candidates are counted soon enough."""
    found = [pattern for pattern in rule.patterns if pattern.kind == "fact" and pattern.group is None]
    named = [(one.type, tuple(name for name, _ in one.equals), one.constants) for one in found]
    return tuple(sorted(named, key=lambda one: not one[1])) if len(found) > 1 else ()


def _announces(rule: Rule) -> bool:
    return all(isinstance(effect, (Emit, Do)) for effect in rule.then)


def is_current(pattern: Pattern) -> bool:
    """Whether a pattern stands for the event that is being delivered."""
    return pattern.kind == "event" and pattern.group is None and pattern.within is None


def _own(rule: Rule, pattern: Pattern) -> tuple[Expression, ...]:
    """The conditions of a rule that the current event decides alone: of a plain rule all of them."""
    return (*pattern.tests, *pattern.where, *rule.when) if is_plain(rule) else pattern.tests


def _asked(turn: Turn, env: Env, entry: Entry) -> bool:
    """Whether the event matches, each condition asked by itself. One that fails is an error outcome unless another is false."""
    rule, position = entry
    pattern = rule.patterns[position]
    if not equal(pattern, env.data):
        return False
    failed: tuple[CelError, Expression] | None = None
    for one in _own(rule, pattern):
        if turn.tracer is not None:
            turn.tracer.asked(rule.name, "match", one, env)
        try:
            if not one.run(env):
                return False
        except CelError as failure:
            failed = failed or (failure, one)
    if failed is not None:
        turn.error(rule.name, *failed, env)
    return failed is None
