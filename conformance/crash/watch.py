"""Watches what the dead have left: how long until another has done it. Reads the database by itself, and not through the engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

_OWNERS = "SELECT owner FROM shards WHERE token IS NOT NULL"
_SHARDS = """
SELECT s.shard, q.seq, q.scope, q.key FROM shards s
LEFT JOIN LATERAL (SELECT seq, scope, key FROM queue WHERE shard = s.shard ORDER BY seq LIMIT 1) q ON true
WHERE s.token IS NOT NULL AND s.owner LIKE %s
"""
_CLAIMED = "SELECT id, token FROM outbox WHERE status = 'claimed'"
_WAITS = "SELECT 1 FROM queue WHERE seq = %s AND scope = %s AND key = %s"
_OWNER = "SELECT owner FROM shards WHERE shard = %s"
_ACTION = "SELECT status, token FROM outbox WHERE id = %s"

_POLL = 0.2
"""Seconds between two looks, and so the precision of what is measured."""


@dataclass(slots=True, eq=False)
class Left:
    """What a dead process had claimed: the first `delivery` that waited in a shard of its own (sequence, scope, key), or an `action` (id,
    token). `waited` are seconds in which the database was there, until it was done or who took it over had died, too; the `story` says who
    had it when.
    """

    what: str
    delivery: tuple[int, str, str] | None = None
    action: tuple[str, str] | None = None
    shard: int = -1
    waited: float = 0.0
    story: list[str] = field(default_factory=list)

    def note(self, holder: str) -> None:
        """Note who holds it by now."""
        if not self.story or not self.story[-1].endswith(holder):
            self.story.append(f"{self.waited:.1f} s {holder}")


class Watch:
    """Between `start` and `stop`. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: list[Left] = []
        self.closed: list[Left] = []
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def longest(self, what: str) -> Left | None:
        """What has waited longest of a kind, `delivery` or `action`; None: there was none."""
        with self._lock:
            return max((one for one in self.closed + self._open if one.what == what), key=_waited, default=None)

    def holders(self) -> frozenset[int]:
        """The processes that hold claims to shards."""
        return frozenset(int(owner.rpartition(":")[2]) for (owner,) in self._ask(_OWNERS))

    def commits(self) -> int:
        """How often partitions have been stepped and committed."""
        return int(self._ask("SELECT coalesce(sum(version), 0) FROM partitions")[0][0])

    def buried(self, pid: int, tokens: Collection[str] | None) -> bool:
        """Watch what a process has left that is dead; answers whether it was holding a claim.

        `tokens` are the claims that it said it held; None: it said nothing, and every action that is claimed may be its own.
        """
        held = self._ask(_SHARDS, f"%:{pid}")
        actions = [row for row in self._ask(_CLAIMED) if tokens is None or row[1] in tokens]
        left = [Left("delivery", (seq, scope, key), shard=shard) for shard, seq, scope, key in held if seq is not None]
        again = {one.delivery for one in left}
        left += [Left("action", action=(action, token)) for action, token in actions]
        with self._lock:
            self.closed += [one for one in self._open if one.delivery in again]
            self._open = [one for one in self._open if one.delivery is None or one.delivery not in again] + left
        return bool(held or (tokens and actions))

    def _run(self) -> None:
        seen = time.monotonic()
        while not self._stopping.wait(_POLL):
            with suppress(psycopg.Error):  # where the database is down nobody could have gone on
                self._look(time.monotonic() - seen)
            seen = time.monotonic()

    def _look(self, elapsed: float) -> None:
        with self._lock:
            left = list(self._open)
        done = [one for one in left if self._is_done(one)]
        with self._lock:
            for one in self._open:
                one.waited += elapsed
            self.closed += [one for one in self._open if one in done]
            self._open = [one for one in self._open if one not in done]

    def _is_done(self, one: Left) -> bool:
        if one.delivery is not None:
            one.note(str(self._ask(_OWNER, one.shard)[0][0]))
            return not self._ask(_WAITS, *one.delivery)
        assert one.action is not None
        action, token = one.action
        status, holder = self._ask(_ACTION, action)[0]
        one.note(str(status))
        return not (status == "pending" or holder == token)

    def _ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._asking:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=5)
            try:
                return self._connection.execute(query, values or None).fetchall()
            except psycopg.Error:
                self._connection.close()
                raise


def _waited(one: Left) -> float:
    return one.waited
