"""Writing one batch inside a transaction that somebody else opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from engine.core.codec import holds_duration, pack, portable
from engine.core.event import Action, Event, Record
from engine.errors import StoreError
from engine.store import statements
from engine.store.batch import LINE_LIMIT, Activation, Batch, Lease, Logged, SavedPartition, StoredEntity
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


@dataclass(frozen=True, slots=True)
class Write:
    """Rows for a statement. Each of them has to touch one row where `exact`; a contradiction to what is stored is `code`."""

    statement: Statement
    rows: Sequence[Row]
    code: str = ""
    exact: bool = False

    def settle(self, touched: int) -> None:
        """Raise StoreError `code` where rows were not found as they should be."""
        if self.exact and touched != len(self.rows):
            raise conflict(self.code, f"one of {len(self.rows)}")


def write(connection: Connection, batch: Batch, enqueue: Callable[[Connection, Sequence[Action]], None]) -> None:
    """Write all of `batch`; its actions through `enqueue`. After any error the transaction has to be rolled back."""
    _held(connection, batch)
    if batch.logged:
        last = connection.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM events").scalar_one()
        contiguous(batch.logged, last or batch.base)
    writes = [one for one in _writes(batch) if one.rows]
    if connection.dialect.name == "sqlite":
        _one_by_one(connection, writes)
    else:
        _at_once(connection, writes)
    if batch.actions:
        enqueue(connection, batch.actions)


def _writes(batch: Batch) -> Iterator[Write]:
    yield Write(statements.INSERT_EVENT, [_event(entry) for entry in batch.logged], "duplicate_event")
    yield Write(statements.INSERT_DELIVERY, _deliveries(batch.logged))
    known = [_known(saved) for saved in batch.partitions if saved.version]
    yield Write(statements.UPDATE_PARTITION, known, "version_conflict", exact=True)
    new = [_new(saved) for saved in batch.partitions if not saved.version]
    yield Write(statements.INSERT_PARTITION, new, "version_conflict")
    timers = batch.timers.items()
    yield Write(statements.SET_TIMER, [(*timer, due, None) for timer, due in timers if due is not None])
    yield Write(statements.DELETE_TIMER, [timer for timer, due in timers if due is None])
    yield Write(statements.INSERT_DECISION, _decisions(batch.records), "duplicate_decision")
    yield Write(statements.INSERT_UNIQUE, batch.uniques, "unique_taken")
    yield Write(statements.INSERT_REJECT, _rejects(batch))
    yield Write(statements.PUT_ENTITY, [_put(put) for put in batch.entities])
    yield Write(statements.PUBLISH, [(one.entity, one.key, one.name, packed(one.value)) for one in batch.published])
    yield Write(statements.RECEIPT, [(True, action) for action in batch.receipted])
    yield Write(statements.GIVE_UP, [(True, *delivery) for delivery in batch.crashed])
    yield Write(statements.INSERT_ACTIVATION, [_activation(one) for one in batch.activated])
    yield Write(statements.SET_META, [("active_pack", one.revision) for one in batch.activated])
    # What is written only where others step what is appended.
    yield Write(statements.ENQUEUE, batch.queued)
    yield Write(statements.FIRE_TIMER, batch.fired)
    yield Write(statements.DEQUEUE, batch.drained)
    yield Write(statements.SURVIVE, batch.survived)
    clock = [] if batch.clock is None else [("clock", str(batch.clock))]
    yield Write(statements.ADVANCE_CLOCK, clock, "clock_conflict", exact=True)


def _one_by_one(connection: Connection, writes: Sequence[Write]) -> None:
    for one in writes:
        try:
            touched = one.statement.many(connection, one.rows)
        except IntegrityError as error:
            if one.code and _is_conflict(error):
                raise conflict(one.code, str(error.orig)) from error
            raise
        one.settle(touched)


def _at_once(connection: Connection, writes: Sequence[Write]) -> None:
    """The server is asked for all of it before the first answer is waited for."""
    from engine.store.pipeline import send

    try:
        touched = send(connection, [(one.statement.arrays, one.statement.columns(one.rows)) for one in writes])
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        table = getattr(diagnosis, "table_name", None)
        code = next((one.code for one in writes if one.code and one.statement.table == table), None)
        if code is not None and _is_conflict(error):
            raise conflict(code, str(error.orig)) from error
        raise
    for one, count in zip(writes, touched, strict=True):
        one.settle(count)


def _held(connection: Connection, batch: Batch) -> None:
    """Before all else: who has lost a shard waits here for who has it, and not in the middle of the same rows. Kept or given back, they are
    one statement, which locks them in their order: whoever claims some of them does so too.
    """
    rows = [(one.token, one.until, one.suspects, one.shard, one.token) for one in batch.leases] + _free(batch.returned)
    if statements.HOLD_SHARD.many(connection, rows) != len(rows):
        raise conflict("shard_lost", ", ".join(str(one.shard) for one in batch.leases + batch.returned))


def give_back(connection: Connection, leases: Sequence[Lease]) -> None:
    """Let others have these shards, as far as the claims hold. Who had them last can still be seen."""
    statements.HOLD_SHARD.many(connection, _free(leases))


def _free(leases: Sequence[Lease]) -> list[Row]:
    return [(None, one.until, one.suspects, one.shard, one.token) for one in leases]


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


def _deliveries(logged: Sequence[Logged]) -> list[Row]:
    return [
        (scope, key, entry.event.seq)
        for entry in logged
        for scope, key in (entry.event.keys if entry.deliveries is None else entry.deliveries)
    ]


def _event(entry: Logged) -> Row:
    event = entry.event
    return (event.seq, event.source, event.id, event.type, event.at, event.now, entry.digest, _body(event))


def _body(event: Event) -> bytes:
    if holds_duration(event.data):
        event = msgspec.structs.replace(event, data=portable(event.data))
    return pack(event)


def _known(saved: SavedPartition) -> Row:
    get = saved.sections.get
    sections = (get("workflows"), get("metrics"), get("decisions"), get("memory"))
    return (saved.version + 1, saved.seq, *sections, saved.scope, saved.key, saved.version)


def _new(saved: SavedPartition) -> Row:
    get = saved.sections.get
    sections = (get("workflows"), get("metrics"), get("decisions"), get("memory"))
    return (saved.scope, saved.key, 1, saved.seq, *sections)


def _put(put: StoredEntity) -> Row:
    return (put.entity, put.key, put.at, put.seq, pack(portable(put.data)))


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


def _is_conflict(error: IntegrityError) -> bool:
    if getattr(error.orig, "sqlstate", None) == _UNIQUE_VIOLATION:
        return True
    found = getattr(error.orig, "sqlite_errorcode", None)
    return found in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
