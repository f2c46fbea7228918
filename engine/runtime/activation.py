"""What is written down when a revision is activated: who did it, in place of which one, and what it takes over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.core import adoption
from engine.core.codec import identity
from engine.core.event import Event
from engine.core.program import Program
from engine.errors import RulewrightError
from engine.store.batch import Activation, SavedPack
from engine.store.protocol import Store

KIND = "pack.activated"


def kept(program: Program, at: int) -> SavedPack:
    """A program as the store keeps it."""
    files = {name: text.encode() for name, text in program.files.items()}
    return SavedPack(program.revision, program.name, program.version, files, dict(program.params), at)


def succession(old: Program, new: Program, at: int, earlier: Activation | None) -> dict[str, int]:
    """Since when the metrics of a program are counted as they are, where that is not always."""
    known = earlier.begun if earlier is not None and earlier.revision == old.revision else {}
    found: dict[str, int] = {}
    for name, scope in new.scopes.items():
        found |= adoption.begun(old.scopes.get(name), scope, at, known)
    return found


def announced(activation: Activation, program: Program) -> Event:
    """The event that says so in the log. It reaches no partition: from it on, every event is decided by `program`."""
    data: dict[str, Any] = {
        "revision": activation.revision,
        "previous": activation.previous,
        "name": program.name,
        "version": program.version,
        "by": activation.by,
        "note": activation.note,
        "tests": activation.tests,
    }
    number = identity("activated", activation.revision, activation.previous, activation.when)
    return Event(number, "rulewright", KIND, activation.at, data, received_us=activation.when)


def saved_files(store: Store, revision: str) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """The files of a revision that is kept, by name, and its params. Raises `RulewrightError` `unknown_revision`."""
    found = store.pack(revision)
    if found is None:
        raise RulewrightError(
            "unknown_revision", f"the store keeps no revision {revision}", hint="`rulewright packs ls` lists them"
        )
    return {name: text.decode() for name, text in found.files.items()}, found.params
