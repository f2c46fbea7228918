"""Rules over the current event alone, which most are: no joins, no agenda, no working memory."""

from __future__ import annotations

from engine.cel import CelError
from engine.core.env import Env
from engine.core.network import Entry
from engine.core.program import Do, Effect, Emit, Rule
from engine.core.turn import Turn


def run(turn: Turn, entries: list[Entry], env: Env) -> None:
    """Fire rules over the event alone, in their order; what fires cannot change what matches."""
    if len(entries) > 1:
        entries.sort(key=_agenda_order)
    event, bound, budget = turn.event, env.bound, turn.program.firings
    for rule, _ in entries[:budget]:
        bound[rule.patterns[0].alias] = event
        fire(turn, rule, env)
    if len(entries) > budget:
        overspent(turn, entries[budget][0], env)


def fire(turn: Turn, rule: Rule, env: Env) -> None:
    """Make all announcements of a rule, or, where one cannot be made, none."""
    mark = turn.mark()
    try:
        for effect in rule.then:
            announce(turn, rule, effect, env)
    except CelError as failure:
        turn.back_to(mark)
        turn.error(rule.name, failure, None, env, rule.place)


def _agenda_order(entry: Entry) -> tuple[int, int]:
    rule = entry[0]
    return -rule.priority, rule.order


def announce(turn: Turn, rule: Rule, effect: Effect, env: Env) -> None:
    """Carry out an effect that leaves working memory alone."""
    if isinstance(effect, Emit):
        turn.emit(rule.name, effect, env)
    elif isinstance(effect, Do):
        turn.act(rule.name, effect, env)


def overspent(turn: Turn, rule: Rule, env: Env) -> None:
    """Record that the firing budget is used up."""
    failure = CelError("firing_budget", f"more than {turn.program.firings} firings for one event: a runaway rule")
    turn.error(rule.name, failure, None, env, rule.place)
