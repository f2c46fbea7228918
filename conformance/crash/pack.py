"""The pack of the crash test, and what it must come to, said without the engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.core.event import Event

LIMIT = 2_000_000
"""Microseconds after which an open task is late."""

PACK = """
pack: {name: crash, version: "1"}
events:
  task.opened: {lateness: 10m, keys: {task: data.task, desk: data.desk}, data: {task: string, desk: string}}
  task.closed: {lateness: 10m, keys: {task: data.task, desk: data.desk}, data: {task: string, desk: string}}
  task.late: {keys: {desk: data.desk}, data: {task: string, desk: string}}
workflows:
  task:
    by: task
    context: {task: string?, desk: string?}
    initial: fresh
    states:
      fresh: {on: {task.opened: {to: open, set: {task: data.task, desk: data.desk}}}}
      open:
        on: {task.closed: done}
        after: [{for: 2s, to: late}]
      late:
        enter: [{emit: task.late, data: {task: "context.?task.orValue('')", desk: "context.?desk.orValue('')"}}]
        on: {task.closed: done}
      done: {final: true}
metrics:
  opened: {by: desk, of: task.opened, window: lifetime}
  late: {by: desk, of: task.late, window: lifetime}
channels:
  tell:
    connector: webhook
    settings: {url: {env: RULEWRIGHT_WEBHOOK_URL}}
    on_unknown: hold
    timeout: 5s
rules:
  tell:
    by: desk
    match: [{event: task.late, as: t}]
    then: [{do: tell, with: {task: "{{ t.data.task }}"}}]
"""


@dataclass(slots=True)
class Expected:
    """What a log must have come to: the state of each task, and how many tasks each desk has seen opened and late."""

    states: dict[str, str] = field(default_factory=dict)
    opened: dict[str, int] = field(default_factory=dict)
    late: dict[str, list[str]] = field(default_factory=dict)


def expected(log: Iterable[Event]) -> Expected:
    """Read a log from its beginning, one event after the other."""
    found, due = Expected(), dict[str, int]()
    for event in log:
        if event.type == "task.opened":
            task, desk = event.data["task"], event.data["desk"]
            found.opened[desk] = found.opened.get(desk, 0) + 1
            if task not in found.states:
                found.states[task], due[task] = "open", event.at + LIMIT
        elif event.type == "task.closed" and event.data["task"] in found.states:
            found.states[event.data["task"]] = "done"
        elif (
            event.type == "timer.fired"
            and found.states.get(task := event.keys[0][1]) == "open"
            and due[task] == event.at
        ):
            found.states[task] = "late"
        elif event.type == "task.late":
            found.late.setdefault(event.data["desk"], []).append(event.data["task"])
    return found
