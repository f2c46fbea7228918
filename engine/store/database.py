"""The durable store: a SQLite file or a PostgreSQL database, through SQLAlchemy Core."""
# ruff: noqa: D102 - the protocol says what these methods do

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from engine.core.codec import pack, portable, unpack
from engine.core.event import Publication
from engine.errors import StoreError
from engine.store import schema, statements, transaction, version
from engine.store.batch import SECTIONS, Activation, Batch, Delivery, Key, LoadedPartition, SavedPack, StoredEntity
from engine.store.database_outbox import DatabaseOutbox, enqueue
from engine.store.history import History
from engine.store.keyring import DatabaseKeyring
from engine.store.listing import Listing
from engine.store.membership import DatabaseMembership
from engine.store.query import written
from engine.store.queue import DatabaseQueue
from engine.store.session import Session
from engine.store.sqlite import SqliteSession

_HEAD = written(transaction.HEAD)
_ENTITIES = written("SELECT entity, key, at, seq, data FROM entities WHERE seq > ? ORDER BY seq, n")
_PUBLISHED = written("SELECT entity, key, name, value FROM published ORDER BY entity, key, name")


class DatabaseStore(DatabaseOutbox, DatabaseQueue, DatabaseMembership, DatabaseKeyring, History, Listing):
    """Store in a SQLite file that outlives the process (`path` None: in memory, with everything else the same), or behind a `session`.

    Raises StoreError `store_unopened`, `store_unreadable`, `store_readonly` or `store_version` when it cannot be used.
    """

    durable = True

    def __init__(self, path: str | Path | None = None, *, session: Session | None = None) -> None:
        self._session = session or SqliteSession(None if path is None else str(path))
        try:
            version.prepare(self._session)
        except StoreError:
            self._session.close()
            raise

    @property
    def server(self) -> bool:
        """Whether the database is a server's, which several machines may use."""
        return not isinstance(self._session, SqliteSession)

    def clock(self) -> int | None:
        value = self._meta("clock")
        return None if value is None else int(value)

    def sequence(self) -> int:
        return self.head()[0]

    def head(self) -> tuple[int, int | None]:
        [(seq, clock)] = self._session.ask(_HEAD)
        return seq, None if clock is None else int(clock)

    def save_pack(
        self,
        revision: str,
        name: str,
        version: str,
        files: Mapping[str, bytes],
        params: Mapping[str, Any],
        at: int,
    ) -> None:
        with self._session.writing() as connection:
            _keep(connection, SavedPack(revision, name, version, dict(files), dict(params), at))
            statements.SET_META.many(connection, [("active_pack", revision)])

    def keep_pack(self, pack: SavedPack) -> None:
        with self._session.writing() as connection:
            _keep(connection, pack)

    def active_pack(self) -> SavedPack | None:
        return self._pack(_active_revision())

    def pack(self, revision: str) -> SavedPack | None:
        return self._pack(revision)

    def packs(self) -> Iterator[SavedPack]:
        table = schema.packs
        with self._session.reading() as connection:
            rows = connection.execute(select(table).order_by(table.c.at, table.c.revision)).all()
        return map(_saved, rows)

    def activations(self, after: int = 0) -> list[Activation]:
        table = schema.activations
        with self._session.reading() as connection:
            rows = connection.execute(select(table).where(table.c.seq > after).order_by(table.c.seq)).all()
        return [_activated(row) for row in rows]

    def last_activation(self) -> Activation | None:
        table = schema.activations
        with self._session.reading() as connection:
            row = connection.execute(select(table).order_by(table.c.seq.desc()).limit(1)).first()
        return None if row is None else _activated(row)

    def identities(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        rows = self._among(schema.events, "source, id, digest", ("source", "id"), pairs)
        return {(source, event): digest for source, event, digest in rows}

    def uniques(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        rows = self._among(schema.uniques, "code, value, event", ("code", "value"), pairs)
        return {(code, value): event for code, value, event in rows}

    def partitions(self, keys: Iterable[Key]) -> dict[Key, LoadedPartition]:
        columns = f"scope, key, version, seq, {', '.join(SECTIONS)}"
        rows = self._among(schema.partitions, columns, ("scope", "key"), keys)
        return {(row[0], row[1]): _partition(row[2], row[3], row[4:]) for row in rows}

    def workflows(self) -> Iterator[bytes]:
        table = schema.partitions
        with self._session.reading() as connection:
            rows = connection.execute(select(table.c.workflows).where(table.c.workflows.is_not(None))).all()
        return (row.workflows for row in rows)

    def timers(self) -> Iterator[tuple[int, str, str, str]]:
        table = schema.timers
        columns = (table.c.due, table.c.scope, table.c.key, table.c.name)
        with self._session.reading() as connection:
            rows = connection.execute(select(*columns).order_by(*columns)).all()
        for row in rows:
            yield row.due, row.scope, row.key, row.name

    def entities(self, after: int = -1) -> Iterator[StoredEntity]:
        for entity, key, at, seq, data in self._session.ask(_ENTITIES, (after,)):
            yield StoredEntity(entity, key, at, seq, unpack(data, dict[str, Any]))

    def published(self) -> Iterator[Publication]:
        for entity, key, name, value in self._session.ask(_PUBLISHED):
            yield Publication(entity, key, name, unpack(value, object))

    def commit(self, batch: Batch, *, ahead: bool = False) -> None:
        def check(connection: Connection) -> None:
            transaction.check(connection, batch)

        def write(connection: Connection) -> None:
            transaction.write(connection, batch, enqueue)

        self.settle()
        if ahead:
            self._session.write_ahead(check, write)
            return
        # Rejects are asked for from a number on: as events, they are numbered in the order in which they are committed.
        ordered = batch.logged or batch.rejects
        with self._session.appending() if ordered else self._session.writing() as connection:
            write(connection)

    def settle(self) -> None:
        try:
            self._session.settle()
        except StoreError as error:
            if error.code not in transaction.CONFLICTS:
                raise
            # What is done again on a conflict is the batch at hand; the one before it must not go unnoticed.
            hint = "somebody else works on this store: give the same events again"
            raise StoreError("batch_lost", f"what was on its way was not written: {error}", hint=hint) from error

    def park(self, delivery: Delivery, event: str, error: str) -> int:
        with self._session.writing() as connection:
            counted = _claims(connection, delivery, event) + 1
            statements.PARK.many(connection, [(*delivery, event, counted, error, False)])
        return counted

    def close(self) -> None:
        self._session.close()

    def _pack(self, revision: Any) -> SavedPack | None:
        table = schema.packs
        with self._session.reading() as connection:
            row = connection.execute(select(table).where(table.c.revision == revision)).first()
        return None if row is None else _saved(row)

    def _meta(self, name: str) -> str | None:
        with self._session.reading() as connection:
            return connection.scalar(select(schema.meta.c.value).where(schema.meta.c.name == name))


def _active_revision() -> Any:
    return select(schema.meta.c.value).where(schema.meta.c.name == "active_pack").scalar_subquery()


def _keep(connection: Connection, kept: SavedPack) -> None:
    row = (kept.revision, kept.name, kept.version, pack(kept.files), pack(portable(kept.params)), kept.at)
    statements.KEEP_PACK.many(connection, [row])


def _saved(row: Row[Any]) -> SavedPack:
    files = unpack(row.files, dict[str, bytes])
    return SavedPack(row.revision, row.name, row.version, files, unpack(row.params, dict[str, Any]), row.at)


def _activated(row: Row[Any]) -> Activation:
    audit = (row.seq, row.revision, row.previous, row.at, row.when, row.by, row.note, row.tests)
    begun, pinned = unpack(row.begun, dict[str, int]), unpack(row.pinned, tuple[tuple[str, str, str], ...])
    return Activation(*audit, begun=begun, pinned=pinned)


def _claims(connection: Connection, delivery: Delivery, event: str) -> int:
    table = schema.crashes
    where = [table.c.event == event]
    where += [table.c[name] == value for name, value in zip(("seq", "scope", "key"), delivery, strict=True)]
    return connection.scalar(select(table.c.claims).where(*where)) or 0


def _partition(number: int, seq: int, blobs: Sequence[bytes | None]) -> LoadedPartition:
    sections = {name: blob for name, blob in zip(SECTIONS, blobs, strict=True) if blob is not None}
    return LoadedPartition(number, seq, sections)
