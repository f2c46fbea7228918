"""Connections to one PostgreSQL database, through psycopg 3: a pool, one lock on the end of the log, errors with a hint."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from engine.errors import StoreError
from engine.store.desk import Desk
from engine.store.query import Found, Query

LOG_LOCK = 7_236_401
"""The advisory lock on the end of the log, with the schema's name: a sequence alone would let a reader see n before n - 1."""

_LOCK = f"SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), {LOG_LOCK}))"

POOL, OVERFLOW = 8, 24
"""Connections of one process that are kept, and how many more it may have at times."""

PATIENCE = 30.0
"""Seconds for which somebody waits for one of the process's connections."""

_LINK = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "application_name": "rulewright",
}
"""What a connection asks of the network, unless its address says otherwise: a server that is gone without a word is noticed in a minute."""

_UNWANTED = ("hashjoin", "mergejoin", "bitmapscan")
PLANNING = "SELECT " + ", ".join(f"set_config('enable_{way}', 'off', false)" for way in _UNWANTED)
"""What we ask about is a batch of rows by their keys, or the first along an index. A table that is not large yet would be read as a whole
for each batch instead, and of 60,000 deadlines that are due all would be sorted for the first 2,000: 27 ms instead of 1.
"""

_UNSAFE = ("fsync", "synchronous_commit")

_CODES = {
    "53100": ("store_full", "free disk space and try again; nothing was written"),
    "53300": ("store_busy", "the server has no connection left: raise max_connections, or run fewer processes"),
    "40001": ("store_busy", "others wrote the same rows; try again"),
    "40P01": ("store_busy", "others wrote the same rows; try again"),
    "55P03": ("store_busy", "others hold a lock; try again"),
    "57014": ("store_busy", "the server ended a statement that took too long; try again"),
    "28P01": ("store_unopened", "is the password right?"),
    "28000": ("store_unopened", "may this user connect from here?"),
    "3D000": ("store_unopened", "create the database first"),
    "25006": ("store_readonly", "this server is a replica, or the user may not write"),
    "42501": ("store_readonly", "the user may not do this: grant it the schema and its tables"),
    "22021": ("store_text", "PostgreSQL keeps no text with U+0000"),
    "22P05": ("store_text", "PostgreSQL keeps no text with U+0000"),
}


def translated(error: DBAPIError) -> StoreError:
    """What a failure of the database means, as a code and a hint. The text never has a password: psycopg leaves it out."""
    state = getattr(error.orig, "sqlstate", None)
    if state in _CODES:
        code, hint = _CODES[state]
        return StoreError(code, f"the database refused: {error.orig}", hint=hint)
    if state is None and not isinstance(error, OperationalError | InterfaceError):
        # psycopg itself refused a value before it was sent
        return StoreError(
            "store_text", f"the driver refused: {error.orig}", hint="PostgreSQL keeps no text with U+0000"
        )
    if error.connection_invalidated or state is None or state.startswith(("08", "57P")):
        reason = str(error.orig).partition("\n")[0]
        return StoreError(
            "store_unavailable", f"the database cannot be reached: {reason}", hint="is it running? try again"
        )
    return StoreError("store_failed", f"the database refused: {error.orig}")


class PostgresSession:
    """The connections of one store; `url` is `postgresql://…`. A connection that was lost is made again when the next one asks.

    Raises StoreError `store_unsafe` where the server does not wait for its disk.
    """

    def __init__(self, url: str) -> None:
        self._engine = _connect(url)
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._view = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._desk = Desk(self._apart)
        self._appenders = threading.Lock()
        self._ahead: Future[None] | None = None
        self._sender = ThreadPoolExecutor(1, "rulewright-commit")

    @property
    def sqlite(self) -> bool:
        """It is not."""
        return False

    def ask(self, query: Query, values: Sequence[Any] = ()) -> list[Found]:
        """What was committed before, in one round trip."""
        from engine.store.pipeline import asked

        with translating():
            return asked(self._desk, self._engine.dialect, query.postgres, values)

    def _apart(self) -> Any:
        """A connection of its own, with the settings of all the others; what is asked over it is in no transaction."""
        connection = self._single.raw_connection()
        driver: Any = connection.driver_connection
        connection.detach()
        driver.autocommit = True
        return driver

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction."""
        with translating(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def appending(self) -> Iterator[Connection]:
        """One transaction that holds the log's lock. Who waits for it in this process waits without a connection."""
        with self._appenders, self.writing() as connection:
            connection.exec_driver_sql(_LOCK)
            yield connection

    def write_ahead(self, check: Callable[[Connection], None], work: Callable[[Connection], None]) -> None:
        """Only `check` is done at once: `work` is sent, and committed, by a thread, while the log's lock is held."""
        with ExitStack() as stack:
            connection = stack.enter_context(self.appending())
            check(connection)
            self._ahead = self._sender.submit(_send, stack.pop_all(), connection, work)

    def settle(self) -> None:
        """Wait for what is under way."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.result()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """For one query, which then costs one round trip."""
        with translating(), self._single.connect() as connection:
            yield connection

    @contextmanager
    def viewing(self) -> Iterator[Connection]:
        """One consistent view for several queries."""
        with translating(), self._view.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        try:
            self.settle()
        finally:
            self._sender.shutdown()
            self._desk.close()
            self._engine.dispose()


def _send(stack: ExitStack, connection: Connection, work: Callable[[Connection], None]) -> None:
    with stack:
        work(connection)


def _connect(url: str) -> Engine:
    try:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        link = {name: value for name, value in _LINK.items() if name not in parsed.query}
        pool = {"pool_size": POOL, "max_overflow": OVERFLOW, "pool_timeout": PATIENCE, "pool_pre_ping": True}
        engine = create_engine(parsed, hide_parameters=True, connect_args=link, **pool)
    except ArgumentError:
        raise StoreError("store_url", "this is no address of a PostgreSQL database") from None
    except ModuleNotFoundError as missing:
        raise StoreError(
            "store_unopened", "the driver of PostgreSQL is not installed", hint="pip install 'rulewright[server]'"
        ) from missing
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    """Refuse a server that says "committed" before its disk has it."""
    shown = ", ".join(f"current_setting('{name}')" for name in _UNSAFE)
    for name, value in zip(_UNSAFE, connection.execute(f"SELECT {shown}").fetchone(), strict=True):
        if value == "off":
            connection.close()
            hint = f"set {name} = on, or what is committed may be lost"
            raise StoreError("store_unsafe", f"the server runs with {name} = off", hint=hint)
    connection.execute(PLANNING)
    connection.commit()


@contextmanager
def translating() -> Iterator[None]:
    """Turn the database's exceptions into StoreError."""
    try:
        yield
    except PoolTimeoutError as error:
        hint = "fewer threads, or more processes"
        raise StoreError(
            "store_busy", f"all {POOL + OVERFLOW} connections of this process are in use", hint=hint
        ) from error
    except DBAPIError as error:
        raise translated(error) from error
