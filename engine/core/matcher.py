"""Forward chaining inside a partition: match, choose by priority, fire, until nothing more follows.

Rules with a current-event pattern match once, when the event comes. Standing rules (facts and events `within` a span) hold as
long as their match does: what they assert goes when the match goes. Matching is TREAT-like (Miranker, 1987): no join results
are kept but the activations that fired; joins on equality look up a hash index.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.cel import CelError
from engine.core.alpha import AlphaIndex, Entry, is_current
from engine.core.calendar import to_micros
from engine.core.codec import identity
from engine.core.env import Env
from engine.core.event import Event
from engine.core.facts import Facts
from engine.core.partition import Activation, Remembered
from engine.core.program import Assert, Do, Effect, Emit, Pattern, Retract, Rule
from engine.core.turn import Turn, values

FIRING_BUDGET = 256
"""How many rules may fire for one delivery before the engine calls it a runaway."""

Element = tuple[str, Any, Any]
"""What a pattern matched: its identity, the value bound to its alias, and the fact number or remembered event behind it."""


@dataclass(slots=True)
class Match:
    """One way in which a rule's patterns hold together."""

    rule: Rule
    elements: list[Element]

    @property
    def key(self) -> str:
        """What makes two matches the same."""
        return identity(self.rule.name, *[element[0] for element in self.elements])


@dataclass(slots=True)
class _Cycle:
    """The agenda of one delivery."""

    turn: Turn
    index: AlphaIndex
    env: Env
    facts: Facts
    agenda: list[tuple[int, int, int, str]] = field(default_factory=list)
    waiting: dict[str, Match] = field(default_factory=dict)
    fired: set[str] = field(default_factory=set)
    pushed: int = 0
    wakes: list[int] = field(default_factory=list)

    def push(self, match: Match) -> None:
        key = match.key
        if key in self.fired or key in self.waiting:
            return
        self.waiting[key] = match
        self.pushed += 1
        heapq.heappush(self.agenda, (-match.rule.priority, match.rule.order, self.pushed, key))


def run(turn: Turn, index: AlphaIndex, env: Env, *, timed: bool) -> None:
    """Everything that the turn's delivery sets off. `timed`: the partition's own deadline for rules has come."""
    memory = turn.partition.memory
    event = turn.event
    if not timed and not memory.activations and index.plain(event.type):
        _run_plain(turn, index.concerned(event.type, event.data), env)
        return
    entries = [] if timed else index.concerned(event.type, event.data)
    standing = _standing(index, event.type, timed=timed)
    if not entries and not standing:
        return
    partition = turn.partition
    if partition.working is None:
        partition.working = Facts(memory)
    cycle = _Cycle(turn, index, env, partition.working)
    cycle.fired.update(memory.activations)
    for entry in entries:
        _match_current(cycle, entry)
    _revise(cycle, standing)
    _exhaust(cycle)
    if standing or memory.activations or memory.wake is not None:
        _set_wake(cycle)


def _run_plain(turn: Turn, entries: list[Entry], env: Env) -> None:
    """Rules over the event alone: match, order, fire; what fires cannot change what matches."""
    event, bound = turn.event, env.bound
    matched: list[Rule] = []
    for rule, _ in entries:
        pattern = rule.patterns[0]
        bound[pattern.alias] = event
        if _equal(pattern, event.data) and _satisfied(turn, rule, pattern, env):
            matched.append(rule)
    if len(matched) > 1:
        matched.sort(key=_agenda_order)
    for rule in matched[:FIRING_BUDGET]:
        bound[rule.patterns[0].alias] = event
        mark = turn.mark()
        try:
            for effect in rule.then:
                _announce(turn, rule, effect, env)
        except CelError as failure:
            turn.back_to(mark)
            turn.error(rule.name, failure, None, env, rule.place)
    if len(matched) > FIRING_BUDGET:
        _overspent(turn, matched[FIRING_BUDGET], env)


def _satisfied(turn: Turn, rule: Rule, pattern: Pattern, env: Env) -> bool:
    for conditions in (pattern.tests, pattern.where, rule.when):
        for condition in conditions:
            if not turn.holds(rule.name, "match", condition, env):
                return False
    return True


def _agenda_order(rule: Rule) -> tuple[int, int]:
    return -rule.priority, rule.order


