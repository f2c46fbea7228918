"""The client: sends lines to a process that appends, and sends them again until each of them was seen accepted."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from conformance.crash.fleet import Member


def lines(dice: random.Random, tasks: int) -> Iterator[tuple[str, str]]:
    """Kinds of events and their tasks: each task is opened, some twice, and some are closed sooner or later, without end."""
    number, open_ones = 0, list[str]()
    while True:
        if len(open_ones) < tasks and dice.random() < 0.6:
            open_ones.append(f"t{number}")
            number += 1
            yield "task.opened", open_ones[-1]
        elif open_ones:
            task = open_ones.pop(dice.randrange(len(open_ones))) if dice.random() < 0.9 else dice.choice(open_ones)
            yield ("task.closed" if dice.random() < 0.7 else "task.opened"), task


class Client:
    """Feeds one appending process, which may be killed at any time. `accepted` are the ids that it said are durable."""

    def __init__(self, member: Member, dice: random.Random, desks: int) -> None:
        self.accepted: list[str] = []
        self.restarts = 0
        self._member = member
        self._dice = dice
        self._desks = desks

    def send(self, number: str, kind: str, task: str) -> None:
        """Send one event until it is accepted."""
        event = {
            "id": number,
            "source": "client",
            "type": kind,
            "time": datetime.now(UTC).isoformat(),
            "data": {"task": task, "desk": f"d{hash_of(task) % self._desks}"},
        }
        line = json.dumps(event).encode() + b"\n"
        while not self._sent(line):
            time.sleep(0.05)
        self.accepted.append(number)

    def _sent(self, line: bytes) -> bool:
        process = self._member.process
        if process is None or process.poll() is not None:
            self._member.start()
            self.restarts += 1
            return False
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            return False
        if answer.startswith(b"refused"):
            raise RuntimeError(f"an event was refused: {line!r}")
        return answer.startswith(b"taken")


def hash_of(task: str) -> int:
    """A number that is the same in every process."""
    return int(task.removeprefix("t"))
