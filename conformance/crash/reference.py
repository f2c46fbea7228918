"""What a log must come to, said without the engine: each event is taken one after the other, in the order of the log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import asdict, dataclass, field

from conformance.crash.pack import FACTOR, LIMIT, MODULUS
from engine.core.event import Event


@dataclass(slots=True)
class Task:
    """A task. `due` is when it will be late."""

    state: str = "closed"
    desk: str | None = None
    seen: int = 0
    round: int = 0
    late: int = 0
    mark: int = 0
    due: int | None = None


@dataclass(slots=True)
class Desk:
    """What a desk has seen."""

    opened: int = 0
    closed: int = 0
    late: int = 0
    mark: int = 0


@dataclass
class Reference:
    """An interpreter of one pack. `messages` are (task, round) in the order in which they are queued, `due` says how often each deadline
    was set, by task and instant.
    """

    tasks: dict[str, Task] = field(default_factory=dict)
    desks: dict[str, Desk] = field(default_factory=dict)
    emitted: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    messages: list[tuple[str, int]] = field(default_factory=list)
    due: Counter[tuple[str, int]] = field(default_factory=Counter)

    def read(self, log: Iterable[Event], poisoned: Container[str]) -> None:
        """Take every event; those that killed their worker, by their ids, concern their desk only."""
        for event in log:
            if event.type == "timer.fired":
                self._fire(event.keys[0][1], event.at)
            elif event.type == "task.late":
                self._tell(event)
            elif event.type in ("task.opened", "task.closed"):
                self._count(event)
                if event.id not in poisoned:
                    self._take(self.tasks.setdefault(event.data["task"], Task()), event)

    def document(self) -> bytes:
        """The state of everything, in one spelling."""
        return spelled(
            {name: asdict(task) for name, task in self.tasks.items()},
            {name: asdict(desk) for name, desk in self.desks.items()},
        )

    def _take(self, task: Task, event: Event) -> None:
        task.seen += 1
        task.mark = _marked(task.mark, event.data["number"])
        if event.type == "task.closed":
            if task.state != "closed":
                task.state, task.due = "closed", None
        elif task.state != "open":
            task.state, task.desk, task.round = "open", event.data["desk"], task.round + 1
            task.due = event.now + LIMIT
            self.due[event.data["task"], task.due] += 1

    def _fire(self, name: str, at: int) -> None:
        task = self.tasks[name]
        if task.state == "open" and task.due == at:
            task.state, task.due, task.late = "late", None, task.late + 1
            self.emitted[name, task.desk or "", task.round] += 1

    def _count(self, event: Event) -> None:
        desk = self.desks.setdefault(event.data["desk"], Desk())
        if event.type == "task.opened":
            desk.opened += 1
        else:
            desk.closed += 1
        desk.mark = _marked(desk.mark, event.data["number"])

    def _tell(self, event: Event) -> None:
        desk = self.desks.setdefault(event.data["desk"], Desk())
        desk.late += 1
        desk.mark = _marked(desk.mark, event.data["round"])
        self.messages.append((event.data["task"], event.data["round"]))


def spelled(tasks: dict[str, dict[str, object]], desks: dict[str, dict[str, object]]) -> bytes:
    """The document of a state: JSON, its keys in order."""
    return json.dumps({"tasks": tasks, "desks": desks}, sort_keys=True, indent=1).encode()


def _marked(mark: int, number: int) -> int:
    return (mark * FACTOR + number) % MODULUS
