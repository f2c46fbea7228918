"""The keeper of a log in one process: it has the session, commits what is done with it, and takes over what others wrote."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.core.event import Record
from engine.core.program import Program
from engine.errors import StoreError
from engine.runtime.admission import Door
from engine.runtime.crash import StepCrashedError
from engine.runtime.head import Head
from engine.runtime.lineage import Programs
from engine.runtime.pins import Living
from engine.runtime.records import Writer
from engine.runtime.session import Session
from engine.store.batch import Activation
from engine.store.protocol import Store

CONFLICTS = frozenset(("version_conflict", "sequence_conflict", "clock_conflict"))
"""Somebody else was faster: what they wrote is taken over, and the work is done again on top of it."""

MOST_CONFLICTS = 20
"""How often work is done again because somebody else was faster, before the conflict is told."""


class Keeper:
    """A session on a store, with the program that decides. Whoever uses the session holds `lock`; the methods take it themselves."""

    def __init__(self, program: Program, store: Store) -> None:
        self.program = program
        self.store = store
        self.writer = Writer(program)
        self.door = Door(program)
        self.session = Session(program, store)
        self.lock = threading.RLock()
        self._activation = store.last_activation()
        self._programs = Programs(store, program)
        self._ahead = False
        self._stale = False
        self._alone = not store.durable

    def committed(self, work: Callable[[], None], *, ahead: bool = False) -> list[Record]:
        """Do something with the session and commit it; whatever fails, the session is as the store has it.

        Where somebody else was faster, or a step crashed, the work is done again on top of what is stored now. Raises StoreError
        `store_shared` where deliveries wait for workers: what is stepped here would come before them.
        """
        with self.lock:
            if not self._ahead:
                self._catch_up()
            conflicts = 0
            while True:
                try:
                    self._be_alone()
                    work()
                    self.session.commit(ahead=ahead)
                    self._ahead = ahead
                    return self.session.taken()
                except StepCrashedError as crash:
                    try:
                        self.store.park(crash.delivery, crash.event, str(crash))
                    finally:
                        self._reset()
                except StoreError as failure:
                    self._reset()
                    conflicts += 1
                    if failure.code not in CONFLICTS or conflicts > MOST_CONFLICTS:
                        raise
                except BaseException:
                    self._reset()
                    raise

    def settle(self) -> None:
        """Wait for what is on its way to be durable; where it fails, the session is as the store has it."""
        with self.lock:
            if self._ahead:
                self._ahead = False
                try:
                    self.store.settle()
                except StoreError:
                    self._reset()
                    raise

    # --- letting another program decide ----------------------------------------------------------

    @property
    def activation(self) -> Activation | None:
        """The activation by which the program decides."""
        return self._activation

    def follow(self) -> Program:
        """The program that is active by now."""
        with self.lock:
            self.settle()
            self._catch_up()
            return self.program

    def living(self) -> Living:
        """How many instances run on which machines."""
        with self.lock:
            return self.session.living()

    def ready(self, program: Program) -> None:
        """Other processes take a program over when they come to it."""

    def succeed(self, program: Program, work: Callable[[Head], None]) -> Activation:
        """Activate a program by `work`, and go on with it."""
        with self.lock:
            made: list[Activation] = []

            def switch() -> None:
                work(self.session)
                made[:] = self.session.batch.activated

            self.committed(switch)
            self._become(program, made[0])
            return made[0]

    # --- inside ----------------------------------------------------------------------------------

    def _be_alone(self) -> None:
        if not self._alone and self.store.waits():
            raise StoreError(
                "store_shared",
                "deliveries wait on this store for `rulewright work`; whoever steps here would overtake them",
                hint="send events to `rulewright serve`, or let a worker step what waits",
            )
        self._alone = True

    def _catch_up(self) -> None:
        """Take over what another process appended to the same store, or how far it let time pass."""
        if self.store.durable and (self._stale or self.store.head() != (self.session.seq, self.session.now)):
            self._reset()

    def _become(self, program: Program, activation: Activation | None) -> None:
        self.program, self._activation = program, activation
        self.writer, self.door = Writer(program), Door(program)

    def _reset(self) -> None:
        """Begin again where the log stands, with the revision that is active there."""
        if not self.store.durable:
            return
        self._ahead, self._stale, self._alone = False, True, False
        try:
            self.store.settle()
        finally:
            latest = self.store.last_activation()
            if latest is not None and latest != self._activation:
                self._become(self._programs.active(latest), latest)
            self.session, self._stale = Session(self.program, self.store), False
