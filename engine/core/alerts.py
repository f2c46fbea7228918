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
    if alert.hold:
        level = _held_long_enough(turn, alert, state, level)
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


def _held_long_enough(turn: Turn, alert: Alert, state: AlertState, level: str) -> str:
    """The level to be in when `level` is seen: a lesser one at once, of the graver ones the gravest that has held long enough.

    A level holds from when it, or a graver one, was first seen.
    """
    now, seen, held = turn.now, GRAVITY[level], GRAVITY[state.level]
    waiting = [name for name, _ in alert.levels if held < GRAVITY[name] <= seen]
    pending: dict[str, int] = {name: state.pending.get(name, now) for name in waiting}
    if pending != state.pending:
        state.pending = pending
        turn.changed("decisions")
    if seen <= held:
        return level
    return next((name for name, since in pending.items() if now - since >= alert.hold), state.level)


def _change(turn: Turn, alert: Alert, state: AlertState, level: str, env: Env) -> None:
    turn.changed("decisions")
    was, began = state.level, state.since
    lesser = GRAVITY[level] < GRAVITY[was]
    retracted = lesser and turn.event.late and turn.event.at < began
    status = "retracted" if retracted else "resolved" if level == "green" else "firing"
    turn.record("alert", alert.name, {"level": level, "was": was, "status": status})
    said = state.sent
    state.level, state.since = level, turn.now
    state.pending = {name: since for name, since in state.pending.items() if GRAVITY[name] > GRAVITY[level]}
    if lesser:
        state.sent = [one for one in said if retracted and GRAVITY[one.level] <= GRAVITY[level]]
    if retracted:
        _correct(turn, alert, [one for one in said if one not in state.sent and turn.event.at < one.since], env)
    if level != "green":
        state.episode += 1
        _notify(turn, alert, state, level, env)


def _notify(turn: Turn, alert: Alert, state: AlertState, level: str, env: Env) -> None:
    for ordinal, action in enumerate(alert.notify.get(level, ())):  # type: ignore[call-overload]
        key = f"{alert.name}/{turn.partition.key}/{state.episode}/{level}{f'/{ordinal + 1}' if ordinal else ''}"
        before = len(turn.step.actions)
        try:
            turn.act(alert.name, action, env, dedupe=key)
        except CelError as failure:
            turn.error(alert.name, failure, None, env, action.place)
        for one in turn.step.actions[before:]:
            sent = Sent(key, ordinal, one.do, one.to, one.to_entity, one.content, one.attach, level, state.since)
            state.sent.append(sent)


def _correct(turn: Turn, alert: Alert, sent: list[Sent], env: Env) -> None:
    """Tell those who were told, whoever would be told today; what was never said needs no correction."""
    for message in sent:
        key = f"{message.key}/correction"
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
    instant = alert.wake(env) if alert.wake is not None else None
    due = to_micros(instant) if instant is not None else None
    if state.pending:
        held = [since + alert.hold for since in state.pending.values() if since + alert.hold > turn.now]
        due = min(held if due is None else [due, *held], default=None)
    if due != state.wake:
        state.wake = due
        turn.timer(f"alert/{alert.name}", due)
        turn.changed("decisions")
