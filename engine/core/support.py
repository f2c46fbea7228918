"""Truth maintenance: what a match has concluded stands while the match stands, and goes with it, however far that reaches."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from engine.core.anchors import Anchored, Concerned, concerned
from engine.core.candidates import entity_element, event_element, fact_element
from engine.core.cycle import Cycle, Element, Match
from engine.core.event import Event
from engine.core.facts import Change
from engine.core.grounds import baseless
from engine.core.groups import numbered, unnumbered
from engine.core.joins import Given, extend, places, rebind
from engine.core.network import Entry
from engine.core.partition import Activation, Remembered
from engine.core.program import Rule


def remember(cycle: Cycle, match: Match, key: str, asserted: list[int]) -> None:
    """Keep an activation that must not fire again while it holds, or on which facts rest that may go with it."""
    standing = match.rule.name not in cycle.index.positions
    if not standing and not (_conditional(match.rule) and _logical(cycle, asserted)):
        return
    events = [_kept(element[2]) for element in match.elements if isinstance(element[2], (Event, Remembered))]
    facts = [element[2] for element in match.elements if isinstance(element[2], int)]
    entities = [element[3] for element in match.elements if str(element[0]).startswith("entity:")]
    told = [element[1] for pattern, element in zip(match.rule.patterns, match.elements, strict=True) if pattern.told]
    activation = Activation(match.rule.name, events, facts, entities, asserted, groups=told)
    if not standing:
        activation.keys, activation.made = cycle.turn.event.keys, cycle.turn.event.now
    cycle.activations.add(key, activation)
    cycle.turn.changed("memory")


def _conditional(rule: Rule) -> bool:
    """Whether a match of a rule over the current event can ever cease to hold: what happened has happened, facts come and go."""
    return any(pattern.kind == "fact" for pattern in rule.patterns)


def _logical(cycle: Cycle, numbers: Iterable[int]) -> bool:
    """Whether any of these facts is there, and goes when nothing supports it."""
    facts = (cycle.facts.get(number) for number in numbers)
    return any(fact is not None and not fact.kept for fact in facts)


def _kept(event: Event | Remembered) -> Remembered:
    return event if isinstance(event, Remembered) else Remembered.of(event)


def revise(cycle: Cycle, standing: list[Rule]) -> None:
    """Recompute the matches of standing rules; new ones go to the agenda, gone ones take their facts with them."""
    lost: list[Change] = []
    for rule in standing:
        matches = extend(cycle, cycle.present, rule, {})
        for match in matches:
            cycle.push(match)
        current = {match.key for match in matches}
        for key in cycle.activations.of(rule.name):
            if key not in current:
                lost += withdraw(cycle, key)
    settle(cycle, [], lost)


def withdraw(cycle: Cycle, key: str) -> list[Change]:
    """End an activation. Returns the facts that went with it."""
    one = cycle.activations.pop(key)
    cycle.fired.discard(key)
    cycle.turn.changed("memory")
    lost: list[Change] = []
    for number in one.asserted:
        gone = cycle.facts.release(number)
        lost += gone
        if not gone:
            cycle.suspects[number] = None
    return lost


def settle(cycle: Cycle, added: list[Change], lost: list[Change]) -> None:
    """Facts have come and gone: end what rested on that, then look for what follows from it."""
    if not (added or lost or cycle.suspects):
        return
    gone = _unsupported(cycle, added, lost)
    for number, name, _ in added:
        fact = cycle.facts.get(number)
        if fact is not None:
            _match_fact(cycle, fact_element(number, fact.fields), name)
    found: Concerned = {}
    concerned(cycle.facts, found, cycle.index.requiring, added)
    concerned(cycle.facts, found, cycle.index.excluding, gone)
    for rule, anchored in found.items():
        for match in _again(cycle, rule, anchored):
            cycle.push(match)


def _again(cycle: Cycle, rule: Rule, anchored: Anchored | None) -> Iterable[Match]:
    """The matches of a rule that hold a concerned fact, or all of them, in their order."""
    if anchored is None:
        return _matches(cycle, rule, {})
    starts = ({place: fact_element(number, fields)} for (place, number), fields in anchored.items())
    return sorted((match for given in starts for match in _matches(cycle, rule, given)), key=places)


def _unsupported(cycle: Cycle, added: list[Change], lost: list[Change]) -> list[Change]:
    """Withdraw all that no longer holds, and what rested on it in turn. Returns the facts that went."""
    gone: list[Change] = []
    queue = deque(lost)
    queue += _refuted(cycle, cycle.index.excluding, added)
    while queue or cycle.suspects:
        went: list[Change] = []
        _collapse(cycle, queue, went)
        queue += _refuted(cycle, cycle.index.requiring, went)
        gone += went
    return gone


def _collapse(cycle: Cycle, queue: deque[Change], went: list[Change]) -> None:
    """End the activations that matched facts which are gone, and so on; then see whether what is left only supports itself."""
    while queue or cycle.suspects:
        if not queue:
            queue += _without_ground(cycle)
            continue
        change = queue.popleft()
        went.append(change)
        for key in cycle.activations.matching(change[0]):
            queue += withdraw(cycle, key)
        for key in cycle.activations.disown(change[0]):
            _release(cycle, key)


def _without_ground(cycle: Cycle) -> list[Change]:
    suspects, cycle.suspects = cycle.suspects, {}
    return [change for number in baseless(cycle, suspects) for change in cycle.facts.remove(number)]


def _refuted(cycle: Cycle, asking: Mapping[str, list[Entry]], changes: Iterable[Change]) -> list[Change]:
    """Withdraw the activations of rules whose groups no longer answer as they did. Returns the facts that went."""
    found: Concerned = {}
    concerned(cycle.facts, found, asking, changes)
    lost: list[Change] = []
    for rule, anchored in found.items():
        for key in _activations(cycle, rule, anchored):
            if key in cycle.activations and not _supported(cycle, rule, key):
                lost += withdraw(cycle, key)
    return lost


def _activations(cycle: Cycle, rule: Rule, anchored: Anchored | None) -> list[str]:
    """The activations of a rule that matched a concerned fact, or all of them."""
    if anchored is None:
        return cycle.activations.of(rule.name)
    matching = (key for _, number in anchored for key in cycle.activations.matching(number))
    return [key for key in matching if cycle.activations.rule_of(key) == rule.name]


def _release(cycle: Cycle, key: str) -> None:
    """Forget an activation of a rule over the current event on which nothing rests any more."""
    one = cycle.activations.get(key)
    if one is not None and one.rule in cycle.index.positions and not _logical(cycle, one.asserted):
        cycle.activations.pop(key)
        cycle.fired.add(key)


def _match_fact(cycle: Cycle, element: Element, name: str) -> None:
    for rule, position in cycle.index.holding.get(name, ()):
        for match in _matches(cycle, rule, {position: element}):
            cycle.push(match)


def _matches(cycle: Cycle, rule: Rule, given: Given) -> Iterator[Match]:
    """The matches of a rule with these elements; of a rule over the current event only those of the turn's own event."""
    for needed in cycle.index.needed[rule.name]:
        if not cycle.facts.count(*needed):
            return
    if rule.name not in cycle.index.positions:
        yield from extend(cycle, cycle.present, rule, given)
        return
    for entered, position in cycle.entries:
        if entered is rule:
            yield from extend(cycle, cycle.env, rule, {**given, position: event_element(cycle.turn.event)})


