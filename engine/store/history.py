"""Reading the log back, for explanations, replays and people: in pages, so that no read holds the file for long."""
# ruff: noqa: D102 - the protocol says what these methods do

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Row, Select, select

from engine.core.codec import unpack
from engine.core.event import Event, Record
from engine.store import schema
from engine.store.batch import Parked, Reject
from engine.store.query import written
from engine.store.session import Session

PAGE = 1000
"""Rows to a read."""

_events = schema.events
_decisions = schema.decisions

_EVENT = written("SELECT body FROM events WHERE seq = ?")
_REFUSED = written("SELECT 1 FROM rejects WHERE id = ?")


class History:
    """What the log, the decisions and the rejects say."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def event(self, seq: int) -> Event | None:
        found = self._session.ask(_EVENT, (seq,))
        return unpack(found[0][0], Event) if found else None

    def events(
        self, after: int = 0, scope: str | None = None, key: str | None = None, limit: int | None = None
    ) -> Iterator[Event]:
        position = _events.c.seq
        query = select(position, _events.c.body)
        if scope is not None:
            reached = schema.deliveries
            position = reached.c.seq
            query = select(position, _events.c.body).join_from(reached, _events, reached.c.seq == _events.c.seq)
            query = query.where(reached.c.scope == scope, reached.c.key == key)
        for row in self._pages(lambda last: query.where(position > last).order_by(position), after, limit):
            yield unpack(row[1], Event)

    def decision(self, record: str) -> tuple[int, Record] | None:
        with self._session.reading() as connection:
            row = connection.execute(select(_decisions).where(_decisions.c.id == record)).first()
        return None if row is None else _decided(row)

    def decisions(
        self,
        kind: str | None = None,
        scope: str | None = None,
        key: str | None = None,
        name: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Iterator[tuple[int, Record]]:
        wanted = {"kind": kind, "scope": scope, "key": key, "name": name}
        query = select(_decisions)
        if after:
            query = query.where(_decisions.c.seq > after)
        for column, value in wanted.items():
            if value is not None:
                query = query.where(_decisions.c[column] == value)
        n = _decisions.c.n
        for row in self._pages(lambda last: query.where(n > last).order_by(n), 0, limit):
            yield _decided(row)

    def rejects(self, after: int = 0) -> Iterator[Reject]:
        n = schema.rejects.c.n
        for row in self._pages(lambda last: select(schema.rejects).where(n > last).order_by(n), after, None):
            yield _reject(row)

    def reject(self, reject: str) -> Reject | None:
        table = schema.rejects
        with self._session.reading() as connection:
            row = connection.execute(select(table).where(table.c.id == reject)).first()
        return None if row is None else _reject(row)

    def refused(self, reject: str) -> bool:
        return bool(self._session.ask(_REFUSED, (reject,)))

    def parked(self) -> Iterator[Parked]:
        table = schema.crashes
        with self._session.reading() as connection:
            rows = connection.execute(select(table).order_by(table.c.seq, table.c.scope, table.c.key)).all()
        for row in rows:
            yield Parked((row.seq, row.scope, row.key), row.event, row.claims, row.error, row.given_up)

    def _pages(self, page: Callable[[int], Select[Any]], after: int, limit: int | None) -> Iterator[Any]:
        last = after
        while limit is None or limit > 0:
            size = PAGE if limit is None else min(PAGE, limit)
            with self._session.reading() as connection:
                rows = connection.execute(page(last).limit(size)).all()
            yield from rows
            if len(rows) < size:
                return
            last = rows[-1][0]
            limit = None if limit is None else limit - size


def _reject(row: Row[Any]) -> Reject:
    return Reject(seq=row.n, **{name: row._mapping[name] for name in Reject.__struct_fields__[:-1]})


def _decided(row: Row[Any]) -> tuple[int, Record]:
    fields = unpack(row.body, dict[str, Any])
    return row.seq, Record(row.kind, row.id, row.at, row.event, row.scope, row.key, row.name, fields, row.revision)
