"""The outbox in the database: every move of a row is one short transaction, fenced by the claim's token."""
# ruff: noqa: D102 - the protocol says what these methods do

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, exists, func, or_, select, text

from engine.core.event import Action
from engine.errors import StoreError
from engine.store import schema, statements
from engine.store.outbox import Attempt, OutboxRow, Outcome, Status, Verdict, arrival, overtaken
from engine.store.session import Session
from engine.store.statements import Row

_rows = schema.outbox
_attempts = schema.attempts
_corrected = _rows.alias("corrected")
_correction = _rows.alias("correction")

_in_flight = exists().where(
    _corrected.c.dedupe_key == _rows.c.corrects, _corrected.c.status.in_(("pending", "claimed"))
)
_withdrawn = exists().where(_correction.c.corrects == _rows.c.dedupe_key)
_ready = and_(text(schema.PENDING), or_(_rows.c.corrects.is_(None), ~_in_flight))

_encode = msgspec.json.Encoder().encode


def enqueue(connection: Connection, actions: Sequence[Action]) -> None:
    """Queue actions inside a transaction; one whose dedupe key is known changes nothing."""
    plain = [action for action in actions if action.corrects is None]
    statements.INSERT_ACTION.many(connection, [_row(action, "pending") for action in plain])
    for action in actions:
        if action.corrects is not None:
            _correct(connection, action, action.corrects)


