"""Alerts: which level holds, when an episode begins and ends, who is told, and when they are told that it was not so."""

from __future__ import annotations

from typing import Any

from engine.cel import CelError
from engine.core.calendar import to_micros
from engine.core.env import Env
from engine.core.partition import AlertState, Sent
from engine.core.program import Alert, Do
from engine.core.text import render
from engine.core.turn import Turn

GRAVITY = {"green": 0, "yellow": 1, "red": 2}
"""Levels in order: what is graver must hold `for` a while, what is lesser is entered at once."""


def evaluate(turn: Turn, alert: Alert, env: Env) -> None:
    """Decide the level as of now, and whatever follows from a change."""
    alerts = turn.partition.decisions.alerts
    state = alerts.get(alert.name)
    level = _level(turn, alert, env)
    if state is None:
        state = alerts[alert.name] = AlertState()
        turn.changed("decisions")
    if level is None:
        _wake(turn, alert, state, env)
        return
    if level != state.level and not _held_long_enough(turn, alert, state, level):
        level = state.level
    elif level == state.level and state.pending is not None:
        state.pending = None
        turn.changed("decisions")
    if level != state.level:
        _change(turn, alert, state, level, env)
    _wake(turn, alert, state, env)


def _level(turn: Turn, alert: Alert, env: Env) -> str | None:
    """The first level that holds, `green` if none does, None when a condition cannot be computed."""
    if turn.tracer is not None:
        return _level_one_by_one(turn, alert, env)
    try:
        return alert.choose(env)
    except Exception:
        return _level_one_by_one(turn, alert, env)


def _level_one_by_one(turn: Turn, alert: Alert, env: Env) -> str | None:
    """As `_level`, condition by condition: notes are taken, and one that fails is an error outcome."""
    for name, condition in alert.levels:
        if turn.tracer is not None:
            turn.tracer.asked(alert.name, name, condition, env)
        try:
            if condition.run(env):
                return name
        except CelError as failure:
            turn.error(alert.name, failure, condition, env)
            return None
    return "green"


def _held_long_enough(turn: Turn, alert: Alert, state: AlertState, level: str) -> bool:
    """Whether a graver level that must hold for a while has held that long; it starts to count when it is first seen."""
    if not alert.hold or GRAVITY[level] < GRAVITY[state.level]:
        return True
    if state.pending != level:
        state.pending, state.pending_since = level, turn.now
        turn.changed("decisions")
    return turn.now - state.pending_since >= alert.hold


def _change(turn: Turn, alert: Alert, state: AlertState, level: str, env: Env) -> None:
    turn.changed("decisions")
    was, began = state.level, state.since
    lesser = GRAVITY[level] < GRAVITY[was]
    retracted = lesser and turn.event.late and turn.event.at < began
    status = "retracted" if retracted else "resolved" if level == "green" else "firing"
    turn.record("alert", alert.name, {"level": level, "was": was, "status": status})
    ended, episode = state.sent, state.episode
    state.level, state.since, state.pending, state.sent = level, turn.now, None, []
    if retracted:
        _correct(turn, alert, f"{episode}/{was}", ended, env)
    if level != "green":
        state.episode += 1
        _notify(turn, alert, state, level, env)


def _dedupe(turn: Turn, alert: Alert, episode: str, ordinal: int) -> str:
    """The key of a message; `episode` is its number and its level."""
    suffix = f"/{ordinal + 1}" if ordinal else ""
    return f"{alert.name}/{turn.partition.key}/{episode}{suffix}"


def _notify(turn: Turn, alert: Alert, state: AlertState, level: str, env: Env) -> None:
    for ordinal, action in enumerate(alert.notify.get(level, ())):  # type: ignore[call-overload]
        key = _dedupe(turn, alert, f"{state.episode}/{level}", ordinal)
        before = len(turn.step.actions)
        try:
            turn.act(alert.name, action, env, dedupe=key)
        except CelError as failure:
            turn.error(alert.name, failure, None, env, action.place)
        for one in turn.step.actions[before:]:
            state.sent.append(Sent(key, ordinal, one.do, one.to, one.to_entity, one.content, one.attach))


def _correct(turn: Turn, alert: Alert, episode: str, sent: list[Sent], env: Env) -> None:
    """Tell those who were told, whoever would be told today; what was never said needs no correction."""
    for message in sent:
        key = f"{_dedupe(turn, alert, episode, message.ordinal)}/correction"
        own = alert.retracted[message.ordinal : message.ordinal + 1] if alert.retracted is not None else ()
        for effect in own:
            try:
                _take_back(turn, alert, effect, message, key, env)
            except CelError as failure:
                turn.error(alert.name, failure, None, env, effect.place)
        if not own:
            to, entity, said = message.to, message.to_entity, corrected(message.content)
            turn.queue(alert.name, message.do, to, entity, said, message.attach, key, message.key)


def _take_back(turn: Turn, alert: Alert, effect: Do, message: Sent, key: str, env: Env) -> None:
    """Correct a message in words of the pack's own. They go to who was told, unless the message had no recipient."""
    if effect.when is not None and not effect.when.run(env):
        return
    to, entity = message.to, message.to_entity
    if effect.to is None or entity is None:
        to, entity = effect.to.run(env) if effect.to is not None else None, effect.to_entity
    said = render(effect.content, env, turn.program.language)
    turn.queue(alert.name, effect.do, to, entity, said, turn.attachment(effect.attach), key, message.key)


def corrected(content: Any) -> Any:
    """What was said, marked as withdrawn: for alerts that declare no words of their own for a correction."""
    if not isinstance(content, dict):
        return content
    notice = (
        "更正：因为迟到的数据，下面的提醒不再成立。 / Correction: data that arrived late withdraw the message below."
    )
    marked = dict(content)
    if isinstance(marked.get("title"), str):
        marked["title"] = f"【更正 / Correction】{marked['title']}"
    if isinstance(marked.get("text"), str):
        marked["text"] = f"{notice}\n\n{marked['text']}"
    return marked


def _wake(turn: Turn, alert: Alert, state: AlertState, env: Env) -> None:
    """Set the one deadline of the alert: the first instant at which time alone may change its level."""
    instants = [condition.wake(env) for _, condition in alert.levels if condition.wake is not None]
    due = min((to_micros(instant) for instant in instants if instant is not None), default=None)
    if state.pending is not None:
        held = state.pending_since + alert.hold
        due = held if due is None else min(due, held)
    if due != state.wake:
        state.wake = due
        turn.timer(f"alert/{alert.name}", due)
        turn.changed("decisions")
