"""Whoever may let another program have the log of a store, as the store is worked on."""

from __future__ import annotations

import time
from pathlib import Path

from engine.core.program import Program
from engine.errors import RulewrightError
from engine.pack import assemble
from engine.runtime.activation import kept
from engine.runtime.appender import Appender
from engine.runtime.engine import Engine
from engine.runtime.examination import Examine, Source, source_of
from engine.runtime.lineage import restored
from engine.runtime.members import present
from engine.runtime.succession import activate, kept_source, roll_back
from engine.store import DatabaseStore
from engine.store.batch import Activation


def active(store: DatabaseStore) -> Program:
    """The program that is active on a store. Raises `RulewrightError` `no_pack` where none is."""
    saved = store.active_pack()
    if saved is None:
        raise RulewrightError(
            "no_pack", "no pack is active on this store", hint="rulewright packs activate PACK --store URL"
        )
    latest = store.last_activation()
    return restored(store, saved.revision, latest.pinned if latest is not None else ())


def let_decide(
    store: DatabaseStore, source: Source, by: str, note: str, examine: Examine | None
) -> Activation | Program:
    """Let a pack decide from now on; on a store that has none yet it is the first one, and the answer its program.

    Raises what `Engine.activate` raises, and `PackError` `not_ready`.
    """
    if store.active_pack() is None:
        if examine is not None:
            examine(source)
        return _first(store, source)
    if shared(store):
        return activate(Appender(active(store), store), source, by, note, examine)
    return Engine.reopen(store).activate(source, by=by, note=note, test=examine is not None)


def go_back(store: DatabaseStore, by: str, to: str | None, note: str) -> Activation:
    """Let an earlier revision decide again. Raises what `Engine.rollback` raises."""
    if shared(store):
        return roll_back(Appender(active(store), store), by, to, note)
    return Engine.reopen(store).rollback(by, to, note)


def shared(store: DatabaseStore) -> bool:
    """Whether several processes work on a store: then what is appended is left to them, else it is stepped at once."""
    return store.server or bool(store.backlog()) or bool(present(store, time.time()))


def named(store: DatabaseStore, pack: str, params: dict[str, str]) -> Source:
    """The files of a revision that the store keeps, or of a folder, a file or a built-in pack."""
    if not Path(pack).exists() and store.pack(pack) is not None:
        return kept_source(store, pack)
    return source_of(pack, params)


def _first(store: DatabaseStore, source: Source) -> Program:
    program = assemble(source.files, source.params)
    one = kept(program, store.clock() or 0)
    store.save_pack(one.revision, one.name, one.version, one.files, one.params, one.at)
    return program
