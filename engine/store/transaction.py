"""Writing one batch inside a transaction that somebody else opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from engine.core.codec import holds_duration, pack, portable
from engine.core.event import Action, Event, Record
from engine.errors import StoreError
from engine.store import statements
from engine.store.batch import LINE_LIMIT, Activation, Batch, Lease, Logged, SavedPartition
from engine.store.statements import Row, Statement

HEAD = "SELECT (SELECT coalesce(max(seq), 0) FROM events), (SELECT value FROM meta WHERE name = 'clock')"
"""The sequence of the last event, and the virtual time."""

_UNIQUE_VIOLATION = "23505"


CONFLICTS = frozenset(
    ("sequence_conflict", "clock_conflict", "version_conflict", "duplicate_event", "duplicate_decision", "unique_taken")
)
"""Codes of what somebody else has written meanwhile."""


def check(connection: Connection, batch: Batch) -> None:
    """Raise StoreError `sequence_conflict` or `clock_conflict` where the log, or its time, has gone on since the batch was begun."""
    last, clock = connection.exec_driver_sql(HEAD).one()
    contiguous(batch.logged, last or batch.base)
    if batch.clock is not None and clock is not None and int(clock) > batch.clock:
        raise conflict("clock_conflict", str(batch.clock))


def write(connection: Connection, batch: Batch, enqueue: Callable[[Connection, Sequence[Action]], None]) -> None:
    """Write all of `batch`; its actions through `enqueue`. After any error the transaction has to be rolled back."""
    if batch.lease is not None:
        _prolong(connection, batch.lease)
    if batch.logged:
        _append(connection, batch.logged, batch.base)
    if batch.partitions:
        _save(connection, batch.partitions)
    _timers(connection, batch.timers)
    _insert(connection, statements.INSERT_DECISION, _decisions(batch.records), "duplicate_decision")
    if batch.actions:
        enqueue(connection, batch.actions)
    _insert(connection, statements.INSERT_UNIQUE, batch.uniques, "unique_taken")
    statements.INSERT_REJECT.many(connection, _rejects(batch))
    statements.PUT_ENTITY.many(
        connection, [(put.entity, put.key, put.at, put.seq, pack(portable(put.data))) for put in batch.entities]
    )
    statements.PUBLISH.many(
        connection, [(value.entity, value.key, value.name, packed(value.value)) for value in batch.published]
    )
    statements.RECEIPT.many(connection, [(True, action) for action in batch.receipted])
    statements.GIVE_UP.many(connection, [(True, *delivery) for delivery in batch.crashed])
    statements.INSERT_ACTIVATION.many(connection, [_activation(one) for one in batch.activated])
    statements.SET_META.many(connection, [("active_pack", one.revision) for one in batch.activated])
    _shared(connection, batch)
    if batch.clock is not None and not statements.ADVANCE_CLOCK.many(connection, [("clock", str(batch.clock))]):
        raise conflict("clock_conflict", str(batch.clock))


def _shared(connection: Connection, batch: Batch) -> None:
    """What is written only where others step what is appended."""
    statements.ENQUEUE.many(connection, batch.queued)
    statements.FIRE_TIMER.many(connection, batch.fired)
    statements.DEQUEUE.many(connection, batch.drained)
    statements.SURVIVE.many(connection, batch.survived)


def _prolong(connection: Connection, lease: Lease) -> None:
    """Before all else: who has lost the shard waits here for who has it, and not in the middle of the same rows."""
    if not statements.PROLONG.many(connection, [(lease.until, lease.suspects, lease.shard, lease.token)]):
        raise conflict("shard_lost", str(lease.shard))


def contiguous(logged: Sequence[Logged], last: int) -> None:
    """Raise StoreError `sequence_conflict` unless the events go on from `last` without a gap."""
    for expected, entry in enumerate(logged, last + 1):
        if entry.event.seq != expected:
            raise StoreError(
                "sequence_conflict",
                f"the log is at {expected - 1}, so event {entry.event.id!r} cannot have sequence {entry.event.seq}",
                hint="another process appends to this store",
            )


def conflict(code: str, detail: str) -> StoreError:
    """The refusal of a batch that contradicts what is stored."""
    sentences = {
        "duplicate_event": "an event with this source and id is in the log",
        "duplicate_decision": "a record with this id is stored",
        "unique_taken": "another event took this unique value",
        "clock_conflict": "somebody else let time pass beyond",
        "shard_lost": "the claim to the shard ran out, and somebody else has it",
        "version_conflict": "a partition was stepped by somebody else since it was loaded",
    }
    return StoreError(code, f"{sentences[code]}: {detail}")


def packed(value: Any) -> bytes:
    """Any value of an event, record or publication as bytes."""
    return pack(portable({"": value})[""])


def _append(connection: Connection, logged: Sequence[Logged], base: int) -> None:
    last = connection.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM events").scalar_one()
    contiguous(logged, last or base)
    _insert(connection, statements.INSERT_EVENT, [_event(entry) for entry in logged], "duplicate_event")
    statements.INSERT_DELIVERY.many(
        connection,
        [
            (scope, key, entry.event.seq)
            for entry in logged
            for scope, key in (entry.event.keys if entry.deliveries is None else entry.deliveries)
        ],
    )


def _event(entry: Logged) -> Row:
    event = entry.event
    return (event.seq, event.source, event.id, event.type, event.at, event.now, entry.digest, _body(event))


def _body(event: Event) -> bytes:
    if holds_duration(event.data):
        event = msgspec.structs.replace(event, data=portable(event.data))
    return pack(event)


def _save(connection: Connection, partitions: Sequence[SavedPartition]) -> None:
    known = [_known(saved) for saved in partitions if saved.version]
    if statements.UPDATE_PARTITION.many(connection, known) != len(known):
        raise conflict("version_conflict", f"one of {len(known)}")
    _insert(
        connection,
        statements.INSERT_PARTITION,
        [_new(saved) for saved in partitions if not saved.version],
        "version_conflict",
    )


def _known(saved: SavedPartition) -> Row:
    get = saved.sections.get
    sections = (get("workflows"), get("metrics"), get("decisions"), get("memory"))
    return (saved.version + 1, saved.seq, *sections, saved.scope, saved.key, saved.version)


def _new(saved: SavedPartition) -> Row:
    get = saved.sections.get
    sections = (get("workflows"), get("metrics"), get("decisions"), get("memory"))
    return (saved.scope, saved.key, 1, saved.seq, *sections)


def _timers(connection: Connection, timers: dict[tuple[str, str, str], int | None]) -> None:
    statements.SET_TIMER.many(connection, [(*timer, due, None) for timer, due in timers.items() if due is not None])
    statements.DELETE_TIMER.many(connection, [timer for timer, due in timers.items() if due is None])


def _decisions(records: Sequence[tuple[int, Record]]) -> list[Row]:
    return [
        (r.id, seq, r.kind, r.at, r.event, r.scope, r.key, r.name, r.revision, pack(portable(r.fields)))
        for seq, r in records
    ]


def _activation(one: Activation) -> Row:
    audit = (one.seq, one.revision, one.previous, one.at, one.when, one.by, one.note, one.tests)
    return (*audit, pack(one.begun), pack(one.pinned))


def _rejects(batch: Batch) -> list[Row]:
    return [(r.id, r.at, r.source, r.event, r.code, r.reason, r.line[:LINE_LIMIT], r.place) for r in batch.rejects]


def _insert(connection: Connection, statement: Statement, rows: Sequence[Row], code: str) -> None:
    try:
        statement.many(connection, rows)
    except IntegrityError as error:
        if _is_conflict(error):
            raise conflict(code, str(error.orig)) from error
        raise


def _is_conflict(error: IntegrityError) -> bool:
    if getattr(error.orig, "sqlstate", None) == _UNIQUE_VIOLATION:
        return True
    found = getattr(error.orig, "sqlite_errorcode", None)
    return found in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
