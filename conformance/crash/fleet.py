"""A fleet of workers on one store, which are killed and started again."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import psycopg

from conformance.crash.failpoint import POINTS, POISON
from conformance.crash.member import Member
from conformance.crash.watch import Watch

CLAIM = "claim"
"""How a process was killed that was seen holding a claim."""

_LOOK = 0.05
_STARTING = 30.0
"""Seconds in which a process has to begin to work."""

_PATIENCE = 4.0
"""Seconds in which one of them has to come by a failpoint; then another one is chosen."""


class Fleet:
    """Kills workers, one after the other, evenly over `seconds`: half of them kill themselves at failpoints, the others are killed from
    outside while they hold a claim. `kills` counts those that held a claim when they died, by failpoint; `idle` counts the others,
    `poison` those that died of a delivery.
    """

    def __init__(self, members: list[Member], watch: Watch, wanted: int, seconds: float, dice: random.Random) -> None:
        self.members = members
        self.kills: Counter[str] = Counter()
        self.idle = 0
        self.poison = 0
        self._watch = watch
        self._wanted = wanted
        self._gap = seconds / wanted if wanted else 0.0
        self._dice = dice
        self._armed: float | None = None
        self._tries: Counter[str] = Counter()
        self._calm = threading.Event()
        self._excused_until = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet")

    @property
    def killed(self) -> int:
        """How many were killed while they held a claim."""
        return self.kills.total()

    @property
    def deaths(self) -> int:
        """How many died in all."""
        return self.killed + self.idle + self.poison

    @property
    def excused(self) -> bool:
        """Whether a process may end by itself before it works, because it was started while there was no database."""
        return self._calm.is_set() or time.monotonic() < self._excused_until

    def start(self) -> None:
        """Start all, and the thread that kills them and starts them again."""
        for member in self.members:
            member.start()
        self._thread.start()

    def calm(self) -> None:
        """Kill nobody until `resume`; returns when all work."""
        self._calm.set()
        end = time.monotonic() + _STARTING
        while self._ready() < len(self.members) and time.monotonic() < end:
            time.sleep(_LOOK)

    def resume(self) -> None:
        """Go on killing, as often as was left out."""
        self._excused_until = time.monotonic() + 5.0
        self._calm.clear()

    def spare(self) -> None:
        """Kill nobody any more; who dies of a delivery is still started again."""
        self._wanted = 0

    def stop(self) -> None:
        """End the thread, and all processes as they are meant to be ended."""
        self._stopping.set()
        self._thread.join()
        for member in self.members:
            member.stop()

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stopping.wait(_LOOK):
            for member in self.members:
                if member.dead:
                    self._bury(member, CLAIM)
            if self._calm.is_set():
                self._disarm()
            elif self._armed is not None:
                self._wait()
            elif self._ready() > 1 and self.killed < min(
                self._wanted, (time.monotonic() - began) / self._gap if self._gap else 0
            ):
                self._strike()
        self._disarm()

    def _strike(self) -> None:
        """Arm a failpoint, or kill one that holds a claim, if there is one just now."""
        outside = self.kills[CLAIM]
        if self.killed - outside <= outside:
            point = min(POINTS, key=lambda one: (self.kills[one], self._tries[one], self._dice.random()))
            self._tries[point] += 1
            self._armed = time.monotonic() + _PATIENCE
            for member in self.members:
                member.arm(point)
            return
        held = self._holders()
        victims = [one for one in self.members if one.process is not None and one.process.pid in held and not one.dead]
        if victims:
            victim = self._dice.choice(victims)
            victim.kill()
            self._bury(victim, CLAIM)

    def _ready(self) -> int:
        """How many work: where nobody does, nobody can take over."""
        return sum(member.ready and not member.dead for member in self.members)

    def _wait(self) -> None:
        """Have patience with those that are armed."""
        assert self._armed is not None
        if time.monotonic() > self._armed:
            self._disarm()

    def _disarm(self) -> None:
        if self._armed is not None:
            self._armed = None
            for member in self.members:
                member.disarm()

    def _bury(self, member: Member, how: str) -> None:
        """Count a death, watch what it has left, and start another."""
        process, words = member.process, member.words()
        assert process is not None
        if process.returncode >= 0 and not (self.excused and not member.ready):
            member.complaints.append(f"a worker ended by itself with {process.returncode}: {member.tail()}")
        why, tokens = words if words is not None else (how, None)
        self._disarm()
        if process.returncode < 0:
            held = self._buried(process.pid, tokens)
            if why == POISON:
                self.poison += 1
            elif held:
                self.kills[why] += 1
            else:
                self.idle += 1
        member.start()

    def _buried(self, pid: int, tokens: list[str] | None) -> bool:
        try:
            return self._watch.buried(pid, tokens)
        except psycopg.Error:
            return False

    def _holders(self) -> frozenset[int]:
        try:
            return self._watch.holders()
        except psycopg.Error:
            return frozenset()
