"""What several processes share beside the log: deliveries that wait to be stepped, claims to shards of them, deadlines that are due."""
# ruff: noqa: D102 - the protocol says what these methods do

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Table, case, func, select, text

from engine.core.codec import unpack
from engine.core.event import Event
from engine.store import schema, statements, transaction
from engine.store.batch import OWNERS, Batch, Delivery, Lease
from engine.store.database_outbox import enqueue
from engine.store.session import Session

_queue = schema.queue
_shards = schema.shards
_timers = schema.timers

_rank = case(*((_timers.c.name.startswith(f"{owner}/"), rank) for rank, owner in enumerate(OWNERS)), else_=len(OWNERS))

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
        with self._session.reading() as connection:
            if connection.dialect.name == "sqlite":
                rows = connection.exec_driver_sql(_some_waiting(len(wanted)), (*wanted, limit))
            else:
                rows = connection.exec_driver_sql(_WAITING, (wanted, limit, limit))
            return sorted((row.seq, row.scope, row.key) for row in rows)

    def waits(self) -> bool:
        with self._session.reading() as connection:
            return connection.execute(select(_queue.c.seq).limit(1)).first() is not None

    def backlog(self) -> dict[int, int]:
        query = select(_queue.c.shard, func.count()).group_by(_queue.c.shard)
        with self._session.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

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
        query = select(_shards.c.shard).where(_shards.c.token.is_not(None), _shards.c.until <= now)
        with self._session.reading() as connection:
            return list(connection.scalars(query.order_by(_shards.c.until)))

    def holders(self) -> list[str]:
        with self._session.reading() as connection:
            return list(connection.scalars(select(_shards.c.owner).where(_shards.c.token.is_not(None))))

    def due_timers(self, before: int, limit: int) -> list[tuple[int, str, str, str]]:
        columns = (_timers.c.due, _timers.c.scope, _timers.c.key, _timers.c.name)
        query = select(*columns).where(text(schema.UNFIRED), _timers.c.due <= before)
        with self._session.reading() as connection:
            rows = connection.execute(query.order_by(_timers.c.due, _rank, *columns[1:]).limit(limit))
            return [tuple(row) for row in rows]

    def set_timers(self, timers: Iterable[Pending]) -> dict[Pending, int]:
        rows = self._among(_timers, "scope, key, name, due", ("scope", "key", "name"), timers)
        return {(scope, key, name): due for scope, key, name, due in rows}

    def events_at(self, sequences: Iterable[int]) -> dict[int, Event]:
        rows = self._among(schema.events, "seq, body", ("seq",), ((seq,) for seq in sequences))
        return {seq: unpack(body, Event) for seq, body in rows}

    def append(self, work: Callable[[], Batch]) -> None:
        with self._session.appending() as connection:
            transaction.write(connection, work(), enqueue)

    def _among(
        self, table: Table, columns: str, names: tuple[str, ...], wanted: Iterable[tuple[Any, ...]]
    ) -> list[Sequence[Any]]:
        """The `columns` of the rows whose `names` are among the `wanted`, in no order and of one moment."""
        rows = list(dict.fromkeys(wanted))
        session = self._session
        with session.reading() if len(rows) <= statements.BULK else session.viewing() as connection:
            return list(statements.among(connection, table, columns, names, rows))


def _waits(connection: Connection, shard: int, limit: int) -> int:
    """How many deliveries of a shard wait, up to a limit."""
    some = select(_queue.c.seq).where(_queue.c.shard == shard).limit(limit).subquery()
    return connection.scalars(select(func.count()).select_from(some)).one()


def _locked(connection: Connection, shards: Collection[int]) -> Sequence[Row[Any]]:
    """The rows of shards, locked in their order: two who want the same ones never wait for each other in a circle."""
    query = select(_shards).where(_shards.c.shard.in_(shards)).order_by(_shards.c.shard)
    return connection.execute(query.with_for_update()).all()


@lru_cache(maxsize=64)
def _some_waiting(count: int) -> str:
    """Shard after shard along the index, which SQLite does without sorting."""
    marks = ", ".join("?" * count)
    return f"SELECT seq, scope, key FROM queue WHERE shard IN ({marks}) ORDER BY shard, seq LIMIT ?"
