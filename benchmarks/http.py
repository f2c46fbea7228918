"""Pop-ups over HTTP while events come in: `rulewright serve` in a process of its own, an open-loop load from another one.

Open loop: every request has its instant, and is sent then whether or not the ones before are answered. Latency counts from that instant,
so that a server that stands still cannot hide it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from benchmarks.figure import Figure, Size, Work
from benchmarks.mix import Mix
from conformance import servers
from conformance.api.served import running, served

TOPIC = "http"
POPUPS, EVENTS = 50, 300
"""Requests a second."""

WANTED_MS = 20.0
CONNECTIONS = 48
REPS, CUSTOMERS = 60, 600


def measure(size: Size) -> Iterator[Figure]:
    """Milliseconds until a pop-up is answered, on SQLite and on PostgreSQL."""
    seconds = max(size.events // 2000, 2)
    with tempfile.TemporaryDirectory() as folder:
        yield from _figures("SQLite", f"sqlite:///{folder}/team.db", None, seconds)
    with servers.postgres() as database, servers.schema(database) as url, servers.redis() as queue:
        yield from _figures("PostgreSQL", url, queue, seconds)


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """The load itself, for the profiler."""
    with tempfile.TemporaryDirectory() as folder:
        yield lambda: list(_figures("SQLite", f"sqlite:///{folder}/team.db", None, max(size.events // 2000, 2)))


def _figures(where: str, url: str, queue: str | None, seconds: int) -> Iterator[Figure]:
    found = _run(url, queue, seconds)
    answered = sorted(found["popups"])
    note = (
        f"{seconds} s, {EVENTS} events/s beside it (p99 {_at(sorted(found['events']), 0.99):.1f} ms), "
        f"{found['stale']} of {len(answered)} stale, {found['failed']} failed"
    )
    name = f"pop-up over HTTP at {POPUPS}/s, {where}"
    yield Figure(TOPIC, f"{name}, p50", _at(answered, 0.5), "ms", "wall", note=note)
    yield Figure(TOPIC, f"{name}, p99", _at(answered, 0.99), "ms", "wall", wanted=WANTED_MS, most=True, note=note)


def _at(latencies: list[float], share: float) -> float:
    return latencies[min(int(len(latencies) * share), len(latencies) - 1)]


def _run(url: str, queue: str | None, seconds: int) -> dict[str, Any]:
    more = [] if queue is None else ["--redis", queue]
    with ExitStack() as stack:
        address, token = stack.enter_context(served(url, "--rate", "5000", *more))
        if queue is not None:
            stack.enter_context(running("work", "--store", url, *more))
        load = [sys.executable, "-m", "benchmarks.http", address, str(seconds)]
        environment = os.environ | {"RULEWRIGHT_BENCH_TOKEN": token}
        done = subprocess.run(load, env=environment, check=True, capture_output=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# --- the load: a process of its own ----------------------------------------------------------------


class Load:
    """Requests at their instants over a fixed number of connections."""

    def __init__(self, address: str, token: str) -> None:
        self._url = urlsplit(address)
        self._token = token
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def open(self, count: int) -> None:
        """Connect."""
        for _ in range(count):
            self._free.put_nowait(await asyncio.open_connection(self._url.hostname, self._url.port))

    async def post(self, path: str, body: bytes, media: str = "application/json") -> tuple[int, bytes]:
        """One request: the status and the body of its answer."""
        reader, writer = connection = await self._free.get()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self._token}\r\nContent-Type: {media}\r\n"
        )
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status = int((await reader.readuntil(b"\r\n")).split(b" ", 2)[1])
        headers = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(headers.partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await reader.readexactly(length)
        self._free.put_nowait(connection)
        return status, answer


async def _loaded(address: str, seconds: int) -> dict[str, Any]:
    load = Load(address, os.environ["RULEWRIGHT_BENCH_TOKEN"])
    await load.open(CONNECTIONS)
    mix = Mix(7, REPS, CUSTOMERS)
    feed = mix.feed(EVENTS * (seconds + 2))
    entities = b"\n".join(line for line, _ in feed.entities)
    status, answer = await load.post("/v1/entities", entities, "application/x-ndjson")
    assert status == 200, answer
    assert json.loads(answer)["rejected"] == 0, answer
    events = [json.loads(line) for line, _ in feed.events]
    dice = random.Random(1)
    found: dict[str, Any] = {"popups": [], "events": [], "stale": 0, "failed": 0}

    async def send(at: float, path: str, event: dict[str, Any], measured: bool) -> None:
        body = json.dumps({**event, "time": datetime.now(UTC).isoformat()}, ensure_ascii=False).encode()
        status, answer = await load.post(path, body)
        if not measured:
            return
        found["popups" if path == "/v1/popups" else "events"].append((time.perf_counter() - at) * 1000)
        found["stale"] += path == "/v1/popups" and b'"stale":true' in answer
        found["failed"] += status >= 500 or (path == "/v1/popups" and status != 200)

    def popup(number: int) -> dict[str, Any]:
        who = {"rep_id": dice.choice(mix.team.reps), "customer_id": f"c{dice.randrange(CUSTOMERS)}"}
        data = {**who, "communication_id": f"b{number}", "purpose": "price", "scene": "visit"}
        return {
            "specversion": "1.0",
            "id": f"b{number}",
            "source": "app",
            "type": "communication.started",
            "data": data,
        }

    plan = [(i / EVENTS, "/v1/events", event) for i, event in enumerate(events)]
    plan += [(i / POPUPS + 0.0007, "/v1/popups", popup(i)) for i in range(POPUPS * (seconds + 2))]
    began, tasks = time.perf_counter(), []
    for offset, path, event in sorted(plan, key=lambda one: one[0]):
        await asyncio.sleep(max(began + offset - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(send(began + offset, path, event, offset >= 2)))
    await asyncio.gather(*tasks)
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_loaded(sys.argv[1], int(sys.argv[2])))))
