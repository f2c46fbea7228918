"""Connections to one SQLite database: settings that are asserted, one writer, short readers, errors with a hint."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, RootTransaction, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from engine.errors import StoreError

BUSY_TIMEOUT = 10_000
"""Milliseconds that a statement waits for another process before it gives up."""

_FULL = 2


def _refuse_settings(name: str, found: object) -> StoreError:
    return StoreError("store_unsafe", f"SQLite did not take {name}: it says {found!r}")


def _prepare(connection: sqlite3.Connection, in_memory: bool) -> None:
    # SQLAlchemy's own BEGIN is silent in autocommit mode; ours, below, takes the write lock at once.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=OFF",
        "temp_store=MEMORY",
        "cache_size=-65536",
        "wal_autocheckpoint=4000",
    ):
        connection.execute(f"PRAGMA {pragma}")
    synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    if synchronous != _FULL:
        raise _refuse_settings("synchronous=FULL", synchronous)
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal" and not in_memory:
        raise _refuse_settings("journal_mode=WAL", mode)


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _connect(path: str | None) -> Engine:
    if path is None:
        options: dict[str, Any] = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    else:
        options = {"pool_size": 4, "max_overflow": 16}
    engine = create_engine(f"sqlite:///{path or ':memory:'}", **options)

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        _prepare(connection, path is None)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


_CODES = {
    sqlite3.SQLITE_BUSY: ("store_busy", "another process holds the write lock; try again"),
    sqlite3.SQLITE_LOCKED: ("store_busy", "another process holds the write lock; try again"),
    sqlite3.SQLITE_FULL: ("store_full", "free disk space and try again; nothing was written"),
    sqlite3.SQLITE_CANTOPEN: ("store_unopened", "does its folder exist, and may it be written?"),
    sqlite3.SQLITE_READONLY: ("store_readonly", "the file or its folder may not be written"),
    sqlite3.SQLITE_NOTADB: ("store_unreadable", "the file is not a SQLite database"),
    sqlite3.SQLITE_CORRUPT: ("store_unreadable", "the file is damaged; restore it from a backup"),
}


def translated(error: DBAPIError) -> StoreError:
    """What a failure of the database means, as a code and a hint."""
    cause = error.orig
    primary = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    code, hint = _CODES.get(primary, ("store_failed", None))
    return StoreError(code, f"the database refused: {cause}", hint=hint)


class SqliteSession:
    """The connections of one store. `path` None: a database in memory that ends with the session."""

    def __init__(self, path: str | None) -> None:
        self._engine = _connect(path)
        self._lock = threading.RLock()
        self._shared = path is None
        self._syncing: tuple[RootTransaction, Future[None]] | None = None
        self._syncer = ThreadPoolExecutor(1, "rulewright-commit")
        with translating():
            self._writer = self._engine.connect().execution_options(writing=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that holds the write lock from its beginning; rolled back by any exception."""
        with self._lock:
            self.settle()
            with translating(), self._writer.begin():
                yield self._writer

    def appending(self) -> AbstractContextManager[Connection]:
        """Who writes holds the file's one write lock anyway."""
        return self.writing()

    def write_ahead(self, work: Callable[[Connection], None]) -> None:
        """As `writing`, but the commit goes on in a thread while the caller does something else; `settle` ends it.

        Until then nobody else writes. Reads see what was committed before.
        """
        if self._shared:
            with self.writing() as connection:
                work(connection)
            return
        self._lock.acquire()
        try:
            self.settle()
            with translating():
                transaction = self._writer.begin()
                try:
                    work(self._writer)
                except BaseException:
                    transaction.rollback()
                    raise
        except BaseException:
            self._lock.release()
            raise
        self._syncing = (transaction, self._syncer.submit(transaction.commit))

    def settle(self) -> None:
        """Wait until what `write_ahead` wrote is durable. Raises StoreError when it could not be: then nothing of it was written."""
        if self._syncing is None:
            return
        transaction, commit = self._syncing
        self._syncing = None
        try:
            with translating():
                try:
                    commit.result()
                except BaseException:
                    transaction.rollback()
                    raise
        finally:
            self._lock.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view. In memory, readers and the writer share a connection and so take turns."""
        if self._shared:
            with self.writing() as connection:
                yield connection
            return
        with translating(), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            try:
                self.settle()
            finally:
                self._syncer.shutdown()
                self._writer.close()
                self._engine.dispose()


@contextmanager
def translating() -> Iterator[None]:
    """Turn the database's exceptions into StoreError."""
    try:
        yield
    except DBAPIError as error:
        raise translated(error) from error
