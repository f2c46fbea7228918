"""The client: sends events to a server, and sends them again until each of them was seen accepted."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx

from conformance.crash.member import Member
from conformance.crash.pack import desk_of

_BATCH = 50
"""Events that are sent at once, at most: those whose time has come."""

_PATIENCE = 60.0
"""Seconds that an answer may take."""

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
    """Feeds one server, which may be killed at any time, in a thread of its own: `count` events, one every `pace` seconds, and then
    others, as many at most, until there were `enough`.

    `sent` and `accepted` are the ids that it has sent and those that were said to be durable, `repeated` says how many were durable before;
    `cut` says how often an answer did not come because the server was gone, `unavailable` how often it was 503. `excused()`: whether
    a server may end by itself just now, before it has worked.
    """

    def __init__(
        self,
        member: Member,
        address: str,
        token: str,
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
        self.cut = self.unavailable = self.repeated = 0
        self.asking = False
        self.error: Exception | None = None
        self._address = address
        self._token = token
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
        headers = {"Authorization": f"Bearer {self._token}"}
        with httpx.Client(base_url=self._address, headers=headers, timeout=_PATIENCE) as http:
            self._feed(http)

    def _feed(self, http: httpx.Client) -> None:
        began, done = time.monotonic(), 0
        while done < self._count or (done < 2 * self._count and not self._enough()):
            batch = self._next(min(max(int((time.monotonic() - began) / self._pace) - done, 1), _BATCH))
            done += len(batch)
            self._send(http, [line for _, line in batch])
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

    def _send(self, http: httpx.Client, events: list[str]) -> None:
        media = "application/json" if len(events) == 1 else "application/x-ndjson"
        content, headers = "\n".join(events).encode(), {"Content-Type": media}
        while True:
            if self.member.dead:
                self._restart()
            self.asking = True
            try:
                answer = http.post("/v1/events", content=content, headers=headers)
            except httpx.ConnectError:
                pass  # it is not there yet
            except httpx.TransportError:
                self.cut += 1
            else:
                if self._is_taken(answer):
                    return
            finally:
                self.asking = False
            time.sleep(_PAUSE)

    def _is_taken(self, answer: httpx.Response) -> bool:
        """Whether all that was sent is durable. Raises RuntimeError where it is anything but that, or to be sent again."""
        if answer.status_code == 503:
            self.unavailable += 1
            if not answer.headers.get("Retry-After", "").isdigit():
                raise RuntimeError(f"503 without Retry-After: {answer.text}")
            return False
        if answer.status_code not in (200, 202):
            raise RuntimeError(f"{answer.status_code}: {answer.text}")
        document = answer.json()
        receipts = document.get("receipts", [document])
        if refused := [one for one in receipts if one["status"] not in ("accepted", "duplicate")]:
            raise RuntimeError(f"refused: {refused[:3]}")
        self.repeated += sum(one["status"] == "duplicate" for one in receipts)
        return True

    def _restart(self) -> None:
        process = self.member.process
        if process is not None and process.returncode >= 0 and not (self._excused() and not self.member.ready):
            self.member.complaints.append(f"a server ended by itself with {process.returncode}: {self.member.tail()}")
        self.member.start()