class DatabaseOutbox:
    """Outbox over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def due_actions(self, now: int, limit: int = 100) -> list[str]:
        query = select(_rows.c.id).where(_ready, _rows.c.not_before <= now)
        with self._session.reading() as connection:
            return list(connection.scalars(query.order_by(_rows.c.not_before, _rows.c.n).limit(limit)))

    def next_due(self) -> int | None:
        pending = select(func.min(_rows.c.not_before)).where(_ready)
        leases = select(func.min(_rows.c.lease_until)).where(text(schema.CLAIMED))
        with self._session.viewing() as connection:
            times = [connection.scalar(pending), connection.scalar(leases)]
        return min((time for time in times if time is not None), default=None)

    def under_way(self, until: int) -> int:
        due = select(func.count()).select_from(_rows).where(_ready, _rows.c.not_before <= until)
        claimed = select(func.count()).select_from(_rows).where(text(schema.CLAIMED))
        with self._session.viewing() as connection:
            return connection.scalars(due).one() + connection.scalars(claimed).one()

    def claim(self, action: str, now: int, lease: float, token: str) -> OutboxRow | None:
        update = (
            _rows.update()
            .where(_rows.c.id == action, _ready, _rows.c.not_before <= now)
            .values(status="claimed", token=token, lease_until=now + round(lease * 1_000_000))
        )
        with self._session.writing() as connection:
            return _find(connection, action) if connection.execute(update).rowcount else None

    def begin_attempt(self, action: str, n: int, token: str, started: int, request_hash: str) -> None:
        with self._session.writing() as connection:
            row = _held(connection, action, token)
            if n <= row.attempt:
                raise StoreError("duplicate_attempt", f"attempt {n} at action {action} was begun before")
            begun = {"token": token, "started": started, "request_hash": request_hash, "status": "begun"}
            connection.execute(_attempts.insert().values(action=action, n=n, **begun))
            _change(connection, action, attempt=n, tries=row.tries + 1)

    def finish_attempt(self, action: str, n: int, token: str, outcome: Outcome, verdict: Verdict) -> None:
        with self._session.writing() as connection:
            row = _held(connection, action, token)
            _settle(connection, row, n, outcome, verdict)

    def expire_leases(self, now: int, settle: Callable[[OutboxRow], Verdict]) -> list[str]:
        expired = select(_rows).where(text(schema.CLAIMED), _rows.c.lease_until <= now)
        if not self._select(expired.limit(1)):  # asked every second: it must not take the write lock for nothing
            return []
        with self._session.writing() as connection:
            query = expired.order_by(_rows.c.lease_until).with_for_update(skip_locked=True)
            found = [_read(row) for row in connection.execute(query).mappings()]
            for row in found:
                self._expire(connection, row, now, settle)
        return [row.action.id for row in found]

    def unreceipted(self, limit: int = 1000) -> list[OutboxRow]:
        return self._select(select(_rows).where(text(schema.UNRECEIPTED)).order_by(_rows.c.n).limit(limit))

    def action(self, action: str) -> OutboxRow | None:
        with self._session.reading() as connection:
            return _find(connection, action)

    def actions(self, status: Status | None = None) -> list[OutboxRow]:
        query = select(_rows).order_by(_rows.c.n)
        return self._select(query if status is None else query.where(_rows.c.status == status))

    def attempts(self, action: str) -> list[Attempt]:
        query = select(_attempts).where(_attempts.c.action == action).order_by(_attempts.c.n)
        with self._session.reading() as connection:
            return [Attempt(**{**row, "result": _value(row["result"])}) for row in connection.execute(query).mappings()]

    def replay_dead(self, action: str) -> bool:
        fresh = {"status": "pending", "not_before": 0, "tries": 0, "code": None, "reason": None, "receipted": False}
        update = _rows.update().where(_rows.c.id == action, _rows.c.status == "dead", ~_withdrawn).values(**fresh)
        with self._session.writing() as connection:
            # A correction that comes in now waits for this row; one that was faster is seen by the update.
            _find(connection, action, lock=True)
            return connection.execute(update).rowcount == 1

    def _expire(self, connection: Connection, row: OutboxRow, now: int, settle: Callable[[OutboxRow], Verdict]) -> None:
        begun = select(_attempts.c.status).where(_attempts.c.action == row.action.id, _attempts.c.n == row.attempt)
        if connection.scalar(begun) == "begun":
            lost = Outcome("unknown", now, "unknown", "outcome_unknown", "the worker was lost during the call")
            _settle(connection, row, row.attempt, lost, settle(row))
        else:
            status = _overtaken(connection, row, "pending", row.doubtful)
            _change(connection, row.action.id, status=status, token=None, lease_until=None)

    def _select(self, query: Any) -> list[OutboxRow]:
        with self._session.reading() as connection:
            return [_read(row) for row in connection.execute(query).mappings()]


def _correct(connection: Connection, action: Action, corrects: str) -> None:
    query = select(_rows).where(_rows.c.dedupe_key == corrects).with_for_update()
    found = connection.execute(query).mappings().first()
    status, cancels = arrival(_read(found) if found is not None else None)
    if statements.INSERT_ACTION.many(connection, [_row(action, status)]) and cancels and found is not None:
        _change(connection, found["id"], status="cancelled")


def _settle(connection: Connection, row: OutboxRow, n: int, outcome: Outcome, verdict: Verdict) -> None:
    action = row.action
    doubtful = row.doubtful or outcome.status == "unknown"
    status = _overtaken(connection, row, verdict.status, doubtful)
    ended = msgspec.structs.asdict(outcome) | {"result": _text(outcome.result)}
    connection.execute(_attempts.update().where(_attempts.c.action == action.id, _attempts.c.n == n).values(**ended))
    _change(
        connection,
        action.id,
        status=status,
        not_before=verdict.not_before,
        tries=verdict.tries,
        token=None,
        lease_until=None,
        doubtful=doubtful,
        result=ended["result"],
        code=outcome.code,
        reason=outcome.reason,
    )


def _overtaken(connection: Connection, row: OutboxRow, status: Status, doubtful: bool) -> Status:
    """What becomes of an action nobody holds any more, which would be `status`, where corrections wait for it; they are settled."""
    waiting = select(_rows.c.id).where(_rows.c.corrects == row.action.dedupe_key, _rows.c.status == "pending")
    waiting = waiting.with_for_update()
    found = status
    for correction in connection.scalars(waiting).all():
        found, follows = overtaken(status, doubtful)
        _change(connection, correction, status=follows)
    return found


def _held(connection: Connection, action: str, token: str) -> OutboxRow:
    row = _find(connection, action, lock=True)
    if row is None or row.status != "claimed" or row.token != token:
        raise StoreError("lease_lost", f"action {action} is not claimed by this worker any more")
    return row


def _find(connection: Connection, action: str, *, lock: bool = False) -> OutboxRow | None:
    query = select(_rows).where(_rows.c.id == action)
    found = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if found is None else _read(found)


def _change(connection: Connection, action: str, **values: Any) -> None:
    connection.execute(_rows.update().where(_rows.c.id == action).values(**values))


def _row(action: Action, status: Status) -> Row:
    row: dict[str, Any] = msgspec.structs.asdict(action) | {
        "content": _text({} if action.content is None else action.content),
        "attach": _text(action.attach),
        "status": status,
        "not_before": 0,
        "tries": 0,
        "attempt": 0,
        "doubtful": False,
        "receipted": False,
    }
    return tuple([row.get(name) for name in statements.INSERT_ACTION.names])


def _read(row: Mapping[Any, Any]) -> OutboxRow:
    named = {name: row[name] for name in Action.__struct_fields__}
    action = Action(**{**named, "content": _value(row["content"]), "attach": _value(row["attach"])})
    rest = {name: row[name] for name in OutboxRow.__struct_fields__ if name not in ("action", "result")}
    return OutboxRow(action=action, result=_value(row["result"]), **rest)


def _text(value: object) -> str | None:
    return None if value is None else _encode(value).decode()


def _value(json: str | None) -> Any:
    return None if json is None else msgspec.json.decode(json)
