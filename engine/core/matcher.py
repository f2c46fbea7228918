"""Forward chaining inside a partition: match, choose by priority, fire, until nothing more follows.

Rules with a current-event pattern match once, when the event comes. Standing rules (facts and events `within` a span) hold as
long as their match does: what they assert goes when the match goes. Matching is TREAT-like (Miranker, 1987): no join results
are kept but the activations that fired; joins on equality look up a hash index.
"""

from __future__ import annotations

import heapq
from collections.abc import Set

from engine.cel import CelError
from engine.core import plain
from engine.core.activations import Working
from engine.core.alpha import AlphaIndex, is_current
from engine.core.candidates import event_element
from engine.core.cycle import Cycle, Element, Match, Matching
from engine.core.env import Env
from engine.core.facts import Change
from engine.core.joins import bind, extend, rebind
from engine.core.network import Entry
from engine.core.program import Assert, Effect, Retract, Rule
from engine.core.support import outdated, remember, revise, settle
from engine.core.turn import Turn, values


def run(turn: Turn, index: AlphaIndex, env: Env, changes: Set[str] = frozenset()) -> None:
    """Everything that the turn's event sets off, and with it what has changed of metrics, workflows and the key's entity."""
    event = turn.event
    standing = index.moved(event.type, changes)
    found = index.types.get(event.type)
    entries = found.concerned(turn, env) if found is not None else []
    if found is not None and found.plain and not standing:
        if entries:
            plain.run(turn, entries, env)
        return
    strange = _strange(turn, index)
    if not (standing or strange):
        if entries and all(rule.name in index.readers for rule, _ in entries):
            _read(turn, index, entries, env)
            return
        if not entries:
            return
    cycle, lost = _cycle(turn, index, env)
    cycle.entries = entries
    for rule, position in entries:
        for match in extend(cycle, env, rule, {position: event_element(event)}):
            cycle.push(match)
    settle(cycle, [], lost)
    _finish(cycle, standing)


def matches(turn: Turn, index: AlphaIndex, entries: list[Entry], env: Env) -> list[Match]:
    """How rules over the turn's event match, `entries` being those that the alpha index found, in the order of firing."""
    partition = turn.partition
    working = partition.working = partition.working or Working.of(partition.memory)
    look = Matching(turn, index, env, working.facts)
    current = event_element(turn.event)
    found = extend(look, env, entries[0][0], {entries[0][1]: current})
    if len(entries) > 1:
        for rule, position in entries[1:]:
            found += extend(look, env, rule, {position: current})
        found.sort(key=_urgency)
    return found


def _read(turn: Turn, index: AlphaIndex, entries: list[Entry], env: Env) -> None:
    """Rules that only read working memory: what fires cannot change what matches, so that no agenda is needed."""
    found, budget = matches(turn, index, entries, env), turn.program.firings
    for match in found[:budget]:
        bind(match)
        plain.fire(turn, match.rule, env)
    if len(found) > budget:
        plain.overspent(turn, found[budget].rule, env)


def _urgency(match: Match) -> tuple[int, int]:
    return -match.rule.priority, match.rule.order


def review(turn: Turn, index: AlphaIndex, env: Env, standing: list[Rule]) -> None:
    """Look at standing rules again: time, a metric, a workflow or the key's entity may have changed what they match."""
    cycle, lost = _cycle(turn, index, env)
    settle(cycle, [], lost)
    _finish(cycle, standing)


def ask(turn: Turn, index: AlphaIndex, rule: Rule, env: Env) -> None:
    """Try to match one rule, on the turn's event where it asks for one, and note what came of every condition."""
    working = Working.of(turn.partition.memory)
    cycle = Cycle(turn, index, env, working)
    tracer, event = turn.tracer, turn.event
    assert tracer is not None
    given: dict[int, Element] = {}
    for position, pattern in enumerate(rule.patterns):
        if is_current(pattern):
            if pattern.type != event.type:
                detail = f"waits for an event {pattern.type}; the last one here was {event.type or 'none'}"
                tracer.told(rule.name, "match", pattern.place, detail)
                return
            given[position] = event_element(event)
    cycle.decided = False
    seen = env if given else cycle.present
    count = len(extend(cycle, seen, rule, given))
    tracer.told(rule.name, "matches", rule.place, f"{count} matches")


