"""Alerts: which level holds, when an episode begins and ends, who is told, and when they are told that it was not so."""

from __future__ import annotations

from typing import Any

from engine.cel import CelError
from engine.core.calendar import to_micros
from engine.core.env import Env
from engine.core.partition import AlertState
from engine.core.program import Alert, Do
from engine.core.turn import Turn


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
    """Whether a level that must hold for a while has held that long; it starts to count when it is first seen."""
    if not alert.hold or level == "green":
        return True
    if state.pending != level:
        state.pending, state.pending_since = level, turn.now
        turn.changed("decisions")
    return turn.now - state.pending_since >= alert.hold


def _change(turn: Turn, alert: Alert, state: AlertState, level: str, env: Env) -> None:
    turn.changed("decisions")
    was, began = state.level, state.since
    retracted = was != "green" and turn.event.late and turn.event.at < began
    status = "retracted" if retracted else "resolved" if level == "green" else "firing"
    turn.record("alert", alert.name, {"level": level, "was": was, "status": status})
    ended, episode = state.sent, state.episode
    state.level, state.since, state.pending, state.sent = level, turn.now, None, []
    if retracted:
        _correct(turn, alert, was, episode, ended, env)
    if level != "green":
        state.episode += 1
        _notify(turn, alert, state, level, env)


def _dedupe(turn: Turn, alert: Alert, episode: int, level: str, ordinal: int) -> str:
    suffix = f"/{ordinal + 1}" if ordinal else ""
    return f"{alert.name}/{turn.partition.key}/{episode}/{level}{suffix}"


def _notify(turn: Turn, alert: Alert, state: AlertState, level: str, env: Env) -> None:
    for ordinal, action in enumerate(alert.notify.get(level, ())):  # type: ignore[call-overload]
        key = _dedupe(turn, alert, state.episode, level, ordinal)
        before = len(turn.step.actions)
        try:
            turn.act(alert.name, action, env, dedupe=key)
        except CelError as failure:
            turn.error(alert.name, failure, None, env, action.place)
        for queued in turn.step.actions[before:]:
            state.sent.append({"key": key, "content": queued.content, "ordinal": ordinal})


def _correct(turn: Turn, alert: Alert, was: str, episode: int, sent: list[dict[str, Any]], env: Env) -> None:
    """Tell those who were told; what was never said needs no correction."""
    own = alert.notify.get(was, ())  # type: ignore[call-overload]
    for message in sent:
        ordinal = message["ordinal"]
        written = alert.retracted[ordinal] if alert.retracted is not None and ordinal < len(alert.retracted) else None
        effect: Do = written or own[ordinal]
        content = None if written is not None else corrected(message["content"])
        key = f"{_dedupe(turn, alert, episode, was, ordinal)}/correction"
        try:
            turn.act(alert.name, effect, env, dedupe=key, corrects=message["key"], content=content)
        except CelError as failure:
            turn.error(alert.name, failure, None, env, effect.place)


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
