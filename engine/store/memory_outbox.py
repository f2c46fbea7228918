"""The outbox as a dictionary: the same moves as in the database, for one process."""
# ruff: noqa: D102 - the protocol says what these methods do

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from engine.core.event import Action
from engine.errors import StoreError
from engine.store.outbox import FINISHED, Attempt, OutboxRow, Outcome, Status, Verdict, arrival, overtaken


class MemoryOutbox:
    """Outbox over dictionaries; rows are immutable values that are replaced."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._rows: dict[str, OutboxRow] = {}
        self._by_dedupe: dict[str, str] = {}
        self._attempts: dict[str, list[Attempt]] = {}

    def due_actions(self, now: int, limit: int = 100) -> list[str]:
        with self._lock:
            due = [row for row in self._rows.values() if self._ready(row) and row.not_before <= now]
        return [row.action.id for row in sorted(due, key=_not_before)[:limit]]

    def next_due(self) -> int | None:
        with self._lock:
            times = [row.not_before for row in self._rows.values() if self._ready(row)]
            leases = [row.lease_until for row in self._rows.values() if row.lease_until is not None]
        return min(times + leases, default=None)

    def under_way(self, until: int) -> int:
        with self._lock:
            rows = self._rows.values()
            return sum(row.status == "claimed" or (self._ready(row) and row.not_before <= until) for row in rows)

    def claim(self, action: str, now: int, lease: float, token: str) -> OutboxRow | None:
        with self._lock:
            row = self._rows.get(action)
            if row is None or not self._ready(row) or row.not_before > now:
                return None
            return self._change(row, status="claimed", token=token, lease_until=now + round(lease * 1_000_000))

    def begin_attempt(self, action: str, n: int, token: str, started: int, request_hash: str) -> None:
        with self._lock:
            row = self._held(action, token)
            if n <= row.attempt:
                raise StoreError("duplicate_attempt", f"attempt {n} at action {action} was begun before")
            self._attempts.setdefault(action, []).append(Attempt(action, n, token, started, request_hash))
            self._change(row, attempt=n, tries=row.tries + 1)

    def finish_attempt(self, action: str, n: int, token: str, outcome: Outcome, verdict: Verdict) -> None:
        with self._lock:
            self._settle(self._held(action, token), n, outcome, verdict)

    def expire_leases(self, now: int, settle: Callable[[OutboxRow], Verdict]) -> list[str]:
        with self._lock:
            expired = [row for row in self._rows.values() if row.lease_until is not None and row.lease_until <= now]
            for row in expired:
                self._expire(row, now, settle)
        return [row.action.id for row in expired]

    def unreceipted(self, limit: int = 1000) -> list[OutboxRow]:
        with self._lock:
            rows = [row for row in self._rows.values() if row.status in FINISHED and not row.receipted]
        return rows[:limit]

    def action(self, action: str) -> OutboxRow | None:
        return self._rows.get(action)

    def actions(self, status: Status | None = None) -> list[OutboxRow]:
        with self._lock:
            return [row for row in self._rows.values() if status is None or row.status == status]

    def attempts(self, action: str) -> list[Attempt]:
        with self._lock:
            return list(self._attempts.get(action, ()))

    def replay_dead(self, action: str) -> bool:
        with self._lock:
            row = self._rows.get(action)
            if row is None or row.status != "dead" or self._withdrawn(row):
                return False
            self._change(row, status="pending", not_before=0, tries=0, code=None, reason=None, receipted=False)
            return True

    def _enqueue(self, action: Action) -> None:
        if action.dedupe_key in self._by_dedupe or action.id in self._rows:
            return
        status: Status = "pending"
        if action.corrects is not None:
            corrected = self._rows.get(self._by_dedupe.get(action.corrects, ""))
            status, cancels = arrival(corrected)
            if cancels and corrected is not None:
                self._change(corrected, status="cancelled")
        content = {} if action.content is None else msgspec.to_builtins(action.content)
        kept = msgspec.structs.replace(action, content=content, attach=msgspec.to_builtins(action.attach))
        self._rows[action.id] = OutboxRow(kept, status)
        self._by_dedupe[action.dedupe_key] = action.id

    def _receipt(self, action: str) -> None:
        row = self._rows.get(action)
        if row is not None:
            self._change(row, receipted=True)

    def _ready(self, row: OutboxRow) -> bool:
        if row.status != "pending":
            return False
        corrected = self._rows.get(self._by_dedupe.get(row.action.corrects or "", ""))
        return corrected is None or corrected.status not in ("pending", "claimed")

    def _held(self, action: str, token: str) -> OutboxRow:
        row = self._rows.get(action)
        if row is None or row.status != "claimed" or row.token != token:
            raise StoreError("lease_lost", f"action {action} is not claimed by this worker any more")
        return row

    def _expire(self, row: OutboxRow, now: int, settle: Callable[[OutboxRow], Verdict]) -> None:
        made = self._attempts.get(row.action.id)
        if made and made[-1].status == "begun":
            lost = Outcome("unknown", now, "unknown", "outcome_unknown", "the worker was lost during the call")
            self._settle(row, row.attempt, lost, settle(row))
        else:
            status = self._overtaken(row, "pending", row.doubtful)
            self._change(row, status=status, token=None, lease_until=None)

    def _settle(self, row: OutboxRow, n: int, outcome: Outcome, verdict: Verdict) -> None:
        doubtful = row.doubtful or outcome.status == "unknown"
        status = self._overtaken(row, verdict.status, doubtful)
        made = self._attempts[row.action.id]
        made[n - 1] = msgspec.structs.replace(made[n - 1], **msgspec.structs.asdict(outcome))
        self._change(
            row,
            status=status,
            not_before=verdict.not_before,
            tries=verdict.tries,
            token=None,
            lease_until=None,
            doubtful=doubtful,
            result=outcome.result,
            code=outcome.code,
            reason=outcome.reason,
        )

    def _overtaken(self, row: OutboxRow, status: Status, doubtful: bool) -> Status:
        found = status
        for correction in self._waiting(row.action.dedupe_key):
            found, follows = overtaken(status, doubtful)
            self._change(correction, status=follows)
        return found

    def _withdrawn(self, row: OutboxRow) -> bool:
        return any(other.action.corrects == row.action.dedupe_key for other in self._rows.values())

    def _waiting(self, dedupe_key: str) -> list[OutboxRow]:
        return [r for r in self._rows.values() if r.action.corrects == dedupe_key and r.status == "pending"]

    def _change(self, row: OutboxRow, **values: Any) -> OutboxRow:
        changed = msgspec.structs.replace(row, **values)
        self._rows[row.action.id] = changed
        return changed


def _not_before(row: OutboxRow) -> int:
    return row.not_before
