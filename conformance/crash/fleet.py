"""A fleet of processes on one store, which are killed and started again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from conformance.crash.process import POINTS

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Member:
    """One place in the fleet, and the process that fills it now."""

    kind: str
    environment: dict[str, str]
    arguments: tuple[str, str]
    process: subprocess.Popen[bytes] | None = None
    armed: bool = False

    def start(self, failpoint: tuple[str, int] | None = None) -> None:
        """Start a process; with a failpoint (name, passing) it will kill itself there."""
        named = {} if failpoint is None else {"FAILPOINT": failpoint[0], "FAILPOINT_PASSING": str(failpoint[1])}
        self.armed = failpoint is not None
        pipes = subprocess.PIPE if self.kind == "appender" else subprocess.DEVNULL
        self.process = subprocess.Popen(
            [sys.executable, "-m", "conformance.crash.process", self.kind, *self.arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment, **named},
            stdin=pipes,
            stdout=pipes,
            stderr=subprocess.DEVNULL,
        )

    @property
    def dead(self) -> bool:
        """Whether the process has ended."""
        return self.process is None or self.process.poll() is not None

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@dataclass
class Fleet:
    """Workers that are killed: by themselves at failpoints, or by us while they hold a claim, as `holders()` say."""

    members: list[Member]
    holders: Callable[[], frozenset[int]]
    wanted: int
    dice: random.Random
    kills: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def killed(self) -> int:
        """How many processes have been killed."""
        return sum(self.kills.values())

    def start(self) -> None:
        """Start all, and the thread that kills them and starts them again."""
        for i, member in enumerate(self.members):
            member.start(self._failpoint() if i % 2 else None)
        self._thread.start()

    def stop(self) -> None:
        """Kill nobody any more; whoever is missing is started again."""
        self._stopping.set()
        self._thread.join()
        for member in self.members:
            if member.dead or member.armed:
                if not member.dead:
                    member.kill()
                member.start()

    def end(self) -> None:
        """Stop all processes."""
        for member in self.members:
            if member.process is not None and not member.dead:
                member.process.terminate()
                member.process.wait()

    def _run(self) -> None:
        while not self._stopping.wait(self.dice.uniform(0.2, 1.0)):
            for member in self.members:
                if member.dead:
                    self._count("failpoint")
                    member.start(self._failpoint() if self.dice.random() < 0.5 else None)
            if self.killed < self.wanted:
                self._kill()

    def _kill(self) -> None:
        """Kill one that holds a claim, if there is one just now."""
        end = time.monotonic() + 1.0
        while time.monotonic() < end and not self._stopping.is_set():
            held = self.holders()
            victims = [
                one for one in self.members if one.process is not None and one.process.pid in held and not one.dead
            ]
            if victims:
                victim = self.dice.choice(victims)
                victim.kill()
                self._count("claim")
                victim.start(self._failpoint() if self.dice.random() < 0.5 else None)
                return

    def _failpoint(self) -> tuple[str, int]:
        return self.dice.choice(POINTS), self.dice.randrange(1, 25)

    def _count(self, how: str) -> None:
        self.kills[how] = self.kills.get(how, 0) + 1
