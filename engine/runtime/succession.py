"""One program follows another: made ready beside the work, then let in at one place of the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from msgspec.structs import astuple

from engine.core.program import Program
from engine.errors import RulewrightError
from engine.pack import PackFile, assemble
from engine.runtime.activation import announced, kept, saved_files, succession
from engine.runtime.deadlines import moved
from engine.runtime.examination import Examine, Source
from engine.runtime.head import Head, OvertakenError
from engine.runtime.lineage import former
from engine.runtime.pins import Living, Pinned, candidates, holding, pins_of, staying, unfit
from engine.store.batch import Activation
from engine.store.protocol import Store


class Host(Protocol):
    """Whoever has the head of a log, and can let another program have it."""

    @property
    def store(self) -> Store:
        """The store of the log."""
        ...

    @property
    def activation(self) -> Activation | None:
        """The latest activation that is known here."""
        ...

    def follow(self) -> Program:
        """The program that is active, be it that somebody else has activated it."""
        ...

    def living(self) -> Living:
        """How many instances run on which machines."""
        ...

    def ready(self, program: Program) -> None:
        """Wait, not for long, until every process has the program at hand."""
        ...

    def succeed(self, program: Program, work: Callable[[Head], None]) -> Activation:
        """Do `work`, which activates a program, with the head, commit it, and let the program have it.

        `work` may be done again on top of what others wrote.
        """
        ...


def activate(host: Host, source: Source, by: str, note: str, examine: Examine | None) -> Activation:
    """Let a pack decide from now on; `examine` looks at it first. Raises what that raises, `BrokenPackError` and `pinned_unfit`."""
    tests = examine(source) if examine is not None else None
    return follow_on(host, source, assemble(source.files, source.params), by, note, tests)


def roll_back(host: Host, by: str, to: str | None, note: str) -> Activation:
    """Let an earlier revision decide again: the one before, or the one `to`. Raises `no_earlier_revision` and `unknown_revision`."""
    revision = to or former(host.store.activations())
    if revision is None:
        raise RulewrightError("no_earlier_revision", "no other revision was active before this one")
    return activate(host, kept_source(host.store, revision), by, note, None)


def kept_source(store: Store, revision: str) -> Source:
    """The files of a revision that is kept. Raises `RulewrightError` `unknown_revision`."""
    files, params = saved_files(store, revision)
    return Source([PackFile(name, name, text) for name, text in files.items()], params)


def follow_on(host: Host, source: Source, bare: Program, by: str, note: str, tests: int | None = None) -> Activation:
    """Let a program follow the active one, with the machines that instances still run on; again where another one was faster."""
    while True:
        old = host.follow()
        store = host.store
        if store.active_pack() is None:
            store.save_pack(*astuple(kept(old, store.clock() or 0)))
        alive = host.living() if candidates(old, bare) else Living()
        program = holding(store, source, old, bare, alive)
        store.keep_pack(kept(program, store.clock() or 0))
        host.ready(program)
        try:
            return host.succeed(program, _switch(host, old, program, by, note, tests))
        except OvertakenError:
            continue


def _switch(host: Host, old: Program, new: Program, by: str, note: str, tests: int | None) -> Callable[[Head], None]:
    left = [one for one in candidates(old, new) if one not in pins_of(new)]

    def work(head: Head) -> None:
        if new.revision == head.program.revision:
            raise RulewrightError("already_active", f"revision {new.revision} is active already")
        if head.program is not old:
            raise OvertakenError
        _must_fit(host, new, left)
        when = int(time.time() * 1_000_000)
        at = when if head.now is None else head.now
        begun = succession(old, new, at, host.activation)
        made = Activation(0, new.revision, old.revision, at, when, by, note, tests, begun, pins_of(new))
        head.switch(new, made, announced(made, new))
        _recount(head, old, new)

    return work


def _must_fit(host: Host, new: Program, left: list[Pinned]) -> None:
    """No instance may have begun on a machine that is left behind because it does not fit."""
    stay = staying(host.living() if left else Living(), new)
    for one in left:
        if stay[one[:2]]:
            raise unfit(one, stay[one[:2]])


def _recount(head: Head, old: Program, new: Program) -> None:
    """Deadlines in working time follow the calendars of the new program, where the old one counted otherwise."""
    pending = [timer for timer in head.store.timers() if timer[3].startswith("workflow/")]
    if pending and head.now is not None:
        for event in moved(old, new, pending, head.now):
            head.tell(event)
