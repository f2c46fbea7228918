"""`python -m conformance crash`."""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from conformance import servers
from conformance.crash.client import Client, lines
from conformance.crash.fleet import Fleet, Member
from conformance.crash.pack import PACK
from conformance.crash.verdict import failures
from connectors.sandbox.webhook import WebhookSandbox
from engine import Engine
from engine.core.program import Program
from engine.store import DatabaseStore, open_store

PATIENCE = 180
"""Seconds in which all must be quiet after the last kill."""

THREADS = 2


@click.command("crash")
@click.option("--events", type=click.IntRange(1), default=20_000, show_default=True, help="Events that clients send.")
@click.option("--keys", type=click.IntRange(1), default=500, show_default=True, help="Tasks that are open at once.")
@click.option("--seconds", type=click.IntRange(1), default=120, show_default=True, help="Over which they are sent.")
@click.option(
    "--kills", type=click.IntRange(0), default=30, show_default=True, help="Processes that are killed, at least."
)
@click.option("--seed", type=int, default=1, show_default=True)
def command(events: int, keys: int, seconds: int, kills: int, seed: int) -> None:
    """Kill appending processes, workers and the queue while events come in, on a real PostgreSQL and a real Redis protocol.

    Afterwards every accepted event is in the log and in the state once, every deadline has fired once, every action was done once as far
    as its receiver tells, but for those that are marked unknown, and nothing is stuck.

    \b
    Examples:
      python -m conformance crash
      python -m conformance crash --events 3000 --seconds 30 --kills 8
    """
    with ExitStack() as stack:
        run = Run(stack, keys, kills, seed)
        run.play(events, seconds)
        found = run.verdict()
        click.echo(run.told(events))
    for one in found:
        click.echo(f"  {one}")
    sys.exit(1 if found else 0)


class Run:
    """One run: its servers, its processes, and what came of them."""

    def __init__(self, stack: ExitStack, keys: int, kills: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.keys = keys
        self.url = stack.enter_context(servers.schema(stack.enter_context(servers.postgres())))
        self.queue = stack.enter_context(servers.Redis())
        self.sandbox = WebhookSandbox()
        self.sandbox.start()
        stack.callback(self.sandbox.close)
        self.program = self._prepared()
        store = open_store(self.url)
        assert isinstance(store, DatabaseStore)
        self.store = store
        stack.callback(store.close)
        settings = self.sandbox.settings()
        environment = {"RULEWRIGHT_WEBHOOK_URL": settings["url"], "RULEWRIGHT_ALLOW_HOSTS": self.sandbox.host}
        where = (self.url, self.queue.url)
        workers = [Member("worker", environment, where) for _ in range(3)]
        self.fleet = Fleet(workers, self._holders, max(kills, 1), self.dice)
        self.clients = [Client(Member("appender", environment, where), random.Random(seed + i), 20) for i in range(2)]
        self.queue_kills = 0
        self.client_kills = 0
        stack.callback(self._end)

    def play(self, events: int, seconds: int) -> None:
        """Send the events at an even pace while processes are killed."""
        self.fleet.start()
        threads = [
            threading.Thread(target=self._send, args=(i, events // len(self.clients), seconds))
            for i in range(len(self.clients))
        ]
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("crash", total=events)
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                self._disturb()
                progress.update(task, completed=len(self.accepted))
        self.fleet.stop()
        self._settle()

    @property
    def accepted(self) -> list[str]:
        """The ids of all events that were seen accepted."""
        return [number for client in self.clients for number in client.accepted]

    def verdict(self) -> list[str]:
        """What is not as it has to be."""
        delivered = [one.document["content"]["task"] for one in self.sandbox.deliveries]
        return list(failures(self.program, self.store, self.accepted, delivered, self.fleet.killed * THREADS))

    def told(self, events: int) -> str:
        """One line that says what happened."""
        kills = ", ".join(f"{count} by {how}" for how, count in sorted(self.fleet.kills.items()))
        unknown = sum(row.status == "unknown" for row in self.store.actions())
        return (
            f"crash: {events:,} events, {self.fleet.killed} workers killed ({kills}), {self.client_kills} appenders, "
            f"{self.queue_kills} times the queue; {len(self.sandbox.deliveries):,} messages delivered, {unknown} attempts unknown"
        )

    def _prepared(self) -> Program:
        folder = Path(tempfile.mkdtemp())
        (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
        with Engine.open(folder, self.url) as engine:
            return engine.program

    def _send(self, which: int, count: int, seconds: int) -> None:
        client, began = self.clients[which], time.monotonic()
        source = lines(random.Random(which), self.keys // len(self.clients))
        for i in range(count):
            kind, task = next(source)
            client.send(f"{which}.{i}", kind, f"t{which + 1}{task.removeprefix('t')}")
            time.sleep(max(began + i * seconds / count - time.monotonic(), 0))

    def _disturb(self) -> None:
        time.sleep(self.dice.uniform(1.0, 4.0))
        if self.dice.random() < 0.3:
            self.queue.kill()
            self.queue_kills += 1
        elif (member := self.dice.choice(self.clients)._member).process is not None and not member.dead:
            member.kill()
            self.client_kills += 1

    def _settle(self) -> None:
        """Wait until nothing waits."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            rows = self.store.actions()
            busy = any(row.status in ("pending", "claimed") for row in rows) or self.store.unreceipted(1)
            if not busy and not self.store.backlog() and not list(self.store.timers()):
                return
            time.sleep(0.5)

    def _holders(self) -> frozenset[int]:
        return frozenset(int(owner.rpartition(":")[2]) for owner in self.store.holders())

    def _end(self) -> None:
        self.fleet.end()
        for client in self.clients:
            process = client._member.process
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
