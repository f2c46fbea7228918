"""Which revision decides at which sequence of a log: every event is decided by the last one that was activated before it."""

from __future__ import annotations

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
"""Programs of the past that are kept at hand, at most: a log is read in its order, which goes from one to the next."""


def restored(store: Store, revision: str, pinned: Sequence[Pinned] = ()) -> Program:
    """The program of a revision that is kept in the store, with machines of earlier ones.

    Raises `RulewrightError` `unknown_revision`, and `BrokenPackError` where this version of the engine cannot compile it.
    """
    return restore(*saved_files(store, revision), sources(store, pinned))


def following(store: Store, latest: Activation) -> Program:
    """The program of a revision that somebody else has activated.

    Raises `PackError` `revision_unreadable` where this process cannot compile it: it must not decide by another one meanwhile.
    """
    try:
        return restored(store, latest.revision, latest.pinned)
    except BrokenPackError as broken:
        message = (
            f"revision {latest.revision}, which {latest.by} activated at event {latest.seq}, does not compile here: "
            f"{broken.diagnostics[0].message}; this process decides nothing"
        )
        hint = "`rulewright packs rollback` lets the one before decide again; is this process of the same version as the others?"
        raise PackError("revision_unreadable", message, place=broken.diagnostics[0].place, hint=hint) from broken


class Lineage:
    """The programs of a log by sequence. `program` is the one that is active; any other one is asked of the log as a whole."""

    def __init__(self, store: Store, program: Program) -> None:
        self._store = store
        self._program = program
        found = store.activations()
        self._activations = found if found and found[-1].revision == program.revision else []
        self._seqs = [one.seq for one in self._activations]
        self._steppers: OrderedDict[int, Stepper] = OrderedDict()

    def stepper(self, seq: int) -> Stepper:
        """Whoever steps the deliveries of the event at `seq`. Raises what `restored` raises."""
        place = bisect_left(self._seqs, seq)
        found = self._steppers.get(place)
        if found is None:
            found = self._steppers[place] = self._made(place)
            if len(self._steppers) > HELD:
                self._steppers.popitem(last=False)
        return found

    def program(self, seq: int) -> Program:
        """The program that decides the event at `seq`."""
        return self.stepper(seq).program

    def _made(self, place: int) -> Stepper:
        last = self._activations[-1] if self._activations else None
        if place == len(self._activations) and (last is None or last.pinned == pins_of(self._program)):
            return Stepper(self._program, self._activations[-1].begun if place else None)
        if place == 0:
            return Stepper(restored(self._store, self._activations[0].previous))
        one = self._activations[place - 1]
        return Stepper(restored(self._store, one.revision, one.pinned), one.begun)


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
