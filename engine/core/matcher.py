"""Forward chaining inside a partition: match, choose by priority, fire, until nothing more follows.

Rules with a current-event pattern match once, when the event comes. Standing rules (facts and events `within` a span) hold as
long as their match does: what they assert goes when the match goes. Matching is TREAT-like (Miranker, 1987): no join results
are kept but the activations that fired; joins on equality look up a hash index.
"""

from __future__ import annotations

import heapq

from engine.cel import CelError
from engine.core import plain
from engine.core.alpha import AlphaIndex, Entry, is_current
from engine.core.env import Env
from engine.core.event import Event
from engine.core.facts import Facts
from engine.core.joins import Cycle, Element, Match, extend, rebind
from engine.core.partition import Activation, Remembered
from engine.core.program import Assert, Retract, Rule
from engine.core.turn import Turn, values


def run(turn: Turn, index: AlphaIndex, env: Env, *, timed: bool) -> None:
    """Everything that the turn's delivery sets off. `timed`: the partition's own deadline for rules has come."""
    memory = turn.partition.memory
    event = turn.event
    if not timed and not memory.activations and index.plain(event.type):
        plain.run(turn, index.concerned(event.type, event.data), env)
        return
    entries = [] if timed else index.concerned(event.type, event.data)
    standing = _standing(index, event.type, timed=timed)
    if not entries and not standing:
        return
    partition = turn.partition
    if partition.working is None:
        partition.working = Facts(memory)
    cycle = Cycle(turn, index, env, partition.working)
    cycle.fired.update(memory.activations)
    for entry in entries:
        _match_current(cycle, entry)
    _revise(cycle, standing)
    _exhaust(cycle)
    if standing or memory.activations or memory.wake is not None:
        _set_wake(cycle)


def ask(turn: Turn, index: AlphaIndex, rule: Rule, env: Env) -> None:
    """Try to match one rule, on the turn's event where it asks for one, and note what came of every condition."""
    cycle = Cycle(turn, index, env, Facts(turn.partition.memory))
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
    count = sum(1 for _ in extend(cycle, rule, 0, [], given))
    tracer.told(rule.name, "matches", rule.place, f"{count} matches")


def _standing(index: AlphaIndex, event_type: str, *, timed: bool) -> list[Rule]:
    if not timed:
        return index.standing.get(event_type, [])
    found: list[Rule] = []
    for rules in index.standing.values():
        found.extend(rule for rule in rules if rule not in found)
    return found


def _exhaust(cycle: Cycle) -> None:
    budget = plain.FIRING_BUDGET
    while cycle.agenda:
        key = heapq.heappop(cycle.agenda)[3]
        match = cycle.waiting.pop(key, None)
        if match is None or not _still_holds(cycle, match):
            continue
        if budget == 0:
            plain.overspent(cycle.turn, match.rule, cycle.env)
            return
        budget -= 1
        cycle.fired.add(key)
        _fire(cycle, match, key)


def _match_current(cycle: Cycle, entry: Entry) -> None:
    rule, position = entry
    event = cycle.turn.event
    element = (f"event:{event.source}/{event.id}", event, event)
    for match in extend(cycle, rule, 0, [], {position: element}):
        cycle.push(match)


def _still_holds(cycle: Cycle, match: Match) -> bool:
    """Whether a match that waited on the agenda holds in spite of what has fired since."""
    return rebind(cycle, match.rule, match.elements)


def _fire(cycle: Cycle, match: Match, key: str) -> None:
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
                plain.announce(turn, rule, effect, env)
    except CelError as failure:
        turn.back_to(mark)
        dirty += [name for number in asserted if (name := cycle.facts.release(number)) is not None]
        asserted = []
        turn.error(rule.name, failure, None, env, rule.place)
    _remember(cycle, match, key, asserted)
    if dirty:
        _follow(cycle, dirty)


def _assert(cycle: Cycle, effect: Assert, asserted: list[int]) -> list[str]:
    number, new = cycle.facts.add(effect.fact, values(effect.fields, cycle.env), kept=effect.keep)
    asserted.append(number)
    cycle.turn.changed("memory")
    return [effect.fact] if new else []


def _retract(cycle: Cycle, match: Match, effect: Retract) -> list[str]:
    position = next(i for i, pattern in enumerate(match.rule.patterns) if pattern.alias == effect.alias)
    name = cycle.facts.remove(match.elements[position][2])
    cycle.turn.changed("memory")
    return [name] if name is not None else []


def _remember(cycle: Cycle, match: Match, key: str, asserted: list[int]) -> None:
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


def _follow(cycle: Cycle, names: list[str]) -> None:
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


def _revise(cycle: Cycle, standing: list[Rule], extra: list[Rule] | None = None) -> None:
    """Recompute the matches of standing rules; new ones go to the agenda, gone ones take their facts with them."""
    current: set[str] = set()
    for rule in standing:
        for match in extend(cycle, rule, 0, [], {}):
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


def _supported(cycle: Cycle, one: Activation, affected: list[Rule]) -> bool:
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
    return rebind(cycle, rule, elements)


def _withdraw(cycle: Cycle, key: str) -> list[str]:
    one = cycle.turn.partition.memory.activations.pop(key)
    cycle.fired.discard(key)
    cycle.turn.changed("memory")
    released = [cycle.facts.release(number) for number in one.asserted]
    return [name for name in released if name is not None]


def _set_wake(cycle: Cycle) -> None:
    memory, now = cycle.turn.partition.memory, cycle.turn.now
    known = [*cycle.wakes, memory.wake] if memory.wake is not None else cycle.wakes
    due = min((instant for instant in known if instant > now), default=None)
    if due != memory.wake:
        memory.wake = due
        cycle.turn.timer("rules", due)
        cycle.turn.changed("memory")
