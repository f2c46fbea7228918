"""The machines that a new revision has to hold, because instances that began with earlier ones still run on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from engine.core import migration
from engine.core.codec import unpack
from engine.core.partition import Workflows
from engine.core.program import Program, Workflow
from engine.errors import PackError
from engine.pack import BrokenPackError, PackFile, Pin, assemble
from engine.runtime.activation import saved_files
from engine.runtime.examination import Source
from engine.store.protocol import Store

Pinned = tuple[str, str, str]
"""A machine: (workflow, form, the revision that it comes from)."""

Living = Counter[tuple[str, str, tuple[str, ...]]]
"""How many instances that have not ended run on a machine in which states: by (workflow, form, active states)."""


def pins_of(program: Program) -> tuple[Pinned, ...]:
    """The machines of earlier revisions that a program holds."""
    held = (one for scope in program.scopes.values() for one in scope.pinned)
    return tuple(sorted((one.name, one.form, one.revision) for one in held))


def sources(store: Store, pinned: Iterable[Pinned]) -> list[Pin]:
    """Where machines come from: the files of their revisions. Raises `RulewrightError` `unknown_revision`."""
    by_revision: dict[str, list[str]] = {}
    for name, _, revision in pinned:
        by_revision.setdefault(revision, []).append(name)
    return [Pin(one, tuple(names), _files(store, one)) for one, names in by_revision.items()]


def _files(store: Store, revision: str) -> list[PackFile]:
    return [PackFile(name, name, text) for name, text in saved_files(store, revision)[0].items()]


def living(sections: Iterable[Workflows]) -> Living:
    """Count the instances that have not ended."""
    instances = (pair for section in sections for pair in section.instances.items())
    return Counter((name, one.machine, one.active) for name, one in instances if not one.done)


def staying(alive: Living, new: Program) -> Counter[tuple[str, str]]:
    """How many of them stay with their machine, by (workflow, form): all but those that the new program moves."""
    own = {one.name: one for one in _workflows(new)}
    found = Counter[tuple[str, str]]()
    for (name, form, active), count in alive.items():
        chart = own.get(name)
        if chart is None or not chart.moves or not migration.leads_on(chart, active):
            found[name, form] += count
    return found


def kept_sections(store: Store) -> Iterable[Workflows]:
    """What partitions that are kept say of their instances."""
    return (unpack(payload, Workflows) for payload in store.workflows())


def candidates(old: Program, new: Program) -> list[Pinned]:
    """The machines that instances may run on, and that the new program has not: all that the old one had."""
    own = {(one.name, one.form) for one in _workflows(new)}
    found = [(one.name, one.form, old.revision) for one in _workflows(old)]
    return sorted(one for one in (*found, *pins_of(old)) if one[:2] not in own)


def _workflows(program: Program) -> Iterable[Workflow]:
    return (one for scope in program.scopes.values() for one in scope.workflows)


def holding(store: Store, source: Source, old: Program, new: Program, alive: Living) -> Program:
    """The new program with the machines that instances need.

    Those of the old program itself are held also where none runs on them yet, for one may begin until the new one is active; only
    one that does not fit the new pack is left out then. Raises `PackError` `pinned_unfit` for one that instances run on.
    """
    stay = staying(alive, new)
    wanted = [one for one in candidates(old, new) if stay[one[:2]] or one[2] == old.revision]
    fit = [one for one in wanted if _fits(store, source, one, stay[one[:2]])] if wanted else []
    return assemble(source.files, source.params, sources(store, fit)) if fit else new


def _fits(store: Store, source: Source, pinned: Pinned, count: int) -> bool:
    try:
        assemble(source.files, source.params, sources(store, [pinned]))
    except BrokenPackError as broken:
        if count:
            raise unfit(pinned, count, broken) from broken
        return False
    return True


def unfit(pinned: Pinned, count: int, broken: BrokenPackError | None = None) -> PackError:
    """The refusal of a revision under which instances cannot go on."""
    name, _, revision = pinned
    first = broken.diagnostics[0] if broken is not None else None
    why = f": {first.message}" if first is not None else ""
    instances = "1 instance" if count == 1 else f"{count} instances"
    message = f"{instances} of `{name}` cannot go on by the machine of revision {revision}, with which they began{why}"
    hint = f"say under `migrate` of `{name}` where they go, or keep what they need until they have ended"
    return PackError("pinned_unfit", message, place=first.place if first is not None else None, hint=hint)
