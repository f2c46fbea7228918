"""One run: its servers, its processes, what is done to them, and what comes of it."""

from __future__ import annotations

import random
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from conformance import servers
from conformance.crash.client import Client, lines
from conformance.crash.failpoint import POINTS
from conformance.crash.fleet import CLAIM, Fleet
from conformance.crash.member import Member
from conformance.crash.pack import PACK
from conformance.crash.verdict import Account, failures
from conformance.crash.watch import Watch
from connectors.sandbox.webhook import WebhookSandbox
from engine import Engine
from engine.core.program import Program
from engine.server.keyring import new_key
from engine.store import DatabaseStore, open_store

PATIENCE = 240
"""Seconds in which all must be quiet after the last kill."""

TAKEOVER = 30.0
"""Seconds that a killed worker may cost what it had claimed."""

THREADS = 2
"""Of a worker: that step, and as many that act."""

OUTAGE = 20.0
"""Seconds for which PostgreSQL is stopped."""

WORKERS, SERVERS = 3, 2


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is. `poisons` are events that kill whoever steps them."""

    events: int
    keys: int
    seconds: int
    kills: int
    outage: float = OUTAGE

    @property
    def poisons(self) -> int:
        """One, and one more for every ten thousand events."""
        return self.events // 10_000 + 1


class Run:
    """A run, from its servers to its verdict."""

    def __init__(self, stack: ExitStack, size: Size, seed: int, logs: Path | None = None) -> None:
        self.size = size
        self.dice = random.Random(seed)
        self.database = stack.enter_context(servers.Postgres())
        self.queue = stack.enter_context(servers.Redis())
        self.sandbox = WebhookSandbox()
        self.sandbox.start()
        stack.callback(self.sandbox.close)
        self.folder = logs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rulewright-crash-")))
        self.program = self._prepared()
        store = open_store(self.database.url)
        assert isinstance(store, DatabaseStore)
        self.store = store
        stack.callback(store.close)
        key, self.token = new_key("crash", ("events:write",), "client", (), 0)
        store.keep_key(key)
        self.watch = Watch(self.database.url)
        self.fleet = Fleet(
            [self._member("worker", i, "--threads", str(THREADS)) for i in range(WORKERS)],
            self.watch,
            size.kills,
            size.seconds * 0.75,
            self.dice,
        )
        self.clients = [self._client(i, seed) for i in range(SERVERS)]
        self.queue_kills = 0
        self.server_kills: Counter[str] = Counter()
        self.resumed: float | None = None
        self.settled: float | None = None
        stack.callback(self._end)

    def play(self, progress: Callable[[int], None]) -> None:
        """Send the events at an even pace while processes are killed, and wait until all is quiet; `progress` is told what was accepted."""
        self.watch.start()
        self.fleet.start()
        plan, began = list(self._plan()), time.monotonic()
        for client in self.clients:
            client.thread.start()
        while any(client.thread.is_alive() for client in self.clients):
            time.sleep(0.1)
            progress(len(self.accepted))
            if plan and time.monotonic() - began >= plan[0][0]:
                plan.pop(0)[1]()
        self.fleet.spare()
        self.settled = self._settle()
        self.fleet.stop()
        self.watch.stop()

    @property
    def accepted(self) -> list[str]:
        """The ids of all events that were seen accepted."""
        return [number for client in self.clients for number in client.accepted]

    @property
    def members(self) -> list[Member]:
        """Everyone who was killed."""
        return [*self.fleet.members, *(client.member for client in self.clients)]

    @property
    def most_unknown(self) -> int:
        """So many attempts may be unknown: one for every thread of a worker that was killed."""
        return self.fleet.deaths * THREADS

    def verdict(self) -> list[str]:
        """What is not as it has to be."""
        return [*self._played(), *failures(self.program, self.store, self._account())]

    def _played(self) -> Iterator[str]:
        """Whether what should have happened did, and nobody ended who was not killed."""
        size, kills = self.size, self.fleet.kills
        if len(self.accepted) < size.events:
            yield f"{len(self.accepted):,} of {size.events:,} events were accepted"
        if self.fleet.killed < size.kills:
            yield f"{self.fleet.killed} workers were killed while they held a claim, and should be {size.kills}"
        if 2 * (self.fleet.killed - kills[CLAIM]) < size.kills:
            yield f"{self.fleet.killed - kills[CLAIM]} of them at failpoints, and should be half"
        if size.kills >= 2 * len(POINTS) and (missed := [point for point in POINTS if not kills[point]]):
            yield f"nobody died at {', '.join(missed)}"
        if size.kills and not (self.queue_kills and self.server_kills.total()):
            yield f"the queue was killed {self.queue_kills} times, servers {self.server_kills.total()} times"
        for what in ("delivery", "action"):
            if (left := self.watch.longest(what)) is not None and left.waited > TAKEOVER:
                yield f"a kill cost a claimed {what} {left.waited:.1f} s: {', '.join(left.story)}"
        if size.outage and not all(client.unavailable for client in self.clients):
            yield "while the database was stopped a client was not told so by 503"
        if size.outage and self.resumed is None:
            yield f"nobody had stepped anything {TAKEOVER:g} s after the database was back"
        if self.settled is None:
            yield f"not all was quiet {PATIENCE} s after the last kill"
        yield from (f"a client: {client.error!r}" for client in self.clients if client.error is not None)
        for member in self.members:
            yield from member.complaints
            if count := member.broken():
                yield f"{count} threads of a {member.kind} ended by an exception: {member.tail()}"

    def _account(self) -> Account:
        delivered = [one.document["content"] for one in self.sandbox.deliveries]
        return Account(
            accepted=self.accepted,
            sent={number for client in self.clients for number in client.sent},
            poisoned={number for client in self.clients for number in client.poisoned},
            delivered=[(content["task"], content["round"]) for content in delivered],
            unknown=self.most_unknown,
        )

    def _prepared(self) -> Program:
        folder = self.folder / "pack"
        folder.mkdir(parents=True)
        (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
        with Engine.open(folder, self.database.url) as engine:
            return engine.program

    def _member(self, kind: str, which: int, *words: str) -> Member:
        folder = self.folder / f"{kind}{which}"
        folder.mkdir(parents=True)
        environment = {
            "RULEWRIGHT_WEBHOOK_URL": self.sandbox.settings()["url"],
            "RULEWRIGHT_ALLOW_HOSTS": self.sandbox.host,
        }
        return Member(kind, folder, environment, ("--store", self.database.url, "--redis", self.queue.url, *words))

    def _client(self, which: int, seed: int) -> Client:
        count = self.size.events // SERVERS + (which < self.size.events % SERVERS)
        poisons = self.size.poisons if which == 0 else 0
        source = lines(which, count, self.size.keys, poisons, random.Random(seed * SERVERS + which))
        port = free_port()
        return Client(
            self._member("server", which, "--port", str(port), "--no-work", "--rate", "1e6", "--burst", "1000000"),
            f"http://127.0.0.1:{port}",
            self.token,
            source,
            count,
            self.size.seconds / count,
            excused=lambda: self.fleet.excused,
            enough=lambda: self.fleet.killed >= self.size.kills,
        )

    def _plan(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """What is done beside the killing of workers, and after how many seconds."""
        seconds = self.size.seconds
        if not self.size.kills:
            return
        steps = max(int(seconds * 0.9 / 4), 3)
        for i in range(steps):
            at = seconds * 0.9 * (i + 1) / steps
            if i == steps // 2 and self.size.outage:
                yield at, self._outage
            elif i % 4 == 1:
                yield at, self._kill_queue
            else:
                yield at, self._kill_server

    def _outage(self) -> None:
        self.fleet.calm()
        while not all(client.member.ready or not client.thread.is_alive() for client in self.clients):
            time.sleep(0.1)
        self.database.stop()
        time.sleep(self.size.outage)
        self.database.start()
        self.resumed = self._resumed()
        self.fleet.resume()

    def _resumed(self) -> float | None:
        """How many seconds pass until somebody steps again; None: nobody does."""
        began, before = time.monotonic(), self.watch.commits()
        while time.monotonic() < began + TAKEOVER:
            if self.watch.commits() > before:
                return time.monotonic() - began
            time.sleep(0.05)
        return None

    def _kill_queue(self) -> None:
        self.queue.kill()
        self.queue.start()
        self.queue_kills += 1

    def _kill_server(self) -> None:
        """Kill one while its client waits for an answer: from outside, or at a failpoint of the commit."""
        client = self.dice.choice(self.clients)
        how = self.dice.choice(("request", "commit.before", "commit.after"))
        cut, end = client.cut, time.monotonic() + 3.0
        if how != "request":
            client.member.arm(how)
        while client.cut == cut and client.thread.is_alive() and time.monotonic() < end:
            if how == "request" and client.asking and not client.member.dead:
                client.member.kill()
                break
            time.sleep(0.001)
        client.member.disarm()
        self.server_kills[how] += how == "request" or client.cut > cut

    def _settle(self) -> float | None:
        """Wait until nothing waits; answers how many seconds that took, None: it did not come to that."""
        began = time.monotonic()
        while time.monotonic() < began + PATIENCE:
            statuses = {row.status for row in self.store.actions()}
            busy = statuses & {"pending", "claimed"} or self.store.unreceipted(1) or self.store.backlog()
            if not busy and not list(self.store.timers()):
                return time.monotonic() - began
            time.sleep(0.5)
        return None

    def _end(self) -> None:
        for member in self.members:
            if not member.dead:
                member.kill()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