def _announce(turn: Turn, rule: Rule, effect: Effect, env: Env) -> None:
    if isinstance(effect, Emit):
        turn.emit(rule.name, effect, env)
    elif isinstance(effect, Do):
        turn.act(rule.name, effect, env)


def _overspent(turn: Turn, rule: Rule, env: Env) -> None:
    failure = CelError("firing_budget", f"more than {FIRING_BUDGET} firings for one event: a runaway rule")
    turn.error(rule.name, failure, None, env, rule.place)


def ask(turn: Turn, index: AlphaIndex, rule: Rule, env: Env) -> None:
    """Try to match one rule, on the turn's event where it asks for one, and note what came of every condition."""
    cycle = _Cycle(turn, index, env, Facts(turn.partition.memory))
    tracer, event = turn.tracer, turn.event
    assert tracer is not None
    given: dict[int, Element] = {}
    for position, pattern in enumerate(rule.patterns):
        if is_current(pattern):
            if pattern.type != event.type:
                detail = f"waits for an event {pattern.type}; the last one here was {event.type or 'none'}"
                tracer.told(rule.name, "match", pattern.place, detail)
                return
            given[position] = (f"event:{event.source}/{event.id}", event, event)
    count = sum(1 for _ in _extend(cycle, rule, 0, [], given))
    tracer.told(rule.name, "matches", rule.place, f"{count} matches")


def _standing(index: AlphaIndex, event_type: str, *, timed: bool) -> list[Rule]:
    if not timed:
        return index.standing.get(event_type, [])
    found: list[Rule] = []
    for rules in index.standing.values():
        found.extend(rule for rule in rules if rule not in found)
    return found


def _exhaust(cycle: _Cycle) -> None:
    budget = FIRING_BUDGET
    while cycle.agenda:
        key = heapq.heappop(cycle.agenda)[3]
        match = cycle.waiting.pop(key, None)
        if match is None or not _still_holds(cycle, match):
            continue
        if budget == 0:
            _overspent(cycle.turn, match.rule, cycle.env)
            return
        budget -= 1
        cycle.fired.add(key)
        _fire(cycle, match, key)


def _match_current(cycle: _Cycle, entry: Entry) -> None:
    rule, position = entry
    event = cycle.turn.event
    element = (f"event:{event.source}/{event.id}", event, event)
    for match in _extend(cycle, rule, 0, [], {position: element}):
        cycle.push(match)


def _extend(
    cycle: _Cycle, rule: Rule, position: int, elements: list[Element], given: dict[int, Element]
) -> Iterator[Match]:
    """Depth-first join over the patterns from `position` on."""
    if position == len(rule.patterns):
        if _conditions(cycle, rule):
            yield Match(rule, list(elements))
        return
    pattern = rule.patterns[position]
    if pattern.kind.startswith("none"):
        if not _any(cycle, rule, pattern):
            yield from _extend(cycle, rule, position + 1, [*elements, ("none", None, None)], given)
        return
    candidates = [given[position]] if position in given else _candidates(cycle, rule, pattern)
    bound = cycle.env.bound
    for element in candidates:
        bound[pattern.alias] = element[1]
        if _passes(cycle, rule, pattern, element):
            yield from _extend(cycle, rule, position + 1, [*elements, element], given)
    bound.pop(pattern.alias, None)


def _conditions(cycle: _Cycle, rule: Rule) -> bool:
    for condition in rule.when:
        if condition.wake is not None:
            instant = condition.wake(cycle.env)
            if instant is not None:
                cycle.wakes.append(to_micros(instant))
    return all(cycle.turn.holds(rule.name, "when", condition, cycle.env) for condition in rule.when)


def _any(cycle: _Cycle, rule: Rule, pattern: Pattern) -> bool:
    bound = cycle.env.bound
    try:
        for element in _candidates(cycle, rule, pattern):
            bound[pattern.alias] = element[1]
            if _passes(cycle, rule, pattern, element):
                return True
        return False
    finally:
        bound.pop(pattern.alias, None)


def _passes(cycle: _Cycle, rule: Rule, pattern: Pattern, element: Element) -> bool:
    if not _equal(pattern, _fields(element[1])):
        return False
    turn, env = cycle.turn, cycle.env
    return all(turn.holds(rule.name, "match", test, env) for test in pattern.tests) and all(
        turn.holds(rule.name, "where", test, env) for test in pattern.where
    )


