"""Which revision decides at which sequence of a log: every event is decided by the last one that was activated before it."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence

from engine.core.program import Program
from engine.core.step import Stepper
from engine.errors import PackError
from engine.pack import BrokenPackError, restore
from engine.runtime.activation import saved_files
from engine.runtime.pins import Pinned, pins_of, sources
from engine.store.batch import Activation
from engine.store.protocol import Store

HELD = 4
"""Programs that are kept at hand, at most: a log is read in its order, which goes from one to the next."""


def restored(store: Store, revision: str, pinned: Sequence[Pinned] = ()) -> Program:
    """The program of a revision that is kept in the store, with machines of earlier ones.

    Raises `RulewrightError` `unknown_revision`, and `BrokenPackError` where this version of the engine cannot compile it.
    """
    return restore(*saved_files(store, revision), sources(store, pinned))


class Programs:
    """The programs of a store's revisions, each compiled once for all threads of a process, and held while they are in use."""

    def __init__(self, store: Store, *known: Program) -> None:
        self._store = store
        self._held: OrderedDict[tuple[str, tuple[Pinned, ...]], Program] = OrderedDict()
        self._lock = threading.Lock()
        for program in known:
            self._held[program.revision, pins_of(program)] = program

    def of(self, revision: str, pinned: Sequence[Pinned] = ()) -> Program:
        """The program of a revision with machines of earlier ones. Raises what `restored` raises."""
        with self._lock:
            wanted = (revision, tuple(pinned))
            found = self._held.get(wanted)
            if found is None:
                found = self._held[wanted] = restored(self._store, revision, pinned)
                if len(self._held) > HELD:
                    self._held.popitem(last=False)
            else:
                self._held.move_to_end(wanted)
            return found

    def active(self, latest: Activation) -> Program:
        """The program of a revision that somebody else has activated.

        Raises `PackError` `revision_unreadable` where this process cannot compile it: it must not decide by another one meanwhile.
        """
        try:
            return self.of(latest.revision, latest.pinned)
        except BrokenPackError as broken:
            message = (
                f"revision {latest.revision}, which {latest.by} activated at event {latest.seq}, does not compile here: "
                f"{broken.diagnostics[0].message}; this process decides nothing"
            )
            hint = "`rulewright packs rollback` lets the one before decide again; is this process of the same version as the others?"
            raise PackError("revision_unreadable", message, place=broken.diagnostics[0].place, hint=hint) from broken


class Lineage:
    """The programs of a log by sequence. `program` is the one that is active; any other one is asked of the log as a whole.

    Not safe to share between threads.
    """

    def __init__(self, store: Store, program: Program, programs: Programs | None = None) -> None:
        self._store = store
        self._program = program
        self._programs = programs or Programs(store, program)
        found = store.activations()
        self._activations = found if found and found[-1].revision == program.revision else []
        self._seqs = [one.seq for one in self._activations]
        self._steppers: OrderedDict[int, Stepper] = OrderedDict()

    @property
    def reached(self) -> int:
        """The sequence of the last activation that is known here; 0: none."""
        return self._seqs[-1] if self._seqs else 0

    @property
    def newest(self) -> Stepper:
        """Whoever steps what is appended next."""
        return self._at(len(self._seqs))

    def follow(self) -> bool:
        """Take over what was activated since; whether anything was. Raises what `Programs.active` raises."""
        more = self._store.activations(self.reached)
        if not more:
            return False
        self._program = self._programs.active(more[-1])
        self._activations += more
        self._seqs += [one.seq for one in more]
        return True

    def stepper(self, seq: int) -> Stepper:
        """Whoever steps the deliveries of the event at `seq`. Raises what `restored` raises."""
        return self._at(bisect_left(self._seqs, seq))

    def program(self, seq: int) -> Program:
        """The program that decides the event at `seq`."""
        return self.stepper(seq).program

    def _at(self, place: int) -> Stepper:
        found = self._steppers.get(place)
        if found is None:
            found = self._steppers[place] = self._made(place)
            if len(self._steppers) > HELD:
                self._steppers.popitem(last=False)
        return found

    def _made(self, place: int) -> Stepper:
        last = self._activations[-1] if self._activations else None
        if place == len(self._activations) and (last is None or last.pinned == pins_of(self._program)):
            return Stepper(self._program, last.begun if last is not None else None)
        if place == 0:
            return Stepper(self._programs.of(self._activations[0].previous))
        one = self._activations[place - 1]
        return Stepper(self._programs.of(one.revision, one.pinned), one.begun)


def former(activations: list[Activation]) -> str | None:
    """The revision that a rollback leads to: the one below the active one, where going back takes off what was put on last."""
    if not activations:
        return None
    stack = [activations[0].previous]
    for one in activations:
        if len(stack) > 1 and stack[-2] == one.revision:
            stack.pop()
        else:
            stack.append(one.revision)
    return stack[-2] if len(stack) > 1 else None
