from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import load
from engine.core.program import Program
from engine.store import DatabaseStore, open_store

PACK = """
pack: {name: tasks, version: "1"}
events:
  task.opened: {keys: {task: data.task}, data: {task: string}}
  task.closed: {keys: {task: data.task}, data: {task: string}}
  task.late: {keys: {desk: "'front'"}, data: {task: string}}
workflows:
  task:
    by: task
    context: {task: string?}
    initial: fresh
    states:
      fresh: {on: {task.opened: {to: open, set: {task: data.task}}}}
      open:
        on: {task.opened: {to: open}, task.closed: done}
        after: [{for: 1h, to: late}]
      late:
        enter: [{emit: task.late, data: {task: "context.?task.orValue('')"}}]
        on: {task.closed: done}
      done: {final: true}
metrics:
  late: {by: desk, of: task.late, window: {calendar: day}}
channels:
  tell: {connector: webhook}
rules:
  tell:
    by: desk
    match: [{event: task.late, as: t}]
    then: [{do: tell, with: {task: "{{ t.data.task }}"}}]
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    return load([folder])


@pytest.fixture
def store(address: str) -> Iterator[DatabaseStore]:
    opened = open_store(address)
    assert isinstance(opened, DatabaseStore)
    yield opened
    opened.close()
