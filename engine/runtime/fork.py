"""A fork of a log: a store in memory in which everything stands as it stood at a sequence, and from which another pack may go on."""

from __future__ import annotations

from collections.abc import Callable

from engine.core.partition import SECTIONS
from engine.core.program import Program
from engine.runtime.activation import kept, saved_files
from engine.runtime.lineage import Lineage
from engine.runtime.replay import Unrolled, unrolled
from engine.store import DatabaseStore
from engine.store.batch import Batch, Logged, SavedPack, SavedPartition
from engine.store.protocol import Store

_MARK = b"\0" * 16


def forked(
    program: Program, store: Store, seq: int, progress: Callable[[int], None] = lambda _: None
) -> tuple[Program, DatabaseStore]:
    """A store that holds the state of the log at `seq`, and the program that was active there. `program` is the one that is active now."""
    then = Lineage(store, program).program(seq + 1)
    fork = DatabaseStore()
    for revision in {then.revision, *(revision for _, revision in _sources(then))}:
        fork.keep_pack(_kept(store, revision, then))
    active = kept(then, 0)
    fork.save_pack(active.revision, active.name, active.version, active.files, active.params, active.at)
    fork.commit(_batch(unrolled(program, store, seq, progress), store, seq))
    return then, fork


def _sources(program: Program) -> set[tuple[str, str]]:
    return {(one.name, one.revision) for scope in program.scopes.values() for one in scope.pinned}


def _kept(store: Store, revision: str, program: Program) -> SavedPack:
    if revision == program.revision:
        return kept(program, 0)
    files, params = saved_files(store, revision)
    return SavedPack(revision, "", "", {name: text.encode() for name, text in files.items()}, dict(params), 0)


def _batch(found: Unrolled, store: Store, seq: int) -> Batch:
    """Everything at once. Of the log only its end is taken over: ids of events are not asked for again."""
    batch = Batch()
    if found.last is not None:
        batch.logged.append(Logged(found.last, _MARK))
        batch.clock, batch.base = found.last.now, found.last.seq - 1
    for (scope, key), partition in found.partitions.items():
        batch.partitions.append(SavedPartition(scope, key, 0, partition.seq, partition.save(SECTIONS)))
    batch.timers.update({timer: due for timer, due in found.timers.items() if due is not None})
    batch.entities += [stored for stored in store.entities() if stored.seq <= seq]
    batch.published += found.published.values()
    return batch
