"""Connections to one PostgreSQL database, through psycopg 3: a pool, one lock on the end of the log, errors with a hint."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from engine.errors import StoreError

LOG_LOCK = 7_236_401
"""The advisory lock on the end of the log: a sequence alone would let a reader see n before n - 1."""

_CODES = {
    "53100": ("store_full", "free disk space and try again; nothing was written"),
    "40001": ("store_busy", "others wrote the same rows; try again"),
    "40P01": ("store_busy", "others wrote the same rows; try again"),
    "55P03": ("store_busy", "others hold a lock; try again"),
    "28P01": ("store_unopened", "is the password right?"),
    "28000": ("store_unopened", "may this user connect from here?"),
    "3D000": ("store_unopened", "create the database first"),
    "25006": ("store_readonly", "this server is a replica, or the user may not write"),
}


def translated(error: DBAPIError) -> StoreError:
    """What a failure of the database means, as a code and a hint. The text never has a password: psycopg leaves it out."""
    state = getattr(error.orig, "sqlstate", None)
    if state in _CODES:
        code, hint = _CODES[state]
        return StoreError(code, f"the database refused: {error.orig}", hint=hint)
    if error.connection_invalidated or state is None or state.startswith(("08", "57P")):
        return StoreError("store_unavailable", "the database cannot be reached", hint="is it running? try again")
    return StoreError("store_failed", f"the database refused: {error.orig}")


class PostgresSession:
    """The connections of one store; `url` is `postgresql://…`."""

    def __init__(self, url: str) -> None:
        self._engine = _connect(url)
        self._lock = threading.RLock()
        self._syncing: tuple[ExitStack, Future[None]] | None = None
        self._syncer = ThreadPoolExecutor(1, "rulewright-commit")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction."""
        self._settled()
        with translating(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def appending(self) -> Iterator[Connection]:
        """One transaction that holds the log's lock."""
        with self.writing() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (LOG_LOCK,))
            yield connection

    def write_ahead(self, work: Callable[[Connection], None]) -> None:
        """Commits in a thread; the connection and the log's lock are held until `settle`."""
        self._lock.acquire()
        stack = ExitStack()
        try:
            self.settle()
            with translating():
                connection = stack.enter_context(self._engine.connect())
                transaction = connection.begin()
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (LOG_LOCK,))
                work(connection)
        except BaseException:
            stack.close()
            self._lock.release()
            raise
        self._syncing = (stack, self._syncer.submit(transaction.commit))

    def settle(self) -> None:
        """Wait for the commit that is under way."""
        if self._syncing is None:
            return
        stack, commit = self._syncing
        self._syncing = None
        try:
            with translating(), stack:
                commit.result()
        finally:
            self._lock.release()

    def _settled(self) -> None:
        """What a thread has committed ahead comes before what the same thread writes now."""
        if self._syncing is not None:
            with self._lock:
                self.settle()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view."""
        with translating(), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            try:
                self.settle()
            finally:
                self._syncer.shutdown()
                self._engine.dispose()


def _connect(url: str) -> Engine:
    try:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        return create_engine(parsed, pool_size=8, max_overflow=24, pool_pre_ping=True, hide_parameters=True)
    except ArgumentError:
        raise StoreError("store_url", "this is no address of a PostgreSQL database") from None
    except ModuleNotFoundError as missing:
        raise StoreError(
            "store_unopened", "the driver of PostgreSQL is not installed", hint="pip install 'rulewright[server]'"
        ) from missing


@contextmanager
def translating() -> Iterator[None]:
    """Turn the database's exceptions into StoreError."""
    try:
        yield
    except DBAPIError as error:
        raise translated(error) from error
