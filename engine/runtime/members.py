"""The processes that work on one store: each says by which revision it decides, and makes the next one ready before it is activated.

So no process stands still at an activation until it has compiled, and none is left behind that cannot.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from engine.core.program import Program
from engine.errors import PackError, RulewrightError
from engine.pack import BrokenPackError
from engine.runtime.lineage import Programs
from engine.runtime.pins import pins_of
from engine.store.batch import Member
from engine.store.protocol import Shared

GONE = 10_000_000
"""Microseconds after which a process that has not been heard of is taken to have ended."""

MISSED = 3_000_000
"""Microseconds after which a process is missed: it says that it is there twice a second, and that it leaves."""

MOURNED = 600_000_000
"""Microseconds for which it is remembered."""

PATIENCE = 30.0
"""Seconds for which an activation waits until all processes are ready."""


def owner() -> str:
    """How this process is called."""
    return f"{socket.gethostname()}:{os.getpid()}"


class Membership:
    """One process among those that work on a store. `kind` is what it does; `clock` gives POSIX seconds."""

    def __init__(self, store: Shared, programs: Programs, kind: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._programs = programs
        self._kind = kind
        self._name = f"{owner()}/{kind}"
        self._clock = clock
        self._began = round(clock() * 1_000_000)
        self._ready = ""
        self._failure: str | None = None

    def beat(self, revision: str) -> None:
        """Say that this process is there and decides by a revision; make ready what is to be activated next."""
        self._report(revision)
        coming = self._store.coming()
        if coming is None or coming.revision == self._ready:
            return
        try:
            self._programs.of(coming.revision, coming.pinned)
        except (BrokenPackError, RulewrightError) as error:
            self._failure = str(error)
        else:
            self._failure = None
        self._ready = coming.revision
        self._report(revision)

    def bereaved(self) -> bool:
        """Whether another process of this kind was lost lately: what it was doing may have been what it died of."""
        now = round(self._clock() * 1_000_000)
        others = (
            one for one in self._store.members(now - MOURNED) if one.kind == self._kind and one.owner != self._name
        )
        return any(one.seen < max(self._began, now - MISSED) for one in others)

    def leave(self) -> None:
        """Say that this process ends."""
        self._store.forget(self._name)

    def _report(self, revision: str) -> None:
        seen = round(self._clock() * 1_000_000)
        self._store.report(Member(self._name, self._kind, seen, revision, self._ready, self._failure))


def made_ready(
    store: Shared,
    program: Program,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = PATIENCE,
) -> None:
    """Announce a program, and wait until every process that is there has it at hand.

    Raises `PackError` `not_ready` where one cannot compile it, or does not within `patience` seconds.
    """
    store.announce(program.revision, pins_of(program))
    until = clock() + patience
    while waiting := [one for one in present(store, clock()) if one.ready != program.revision or one.failure]:
        broken = next((one for one in waiting if one.ready == program.revision), None)
        if broken is not None:
            raise PackError("not_ready", f"{broken.owner} cannot take it over: {broken.failure}")
        if clock() >= until:
            names = ", ".join(one.owner for one in waiting)
            raise PackError("not_ready", f"not ready within {patience:g} s: {names}", hint="are they of this version?")
        sleep(0.1)


def present(store: Shared, now: float) -> list[Member]:
    """The processes that were heard of lately."""
    return store.members(round(now * 1_000_000) - GONE)
