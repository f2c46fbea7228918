"""What people leaf through: the newest first, a page at a time, and counts of what waits. No read is longer than its page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select, text

from engine.core.event import Record
from engine.core.partition import SECTIONS
from engine.store import schema, statements
from engine.store.batch import LoadedPartition, Reject
from engine.store.database_outbox import _read as read_action
from engine.store.history import _decided as read_decision
from engine.store.history import _reject as read_reject
from engine.store.outbox import OutboxRow, Status
from engine.store.session import Session

_decisions = schema.decisions
_rejects = schema.rejects
_rows = schema.outbox
_partitions = schema.partitions

Decided = tuple[int, int, Record]
"""A decision: its place in the order of commits, the sequence of its event, and the record."""


class Revision(msgspec.Struct, frozen=True):
    """A pack revision, without its files. `at` is microseconds since the epoch."""

    revision: str
    name: str
    version: str
    at: int
    active: bool


class Listing:
    """Pages over one session. `before` is the place that a page ends before; None: the newest."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def newest_decisions(
        self,
        before: int | None,
        limit: int,
        kind: str | None = None,
        scope: str | None = None,
        key: str | None = None,
        name: str | None = None,
    ) -> list[Decided]:
        """Decisions, the newest first."""
        wanted = {"kind": kind, "scope": scope, "key": key, "name": name}
        query = select(_decisions).where(
            *(_decisions.c[one] == value for one, value in wanted.items() if value is not None)
        )
        return [(row.n, *read_decision(row)) for row in self._newest(query, _decisions.c.n, before, limit)]

    def records(self, ids: Sequence[str]) -> dict[str, Record]:
        """Decisions by their ids, as far as there are any."""
        with self._session.reading() as connection:
            rows = connection.execute(select(_decisions).where(_decisions.c.id.in_(ids))).all()
        return {row.id: read_decision(row)[1] for row in rows}

    def newest_rejects(self, before: int | None, limit: int, code: str | None = None) -> list[Reject]:
        """Rejects, the newest first."""
        query = select(_rejects) if code is None else select(_rejects).where(_rejects.c.code == code)
        return [read_reject(row) for row in self._newest(query, _rejects.c.n, before, limit)]

    def newest_actions(
        self, before: int | None, limit: int, status: Status | None = None
    ) -> list[tuple[int, OutboxRow]]:
        """Actions with their places, the newest first."""
        query = select(_rows) if status is None else select(_rows).where(_rows.c.status == status)
        return [(row.n, read_action(row._mapping)) for row in self._newest(query, _rows.c.n, before, limit)]

    def partitions_after(self, scope: str, key: str, limit: int) -> list[tuple[str, LoadedPartition]]:
        """Partitions of a scope with keys behind `key`, in the order of keys."""
        query = select(_partitions).where(_partitions.c.scope == scope, _partitions.c.key > key)
        with self._session.reading() as connection:
            rows = connection.execute(query.order_by(_partitions.c.key).limit(limit)).mappings().all()
        return [(row["key"], LoadedPartition(row["version"], row["seq"], _sections(row))) for row in rows]

    def positions(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """The sequences of the events with these (source, id), where they are in the log."""
        wanted, names = list(dict.fromkeys(pairs)), ("source", "id")
        with self._session.reading() as connection:
            rows = statements.among(connection, schema.events, "source, id, seq", names, wanted)
            return {(source, event): seq for source, event, seq in rows}

    def revisions(self) -> list[Revision]:
        """The pack revisions that were ever saved, the newest first."""
        packs, meta = schema.packs, schema.meta
        active = select(meta.c.value).where(meta.c.name == "active_pack").scalar_subquery()
        columns = (packs.c.revision, packs.c.name, packs.c.version, packs.c.at)
        query = select(*columns, (packs.c.revision == active).label("active")).order_by(
            packs.c.at.desc(), packs.c.revision
        )
        with self._session.reading() as connection:
            rows = connection.execute(query).all()
        return [Revision(row.revision, row.name, row.version, row.at, bool(row.active)) for row in rows]

    def actions_by_status(self) -> dict[str, int]:
        """How many actions are in each status."""
        query = select(_rows.c.status, func.count()).group_by(_rows.c.status)
        with self._session.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def decided_after(self, place: int) -> tuple[int, dict[str, int]]:
        """How many decisions of each kind lie behind a place in the order of commits, and the last place."""
        query = select(_decisions.c.kind, func.count(), func.max(_decisions.c.n)).where(_decisions.c.n > place)
        with self._session.reading() as connection:
            rows = connection.execute(query.group_by(_decisions.c.kind)).all()
        return max((row[2] for row in rows), default=place), {row[0]: row[1] for row in rows}

    def last_decision(self) -> int:
        """The place of the newest decision in the order of commits; 0: there is none."""
        with self._session.reading() as connection:
            return connection.scalar(select(func.coalesce(func.max(_decisions.c.n), 0))) or 0

    def oldest_waiting(self) -> int | None:
        """The sequence of the oldest event of which a delivery waits to be stepped."""
        with self._session.reading() as connection:
            found: int | None = connection.scalar(select(func.min(schema.queue.c.seq)))
        return found

    def ping(self) -> None:
        """Raises StoreError where the store cannot be read."""
        with self._session.reading() as connection:
            connection.execute(text("SELECT 1"))

    def _newest(self, query: Any, n: Any, before: int | None, limit: int) -> list[Any]:
        cut = query if before is None else query.where(n < before)
        with self._session.reading() as connection:
            return list(connection.execute(cut.order_by(n.desc()).limit(limit)))


def _sections(row: Any) -> dict[str, bytes]:
    return {name: row[name] for name in SECTIONS if row[name] is not None}
