"""The head of a log that others step: events are appended with their deliveries, and wait there.

Several processes may have one. Everything is done under the log's lock, on top of what the others have appended since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.core.event import Record
from engine.core.program import Program
from engine.runtime.firing import Firings, first_number
from engine.runtime.head import SOURCE, Head, OvertakenError
from engine.runtime.shard import shard_of
from engine.runtime.timeline import Timeline, Timer
from engine.runtime.visible import Followed
from engine.store.batch import Batch
from engine.store.protocol import Shared

TIMERS = 2_000
"""Deadlines that fire in one transaction, at most."""


class Gate(Head):
    """Appends to a log. `activation` is the one by which its program decides. Not safe to share between threads."""

    def __init__(self, program: Program, store: Shared) -> None:
        super().__init__(program, store, Followed())
        self.shared = store
        latest = store.last_activation()
        self.activation = latest if latest is not None and latest.revision == program.revision else None
        self._firings = Firings(None, lambda number: self._identity((SOURCE, number)) is not None, shared=True)
        self._absent: set[tuple[str, str]] = set()

    def through(self, work: Callable[[], None]) -> tuple[list[Record], frozenset[int]]:
        """Do something with the head and commit it; answers the records, and the shards in which deliveries wait now.

        Where it fails nothing of it has happened. Raises `OvertakenError` where another program is active by now.
        """
        try:
            self._write(work)
        except BaseException:
            self._forget()
            self.entities = Followed()
            raise
        shards = frozenset(queued[0] for queued in self.batch.queued)
        records = self.taken()
        self._forget()
        return records, shards

    def fire(self, until: int, *, limit: int = TIMERS) -> tuple[int, frozenset[int]]:
        """Let deadlines fire that are due up to an instant, `limit` of them at most; answers how many did, and the shards that wait."""
        if not self.shared.due_timers(until, 1):
            return 0, frozenset()
        count = 0

        def work() -> None:
            nonlocal count
            count = self.expect(until, limit=limit)
            self.run_timers(until, inclusive=True)

        _, shards = self.through(work)
        return count, shards

    def expect(self, until: int, *, limit: int = TIMERS) -> int:
        """Have the deadlines up to an instant ready, which fire before the events that come after them; answers how many there are."""
        due = self.shared.due_timers(until, limit)
        self.timeline = Timeline(due)
        self.ask([(SOURCE, first_number(at, (scope, key, name))) for at, scope, key, name in due])
        return len(due)

    def ask(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Look up identities in the log ahead of their events, all at once."""
        self.known(pairs)
        self._absent.update(pair for pair in pairs if pair not in self._seen)

    def _write(self, work: Callable[[], None]) -> None:
        self.shared.append(lambda: self._made(work))

    def _made(self, work: Callable[[], None]) -> Batch:
        self._catch_up()
        work()
        return self.batch

    def _catch_up(self) -> None:
        if self.shared.activated() != (self.activation.seq if self.activation is not None else 0):
            raise OvertakenError
        assert isinstance(self.entities, Followed)
        self.entities.follow(self.store)
        self.seq, self.now = self.store.head()

    def _identity(self, pair: tuple[str, str]) -> bytes | None:
        held = self._seen.get(pair)
        return None if held is None and pair in self._absent else held or super()._identity(pair)

    def _settle(self) -> None:
        while self._queue:
            event = self._queue.popleft()
            scopes = self._routes[event.type].scopes
            self.batch.queued += [(shard_of(*where), *where, event.seq) for where in event.keys if where[0] in scopes]

    def _fired(self, timer: Timer, due: int) -> None:
        self.batch.fired.append((self.seq + 1, *timer, due))

    def _forget(self) -> None:
        """Hold nothing of a transaction: others go on from there."""
        self.batch, self.out, self.timeline = Batch(), [], Timeline()
        self._queue.clear()
        for remembered in (self._seen, self._uniques, self._refused, self._absent):
            remembered.clear()
