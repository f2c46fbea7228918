"""The pack of the crash test: tasks at desks, deadlines of two seconds, a message for each task that is late.

Every event of a task leaves a trace in two partitions that tells how often and in which order it was stepped: counts, and a mark
that each number changes.
"""

from __future__ import annotations

LIMIT = 2_000_000
"""Microseconds after which an open task is late."""

DESKS = 20

FACTOR, MODULUS = 31, 1_000_003
"""A mark becomes (mark * FACTOR + number) % MODULUS."""

PACK = """
pack: {name: crash, version: "1"}
events:
  task.opened: &task
    lateness: 10m
    keys: {task: data.task, desk: data.desk}
    data: {task: string, desk: string, number: int, kills: bool?}
  task.closed: *task
  task.late: {keys: {desk: data.desk}, data: {task: string, desk: string, round: int}}
workflows:
  task:
    by: task
    context: {desk: string?, seen: int = 0, round: int = 0, late: int = 0, mark: int = 0}
    initial: closed
    states:
      closed:
        on:
          task.opened: {to: open, set: &begin {desk: data.desk, seen: context.seen + 1, round: context.round + 1, mark: &mark (context.mark * 31 + data.number) % 1000003}}
          task.closed: &noted {set: {seen: context.seen + 1, mark: *mark}}
      open:
        on:
          task.opened: *noted
          task.closed: &end {to: closed, set: {seen: context.seen + 1, mark: *mark}}
        after: [{for: 2s, to: late, set: {late: context.late + 1}}]
      late:
        enter: [{emit: task.late, data: {task: key, desk: "context.?desk.orValue('')", round: context.round}}]
        on:
          task.opened: {to: open, set: *begin}
          task.closed: *end
  desk:
    by: desk
    context: {opened: int = 0, closed: int = 0, late: int = 0, mark: int = 0}
    initial: counting
    states:
      counting:
        on:
          task.opened: {set: {opened: context.opened + 1, mark: *mark}}
          task.closed: {set: {closed: context.closed + 1, mark: *mark}}
          task.late: {set: {late: context.late + 1, mark: (context.mark * 31 + data.round) % 1000003}}
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
    then: [{do: tell, with: {task: "{{ t.data.task }}", round: "{{ t.data.round }}"}}]
"""  # noqa: E501


def desk_of(task: str) -> str:
    """The desk where a task is."""
    return f"d{int(task.removeprefix('t')) % DESKS}"
