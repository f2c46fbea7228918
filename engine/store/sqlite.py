"""Connections to one SQLite database: settings that are asserted, one writer, short readers, errors with a hint."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from engine.errors import StoreError
from engine.store.desk import Desk
from engine.store.query import Found, Query
from engine.store.turns import Turns

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


def translated(cause: BaseException | None) -> StoreError:
    """What a failure of the driver means, as a code and a hint."""
    primary = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    code, hint = _CODES.get(primary, ("store_failed", None))
    return StoreError(code, f"the database refused: {cause}", hint=hint)


class SqliteSession:
    """The connections of one store. `path` None: a database in memory that ends with the session."""

    def __init__(self, path: str | None) -> None:
        self._engine = _connect(path)
        self._shared = path is None
        # In memory who writes also reads, through the same connection. In a file the thread that commits gives the lock back.
        self._lock: AbstractContextManager[bool] = threading.RLock() if self._shared else Turns()
        self._ahead: Future[None] | None = None
        self._syncer = ThreadPoolExecutor(1, "rulewright-commit")
        self._desk = Desk(self._apart)
        with translating():
            self._writer = self._engine.connect().execution_options(writing=True)

    @property
    def sqlite(self) -> bool:
        """It is."""
        return True

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that holds the write lock from its beginning; rolled back by any exception."""
        with self._lock, translating(), self._writer.begin():
            yield self._writer

    def appending(self) -> AbstractContextManager[Connection]:
        """Who writes holds the file's one write lock anyway."""
        return self.writing()

    def write_ahead(self, check: Callable[[Connection], None], work: Callable[[Connection], None]) -> None:
        """As `writing`, but the commit, which waits for the disk, goes on in a thread. Until it has ended nobody else writes."""
        with ExitStack() as stack:
            connection = stack.enter_context(self.writing())
            check(connection)
            work(connection)
            if not self._shared:
                self._ahead = self._syncer.submit(stack.pop_all().close)

    def settle(self) -> None:
        """Wait for the commit that is under way."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.result()

    def ask(self, query: Query, values: Sequence[Any] = ()) -> list[Found]:
        """What was committed before; in memory, where there is one connection, what it has written by now."""
        with translating():
            if not self._shared:
                return self._desk.ask(query.sqlite, values)
            with self._lock:
                driver: Any = self._writer.connection.driver_connection
                rows: list[Found] = driver.execute(query.sqlite, values).fetchall()
                return rows

    def _apart(self) -> sqlite3.Connection:
        """A connection of its own, with the settings of all the others."""
        connection = self._engine.raw_connection()
        driver: Any = connection.driver_connection
        connection.detach()
        return driver  # type: ignore[no-any-return]

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view. In memory, readers and the writer share a connection and so take turns."""
        if self._shared:
            with self.writing() as connection:
                yield connection
            return
        with translating(), self._engine.connect() as connection:
            yield connection

    def viewing(self) -> AbstractContextManager[Connection]:
        """Every read is a consistent view."""
        return self.reading()

    def close(self) -> None:
        """Close every connection."""
        try:
            self.settle()
        finally:
            self._syncer.shutdown()
            self._desk.close()
            with self._lock:
                self._writer.close()
                self._engine.dispose()


@contextmanager
def translating() -> Iterator[None]:
    """Turn the database's exceptions into StoreError."""
    try:
        yield
    except DBAPIError as error:
        raise translated(error.orig) from error
    except sqlite3.Error as error:
        raise translated(error) from error
