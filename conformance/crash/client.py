"""The client: sends events to a process that takes them in, and sends them again until each of them was seen accepted."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from conformance.crash.member import Member
from conformance.crash.pack import desk_of

_BATCH = 50
"""Events that are sent at once, at most: those whose time has come."""

_PAUSE = 0.1
"""Seconds after which what was not accepted is sent again."""


def lines(which: int, count: int, keys: int, poisons: int, dice: random.Random) -> Iterator[tuple[str, str, bool]]:
    """Events without end, as (id, line, whether it kills who steps it): tasks are opened and closed at random.

    Those that kill are spread over the first three quarters of `count`; the last of these concern the same tasks.
    """
    deadly = {count * 3 * (i + 1) // (4 * (poisons + 1)): f"t{i}" for i in range(poisons)}
    last = {count - 1 - i: f"t{i}" for i in range(poisons)}
    for i in itertools.count():
        kills = i in deadly
        task = deadly.get(i) or last.get(i) or f"t{dice.randrange(keys)}"
        kind = "task.opened" if kills or dice.random() < 0.55 else "task.closed"
        data = {"task": task, "desk": desk_of(task), "number": 2 * i + which} | ({"kills": True} if kills else {})
        event = {
            "id": f"{which}.{i}",
            "source": "client",
            "type": kind,
            "time": datetime.now(UTC).isoformat(),
            "data": data,
        }
        yield f"{which}.{i}", json.dumps(event), kills


class Client:
    """Feeds one process, which may be killed at any time, in a thread of its own: `count` events, one every `pace` seconds, and then
    others, as many at most, until there were `enough`.

    `sent` and `accepted` are the ids that it has sent and those that were said to be durable; `cut` says how often it got no answer because
    the process was gone, `failures` the answers of one that could not append. `excused()`: whether a process may end by itself just now.
    """

    def __init__(
        self,
        member: Member,
        source: Iterator[tuple[str, str, bool]],
        count: int,
        pace: float,
        excused: Callable[[], bool],
        enough: Callable[[], bool],
    ) -> None:
        self.member = member
        self.accepted: list[str] = []
        self.sent: list[str] = []
        self.poisoned: list[str] = []
        self.failures: dict[str, int] = {}
        self.cut = 0
        self.asking = False
        self.error: Exception | None = None
        self._source = source
        self._count = count
        self._pace = pace
        self._enough = enough
        self._excused = excused
        self.thread = threading.Thread(target=self._run, name="client")

    def _run(self) -> None:
        try:
            self._send_all()
        except Exception as error:
            self.error = error

    def _send_all(self) -> None:
        began, done = time.monotonic(), 0
        while done < self._count or (done < 2 * self._count and not self._enough()):
            batch = self._next(min(max(int((time.monotonic() - began) / self._pace) - done, 1), _BATCH))
            done += len(batch)
            self._send(json.dumps([line for _, line in batch]).encode() + b"\n")
            self.accepted += [number for number, _ in batch]
            time.sleep(max(began + done * self._pace - time.monotonic(), 0))

    def _next(self, most: int) -> list[tuple[str, str]]:
        batch = []
        for number, line, kills in itertools.islice(self._source, most):
            batch.append((number, line))
            self.sent.append(number)
            if kills:
                self.poisoned.append(number)
        return batch

    def _send(self, batch: bytes) -> None:
        while True:
            if self.member.dead:
                self._restart()
            answer = self._answer(batch)
            if answer.startswith(b"taken"):
                return
            if answer.startswith(b"refused"):
                raise RuntimeError(f"{answer.decode().strip()}: {batch[:200]!r}")
            if answer:
                code = answer.decode().split()[1]
                self.failures[code] = self.failures.get(code, 0) + 1
            else:
                self.cut += 1
            time.sleep(_PAUSE)

    def _restart(self) -> None:
        process = self.member.process
        if process is not None and process.returncode >= 0 and not (self._excused() and not self.member.ready):
            self.member.complaints.append(
                f"an appender ended by itself with {process.returncode}: {self.member.tail()}"
            )
        self.member.start()

    def _answer(self, batch: bytes) -> bytes:
        process = self.member.process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        self.asking = True
        try:
            process.stdin.write(batch)
            process.stdin.flush()
            return process.stdout.readline()
        except OSError:
            return b""
        finally:
            self.asking = False