def _supported(cycle: Cycle, rule: Rule, key: str) -> bool:
    """Whether an activation holds, its events taken as given."""
    one = cycle.activations.get(key)
    match = _recalled(cycle, rule, one) if one is not None else None
    return match is not None and rebind(cycle, match)


def _recalled(cycle: Cycle, rule: Rule, one: Activation) -> Match | None:
    """The match of an activation as it was made: with its own event, and entities as of that; None where a part of it is gone."""
    match, events = _begun(cycle, rule, one)
    facts, entities, told = iter(one.facts), iter(one.entities), iter(one.groups)
    for pattern in rule.patterns:
        if pattern.group is not None:
            element: Element | None = numbered(pattern, next(told)) if pattern.told else unnumbered(pattern.group)
        elif pattern.kind == "event":
            element = event_element(next(events))
        elif pattern.kind == "fact":
            element = _fact(cycle, next(facts))
        else:
            element = _entity(match, pattern.type, next(entities))
        if element is None:
            return None
        match.elements.append(element)
    return match


def _begun(cycle: Cycle, rule: Rule, one: Activation) -> tuple[Match, Iterator[Event | Remembered]]:
    """A match without elements yet, and the events for it; what it sees follows from the current event, where the rule has one."""
    events: list[Event | Remembered] = [*one.events]
    position = cycle.index.positions.get(rule.name)
    if position is None:
        return Match(rule, [], cycle.present), iter(events)
    ordinal = sum(pattern.kind == "event" and pattern.group is None for pattern in rule.patterns[:position])
    event = events[ordinal] = _event(one.events[ordinal], one)
    return Match(rule, [], cycle.turn.as_of(event)), iter(events)


def _fact(cycle: Cycle, number: int) -> Element | None:
    fact = cycle.facts.get(number)
    return None if fact is None else fact_element(number, fact.fields)


def _entity(match: Match, kind: str, key: str) -> Element | None:
    data = match.env.shared.get(kind, key, match.env.at)
    return None if data is None else entity_element(kind, key, data)


def _event(past: Remembered, one: Activation) -> Event:
    return Event(
        past.id, past.source, past.type, past.at, past.data, one.keys, one.made, received_us=past.received_us,
        subject=past.subject,
    )  # fmt: skip


def outdated(cycle: Cycle) -> list[Change]:
    """End the activations of rules that the pack has no more, or that match something else now. Returns the facts that went."""
    lost: list[Change] = []
    for key, one in cycle.activations.items():
        rule = cycle.index.rules.get(one.rule)
        if rule is None or not _fits(rule, one, current=rule.name in cycle.index.positions):
            lost += withdraw(cycle, key)
    return lost


def _fits(rule: Rule, one: Activation, *, current: bool) -> bool:
    kinds = [pattern.kind for pattern in rule.patterns if pattern.group is None]
    counts = [kinds.count("event"), kinds.count("fact"), kinds.count("entity"), sum(one.told for one in rule.patterns)]
    held = [len(one.events), len(one.facts), len(one.entities), len(one.groups)]
    return current == bool(one.keys) and counts == held
