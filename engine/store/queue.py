"""What several processes share beside the log: deliveries that wait to be stepped, claims to shards of them, deadlines that are due."""
# ruff: noqa: D102 - the protocol says what these methods do

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select

from engine.core.codec import unpack
from engine.core.event import Event
from engine.store import schema, statements, transaction
from engine.store.batch import OWNERS, Batch, Delivery, Lease
from engine.store.database_outbox import enqueue
from engine.store.query import Query, written
from engine.store.session import Session

_queue = schema.queue
_shards = schema.shards
_timers = schema.timers

_ANY_WAITS = written("SELECT seq FROM queue LIMIT 1")
_BACKLOG = written("SELECT shard, count(*) FROM queue GROUP BY shard")
_LOST = written("SELECT shard FROM shards WHERE token IS NOT NULL AND until <= ? ORDER BY until")

_LOCKED = "SELECT shard, token, until, suspects FROM shards WHERE shard = ANY(%s) ORDER BY shard FOR UPDATE"

_FREE = (
    "SELECT shard FROM shards WHERE token IS NULL AND suspects = 0 "
    "AND NOT EXISTS (SELECT 1 FROM queue WHERE queue.shard = shards.shard)"
)

_RANK = " ".join(f"WHEN name LIKE '{owner}/%' THEN {rank}" for rank, owner in enumerate(OWNERS))
_DUE = written(
    f"SELECT due, scope, key, name FROM timers WHERE {schema.UNFIRED} AND due <= ? "
    f"ORDER BY due, CASE {_RANK} ELSE {len(OWNERS)} END, scope, key, name LIMIT ?"
)

_WAITING = """
SELECT w.seq, w.scope, w.key FROM unnest(%s::int[]) AS s(shard)
CROSS JOIN LATERAL (SELECT seq, scope, key FROM queue WHERE shard = s.shard ORDER BY seq LIMIT %s) AS w LIMIT %s
"""

Pending = tuple[str, str, str]
"""A deadline: (scope, key, name)."""


class DatabaseQueue:
    """Queue over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def waiting(self, shards: Collection[int], limit: int) -> list[Delivery]:
        wanted = sorted(shards)
        given = (*wanted, limit) if self._session.sqlite else (wanted, limit, limit)
        return sorted(self._session.ask(_some_waiting(len(wanted)), given))

    def waits(self) -> bool:
        return bool(self._session.ask(_ANY_WAITS))

    def backlog(self) -> dict[int, int]:
        return dict(self._session.ask(_BACKLOG))

    def lease(
        self, shards: Collection[int], owner: str, token: str, now: int, until: int, suspects: int
    ) -> list[Lease]:
        with self._session.writing() as connection:
            rows = _locked(connection, shards)
            missing = sorted(set(shards) - {row.shard for row in rows})
            if missing:  # another one may do so at the same moment: whoever is second finds the rows of the first
                statements.FIRST_SHARD.many(connection, [(shard, None, None, 0, 0) for shard in missing])
                rows = _locked(connection, shards)
            leases = [
                Lease(
                    row.shard,
                    token,
                    until,
                    row.suspects if row.token is None else _waits(connection, row.shard, suspects),
                )
                for row in rows
                if row.token is None or row.until <= now
            ]
            statements.CLAIM_SHARD.many(connection, [(owner, token, until, one.suspects, one.shard) for one in leases])
        return leases

    def release(self, leases: Sequence[Lease]) -> None:
        with self._session.writing() as connection:
            transaction.give_back(connection, leases)

    def lost(self, now: int) -> list[int]:
        return [shard for (shard,) in self._session.ask(_LOST, (now,))]

    def holders(self) -> list[str]:
        with self._session.reading() as connection:
            return list(connection.scalars(select(_shards.c.owner).where(_shards.c.token.is_not(None))))

    def due_timers(self, before: int, limit: int) -> list[tuple[int, str, str, str]]:
        return self._session.ask(_DUE, (before, limit))

    def set_timers(self, timers: Iterable[Pending]) -> dict[Pending, int]:
        rows = self._among(_timers, "scope, key, name, due", ("scope", "key", "name"), timers)
        return {(scope, key, name): due for scope, key, name, due in rows}

    def events_at(self, sequences: Iterable[int]) -> dict[int, Event]:
        rows = self._among(schema.events, "seq, body", ("seq",), ((seq,) for seq in sequences))
        return {seq: unpack(body, Event) for seq, body in rows}

    def append(self, work: Callable[[], Batch]) -> None:
        with self._session.appending() as connection:
            transaction.write(connection, work(), enqueue)

    def append_stepped(self, shards: Collection[int], work: Callable[[frozenset[int]], Batch]) -> None:
        with self._session.appending() as connection:
            transaction.write(connection, work(_free(connection, shards)), enqueue)

    def found(self, shards: Collection[int]) -> None:
        with self._session.writing() as connection:
            statements.FIRST_SHARD.many(connection, [(shard, None, None, 0, 0) for shard in sorted(shards)])

    def _among(
        self, table: Table, columns: str, names: tuple[str, ...], wanted: Iterable[tuple[Any, ...]]
    ) -> Sequence[Sequence[Any]]:
        """The `columns` of the rows whose `names` are among the `wanted`, in no order and of one moment."""
        rows, session = list(dict.fromkeys(wanted)), self._session
        if not rows:
            return []
        if len(rows) <= (statements.CHUNK if session.sqlite else statements.BULK):
            return session.ask(*statements.asking(session.sqlite, table, columns, names, rows))
        with session.viewing() as connection:
            return list(statements.among(connection, table, columns, names, rows))


def _waits(connection: Connection, shard: int, limit: int) -> int:
    """How many deliveries of a shard wait, up to a limit."""
    some = select(_queue.c.seq).where(_queue.c.shard == shard).limit(limit).subquery()
    return connection.scalars(select(func.count()).select_from(some)).one()


def _locked(connection: Connection, shards: Collection[int]) -> Sequence[Row[Any]]:
    """The rows of shards, locked in their order: two who want the same ones never wait for each other in a circle."""
    wanted = sorted(shards)
    if connection.dialect.name == "sqlite":
        return connection.exec_driver_sql(_some_shards(len(wanted)), tuple(wanted)).all()
    return connection.exec_driver_sql(_LOCKED, (wanted,)).all()


def _free(connection: Connection, shards: Collection[int]) -> frozenset[int]:
    """Those that are free, which nobody claims from here on: SQLite has one writer, and PostgreSQL's rows are locked."""
    wanted = sorted(shards)
    if connection.dialect.name == "sqlite":
        some = f"{_FREE} AND shard IN ({', '.join('?' * len(wanted))})"
        rows = connection.exec_driver_sql(some, tuple(wanted))
    else:
        rows = connection.exec_driver_sql(
            f"{_FREE} AND shard = ANY(%s) ORDER BY shard FOR UPDATE SKIP LOCKED", (wanted,)
        )
    return frozenset(row[0] for row in rows)


@lru_cache(maxsize=64)
def _some_shards(count: int) -> str:
    """Who writes holds SQLite's one lock."""
    return f"SELECT shard, token, until, suspects FROM shards WHERE shard IN ({', '.join('?' * count)}) ORDER BY shard"


@lru_cache(maxsize=64)
def _some_waiting(count: int) -> Query:
    """Shard after shard along the index, which SQLite does without sorting."""
    marks = ", ".join("?" * count)
    sqlite = f"SELECT seq, scope, key FROM queue WHERE shard IN ({marks}) ORDER BY shard, seq LIMIT ?"
    return Query(sqlite, _WAITING)