def _strange(turn: Turn, index: AlphaIndex) -> bool:
    """Whether rules of another program were the last that were looked at here, and these ones see something else, or may."""
    memory = turn.partition.memory
    return memory.revision != turn.program.revision and bool(index.standing or memory.activations)


def _cycle(turn: Turn, index: AlphaIndex, env: Env) -> tuple[Cycle, list[Change]]:
    """The agenda of a turn. What was known may rest on rules of another pack: the facts that so went are returned."""
    partition = turn.partition
    working = partition.working = partition.working or Working.of(partition.memory)
    cycle = Cycle(turn, index, env, working)
    return cycle, outdated(cycle) if partition.memory.revision != turn.program.revision else []


def _finish(cycle: Cycle, standing: list[Rule]) -> None:
    memory, revision = cycle.turn.partition.memory, cycle.turn.program.revision
    if memory.revision != revision:
        memory.revision, standing = revision, cycle.index.standing
        cycle.turn.changed("memory")
    revise(cycle, standing)
    _exhaust(cycle)
    if cycle.wakes or cycle.turn.partition.memory.wake is not None:
        _set_wake(cycle)


def _exhaust(cycle: Cycle) -> None:
    budget = cycle.turn.program.firings
    while cycle.agenda:
        key = heapq.heappop(cycle.agenda)[3]
        match = cycle.waiting.pop(key, None)
        if match is None or not rebind(cycle, match):
            continue
        if budget == 0:
            plain.overspent(cycle.turn, match.rule, match.env)
            return
        budget -= 1
        cycle.fired.add(key)
        _fire(cycle, match, key)


def _fire(cycle: Cycle, match: Match, key: str) -> None:
    """All effects or none: working memory is left alone until every value is computed and every announcement made."""
    turn, rule = cycle.turn, match.rule
    mark = turn.mark()
    asserted: list[int] = []
    added: list[Change] = []
    lost: list[Change] = []
    try:
        planned = _planned(cycle, match)
    except CelError as failure:
        turn.back_to(mark)
        turn.error(rule.name, failure, None, match.env, rule.place)
        planned = []
    for effect, fields in planned:
        if isinstance(effect, Assert):
            number, new = cycle.facts.add(effect.fact, fields, kept=effect.keep)
            asserted.append(number)
            added += [(number, effect.fact, fields)] if new else []
        elif isinstance(effect, Retract):
            lost += cycle.facts.remove(_fact_of(match, effect))
        turn.changed("memory")
    remember(cycle, match, key, asserted)
    if added or lost:
        settle(cycle, added, lost)


def _planned(cycle: Cycle, match: Match) -> list[tuple[Effect, dict[str, object]]]:
    """Announce what the rule announces; returns what it wants of working memory, with the values of new facts."""
    planned: list[tuple[Effect, dict[str, object]]] = []
    for effect in match.rule.then:
        if isinstance(effect, Assert):
            planned.append((effect, values(effect.fields, match.env)))
        elif isinstance(effect, Retract):
            if effect.when is None or effect.when.run(match.env):
                planned.append((effect, {}))
        else:
            plain.announce(cycle.turn, match.rule, effect, match.env)
    return planned


def _fact_of(match: Match, effect: Retract) -> int:
    position = next(i for i, pattern in enumerate(match.rule.patterns) if pattern.alias == effect.alias)
    number: int = match.elements[position][2]
    return number


def _set_wake(cycle: Cycle) -> None:
    memory, now = cycle.turn.partition.memory, cycle.turn.now
    known = [*cycle.wakes, memory.wake] if memory.wake is not None else cycle.wakes
    due = min((instant for instant in known if instant > now), default=None)
    if due != memory.wake:
        memory.wake = due
        cycle.turn.timer("rules", due)
        cycle.turn.changed("memory")