def _equal(pattern: Pattern, data: dict[str, Any]) -> bool:
    for name, value in pattern.equals:
        held = data.get(name)
        if held != value or isinstance(held, bool) != isinstance(value, bool):
            return False
    return True


def _fields(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = value.data if isinstance(value, (Event, Remembered)) else value
    return found


def _candidates(cycle: _Cycle, rule: Rule, pattern: Pattern) -> Iterator[Element]:
    """What a pattern may match; by the hash index where it is joined on equality."""
    try:
        key = tuple(expression.run(cycle.env) for _, expression in pattern.key)
    except CelError as failure:
        cycle.turn.error(rule.name, failure, None, cycle.env, pattern.place)
        return
    names = tuple(name for name, _ in pattern.key)
    if pattern.kind.endswith("fact"):
        held = cycle.facts.joined(pattern.type, names, key) if names else list(cycle.facts.of(pattern.type).items())
        for number, fact in held:
            yield f"fact:{number}", fact.fields, number
    elif pattern.kind == "entity":
        yield from _entities(cycle, pattern, names, key)
    else:
        yield from _remembered(cycle, pattern, names, key)


def _entities(cycle: _Cycle, pattern: Pattern, names: tuple[str, ...], key: tuple[Any, ...]) -> Iterator[Element]:
    declared = cycle.turn.program.entities[pattern.type]
    shared, at = cycle.env.shared, cycle.env.at
    if declared.key in names:
        wanted = str(key[names.index(declared.key)])
        found = shared.get(pattern.type, wanted, at)
        listed = [(wanted, found)] if found is not None else []
    else:
        listed = list(shared.all(pattern.type, at))
    for number, data in listed:
        if all(data.get(name) == value for name, value in zip(names, key, strict=True)):
            yield f"entity:{pattern.type}/{number}", data, None


def _remembered(cycle: _Cycle, pattern: Pattern, names: tuple[str, ...], key: tuple[Any, ...]) -> Iterator[Element]:
    """Past events of the pattern's type inside its span, which ends now and includes both ends."""
    now, span = cycle.turn.now, pattern.within
    for one in cycle.turn.partition.memory.recent.get(pattern.type, ()):
        if span is not None and not now - span <= one.at <= now:
            continue
        if all(one.data.get(name) == value for name, value in zip(names, key, strict=True)):
            if span is not None:
                cycle.wakes.append(one.at + span + 1)
            yield f"event:{one.source}/{one.id}", one, one


def _still_holds(cycle: _Cycle, match: Match) -> bool:
    """Whether a match that waited on the agenda holds in spite of what has fired since."""
    return _rebind(cycle, match.rule, match.elements)


def _rebind(cycle: _Cycle, rule: Rule, elements: list[Element]) -> bool:
    bound = cycle.env.bound
    for pattern, element in zip(rule.patterns, elements, strict=True):
        if pattern.kind.startswith("none"):
            if _any(cycle, rule, pattern):
                return False
            continue
        if pattern.kind == "fact" and cycle.facts.get(element[2]) is None:
            return False
        bound[pattern.alias] = element[1]
    return all(cycle.turn.holds(rule.name, "when", condition, cycle.env) for condition in rule.when)


def _fire(cycle: _Cycle, match: Match, key: str) -> None:
    turn, env, rule = cycle.turn, cycle.env, match.rule
    mark = turn.mark()
    asserted: list[int] = []
    dirty: list[str] = []
    try:
        for effect in rule.then:
            if isinstance(effect, Assert):
                dirty += _assert(cycle, effect, asserted)
            elif isinstance(effect, Retract):
                dirty += _retract(cycle, match, effect)
            else:
                _announce(turn, rule, effect, env)
    except CelError as failure:
        turn.back_to(mark)
        dirty += [name for number in asserted if (name := cycle.facts.release(number)) is not None]
        asserted = []
        turn.error(rule.name, failure, None, env, rule.place)
    _remember(cycle, match, key, asserted)
    if dirty:
        _follow(cycle, dirty)


def _assert(cycle: _Cycle, effect: Assert, asserted: list[int]) -> list[str]:
    number, new = cycle.facts.add(effect.fact, values(effect.fields, cycle.env), kept=effect.keep)
    asserted.append(number)
    cycle.turn.changed("memory")
    return [effect.fact] if new else []


def _retract(cycle: _Cycle, match: Match, effect: Retract) -> list[str]:
    position = next(i for i, pattern in enumerate(match.rule.patterns) if pattern.alias == effect.alias)
    name = cycle.facts.remove(match.elements[position][2])
    cycle.turn.changed("memory")
    return [name] if name is not None else []


def _remember(cycle: _Cycle, match: Match, key: str, asserted: list[int]) -> None:
    """Keep an activation that must not fire again while it holds, or on which facts rest."""
    standing = not any(is_current(pattern) for pattern in match.rule.patterns)
    if not standing and not asserted:
        return
    events = [_kept(element[2]) for element in match.elements if isinstance(element[2], (Event, Remembered))]
    facts = [element[2] for element in match.elements if isinstance(element[2], int)]
    entities = [element[0].partition("/")[2] for element in match.elements if element[0].startswith("entity:")]
    activation = Activation(match.rule.name, events, facts, entities, asserted)
    cycle.turn.partition.memory.activations[key] = activation
    cycle.turn.changed("memory")


def _kept(event: Event | Remembered) -> Remembered:
    return event if isinstance(event, Remembered) else Remembered.of(event)


def _follow(cycle: _Cycle, names: list[str]) -> None:
    """Facts have come or gone: look again at the rules that read them."""
    event = cycle.turn.event
    affected: list[Rule] = []
    for name in names:
        affected.extend(rule for rule in cycle.index.readers.get(f"fact:{name}", ()) if rule not in affected)
    standing = [rule for rule in affected if not any(is_current(pattern) for pattern in rule.patterns)]
    for entry in cycle.index.concerned(event.type, event.data):
        if entry[0] in affected:
            _match_current(cycle, entry)
    _revise(cycle, standing, extra=affected)


def _revise(cycle: _Cycle, standing: list[Rule], extra: list[Rule] | None = None) -> None:
    """Recompute the matches of standing rules; new ones go to the agenda, gone ones take their facts with them."""
    current: set[str] = set()
    for rule in standing:
        for match in _extend(cycle, rule, 0, [], {}):
            current.add(match.key)
            cycle.push(match)
    names = {rule.name for rule in standing}
    gone = [
        key
        for key, one in cycle.turn.partition.memory.activations.items()
        if (one.rule in names and key not in current)
        or (extra and one.rule not in names and not _supported(cycle, one, extra))
    ]
    dirty: list[str] = []
    for key in gone:
        dirty += _withdraw(cycle, key)
    if dirty:
        _follow(cycle, dirty)


def _supported(cycle: _Cycle, one: Activation, affected: list[Rule]) -> bool:
    """Whether an activation of a current-event rule still holds, its event taken as given."""
    rule = next((rule for rule in affected if rule.name == one.rule), None)
    if rule is None:
        return True
    events, facts, entities = iter(one.events), iter(one.facts), iter(one.entities)
    elements: list[Element] = []
    for pattern in rule.patterns:
        if pattern.kind == "event":
            event = next(events)
            elements.append((f"event:{event.source}/{event.id}", event, event))
        elif pattern.kind == "fact":
            number = next(facts)
            fact = cycle.facts.get(number)
            if fact is None:
                return False
            elements.append((f"fact:{number}", fact.fields, number))
        elif pattern.kind == "entity":
            entity = cycle.env.shared.get(pattern.type, next(entities), cycle.env.at)
            if entity is None:
                return False
            elements.append(("entity", entity, None))
        else:
            elements.append(("none", None, None))
    return _rebind(cycle, rule, elements)


def _withdraw(cycle: _Cycle, key: str) -> list[str]:
    one = cycle.turn.partition.memory.activations.pop(key)
    cycle.fired.discard(key)
    cycle.turn.changed("memory")
    released = [cycle.facts.release(number) for number in one.asserted]
    return [name for name in released if name is not None]


def _set_wake(cycle: _Cycle) -> None:
    memory, now = cycle.turn.partition.memory, cycle.turn.now
    known = [*cycle.wakes, memory.wake] if memory.wake is not None else cycle.wakes
    due = min((instant for instant in known if instant > now), default=None)
    if due != memory.wake:
        memory.wake = due
        cycle.turn.timer("rules", due)
        cycle.turn.changed("memory")
