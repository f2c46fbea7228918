"""What the runtime and the workers ask of a store. Both implementations are safe to share between threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from engine.core.event import Event, Publication, Record
from engine.store.batch import (
    Activation,
    Batch,
    Coming,
    Delivery,
    Key,
    Lease,
    LoadedPartition,
    Member,
    Parked,
    Reject,
    SavedPack,
    StoredEntity,
)
from engine.store.outbox import Attempt, OutboxRow, Outcome, Status, Verdict


class Outbox(Protocol):
    """Queued actions and their attempts. `now` is wall-clock time in microseconds, given by the caller."""

    def due_actions(self, now: int, limit: int = 100) -> list[str]:
        """Ids of pending actions that may be tried at `now`, oldest first; a correction waits for what it corrects."""
        ...

    def next_due(self) -> int | None:
        """When the next pending action may be tried or the next lease runs out; None: nothing is under way."""
        ...

    def under_way(self, until: int) -> int:
        """How many actions are claimed, or pending and may be tried by `until`."""
        ...

    def claim(self, action: str, now: int, lease: float, token: str) -> OutboxRow | None:
        """Take a due action for `lease` seconds; None when it is not due or somebody else has it."""
        ...

    def begin_attempt(self, action: str, n: int, token: str, started: int, request_hash: str) -> None:
        """Note, before the call, that attempt `n` is made; it burns a try.

        Raises StoreError `lease_lost` when the claim is not `token`'s any more, `duplicate_attempt` when `n` was begun.
        """
        ...

    def finish_attempt(self, action: str, n: int, token: str, outcome: Outcome, verdict: Verdict) -> None:
        """Note how attempt `n` ended and what becomes of the action, in one commit. Raises StoreError `lease_lost`."""
        ...

    def expire_leases(self, now: int, settle: Callable[[OutboxRow], Verdict]) -> list[str]:
        """Take back the claims that ran out; returns their ids.

        A claim without an attempt becomes pending, or is cancelled where a correction waits. An attempt that was begun becomes
        `unknown`, and `settle` says what becomes of its action.
        """
        ...

    def unreceipted(self, limit: int = 1000) -> list[OutboxRow]:
        """Finished actions (sent, dead, unknown) whose receipt event is not in the log yet, oldest first."""
        ...

    def action(self, action: str) -> OutboxRow | None:
        """One action by its id."""
        ...

    def actions(self, status: Status | None = None) -> list[OutboxRow]:
        """All actions, or those in one status, oldest first."""
        ...

    def attempts(self, action: str) -> list[Attempt]:
        """The attempts at an action, first to last."""
        ...

    def replay_dead(self, action: str) -> bool:
        """Make a dead action pending again, with all its tries; False when it is not dead, or was withdrawn since."""
        ...


class Store(Outbox, Protocol):
    """The log, the partitions, and everything that is decided. One transaction writes all of a `Batch`."""

    durable: bool
    """Whether anything outlives the process. When False, partitions need no sections: nobody will load them."""

    def clock(self) -> int | None:
        """The virtual time of the last commit that set it."""
        ...

    def sequence(self) -> int:
        """The sequence of the last event in the log; 0: it is empty."""
        ...

    def head(self) -> tuple[int, int | None]:
        """The sequence of the last event and the virtual time, as of one moment."""
        ...

    def save_pack(
        self,
        revision: str,
        name: str,
        version: str,
        files: Mapping[str, bytes],
        params: Mapping[str, Any],
        at: int,
    ) -> None:
        """Keep a revision and make it the active one; a known revision is only made active."""
        ...

    def keep_pack(self, pack: SavedPack) -> None:
        """Keep a revision beside the active one; a known revision stays as it was kept first."""
        ...

    def active_pack(self) -> SavedPack | None:
        """The revision that was saved or activated last."""
        ...

    def pack(self, revision: str) -> SavedPack | None:
        """A revision that is kept."""
        ...

    def packs(self) -> Iterator[SavedPack]:
        """Every revision that is kept, by the time at which it was."""
        ...

    def activations(self, after: int = 0) -> list[Activation]:
        """Which revisions were activated above a sequence, in the order of the log. Before the first its `previous` one decided."""
        ...

    def last_activation(self) -> Activation | None:
        """The latest of them."""
        ...

    def identities(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """The digests of the events with these (source, id), where they are in the log."""
        ...

    def uniques(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The ids of the events that took these (code, value), where they are taken."""
        ...

    def partitions(self, keys: Iterable[Key]) -> dict[Key, LoadedPartition]:
        """The partitions that exist among `keys`."""
        ...

    def workflows(self) -> Iterator[bytes]:
        """The section `workflows` of every partition that has one."""
        ...

    def timers(self) -> Iterator[tuple[int, str, str, str]]:
        """All pending timers as (due, scope, key, name), by due time."""
        ...

    def entities(self, after: int = -1) -> Iterator[StoredEntity]:
        """The versions of all entities that were put at a sequence above `after`, in the order in which they were put."""
        ...

    def published(self) -> Iterator[Publication]:
        """What partitions made readable to others, the latest value of each."""
        ...

    def commit(self, batch: Batch, *, ahead: bool = False) -> None:
        """Write all of `batch`, or nothing. With `ahead` it is durable once `settle`, or whatever writes next, has returned.

        Raises StoreError: `version_conflict` (a partition was stepped by somebody else), `sequence_conflict` (the log
        went on meanwhile), `clock_conflict` (time passed beyond the batch's), `duplicate_event`, `duplicate_decision`,
        `unique_taken`, `store_busy`, `store_full`, `store_failed`.
        """
        ...

    def settle(self) -> None:
        """Wait until the batch that was committed `ahead` is durable. Raises StoreError when it is not: nothing of it was written."""
        ...

    def event(self, seq: int) -> Event | None:
        """The event at `seq` of the log."""
        ...

    def events(
        self, after: int = 0, scope: str | None = None, key: str | None = None, limit: int | None = None
    ) -> Iterator[Event]:
        """Events with a sequence above `after` in log order.

        With `scope` and `key`, which go together, those delivered to that partition.
        """
        ...

    def decision(self, record: str) -> tuple[int, Record] | None:
        """A record by its id, with the sequence of the event that it was decided at."""
        ...

    def decisions(
        self,
        kind: str | None = None,
        scope: str | None = None,
        key: str | None = None,
        name: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Iterator[tuple[int, Record]]:
        """Records decided at a sequence above `after`, in the order of their commits."""
        ...

    def rejects(self, after: int = 0) -> Iterator[Reject]:
        """What was refused, with a `seq` above `after`."""
        ...

    def reject(self, reject: str) -> Reject | None:
        """What was refused under this id."""
        ...

    def refused(self, reject: str) -> bool:
        """Whether a reject of this id is kept already."""
        ...

    def park(self, delivery: Delivery, event: str, error: str) -> int:
        """Count, in a commit of its own, that the step of `delivery` crashed; returns how often it has.

        `event` is the id of its event: where another one took the sequence meanwhile, it is counted from one again.
        """
        ...

    def parked(self) -> Iterator[Parked]:
        """Deliveries whose step crashed, given up or not."""
        ...

    def waits(self) -> bool:
        """Whether deliveries wait for others to step them."""
        ...

    def close(self) -> None:
        """Give everything back. May be called twice."""
        ...


class Shared(Store, Protocol):
    """A store that several processes work on: some append, others step what waits."""

    def append(self, work: Callable[[], Batch]) -> None:
        """Write what `work` makes, all of it or nothing; nobody else appends meanwhile. What it reads is what was committed before."""
        ...

    def append_stepped(self, shards: Collection[int], work: Callable[[frozenset[int]], Batch]) -> None:
        """As `append`. `work` is given those of the shards that are free, and stay so until the end: nobody has a claim to them, nobody
        was lost with one, and nothing waits in them.
        """
        ...

    def found(self, shards: Collection[int]) -> None:
        """See to it that shards are known. Only known ones are ever free."""
        ...

    def waiting(self, shards: Collection[int], limit: int) -> list[Delivery]:
        """Deliveries of shards that wait to be stepped, in the order of the log. Of a shard they are always the first that wait."""
        ...

    def backlog(self) -> dict[int, int]:
        """How many deliveries wait, by their shards."""
        ...

    def lease(
        self, shards: Collection[int], owner: str, token: str, now: int, until: int, suspects: int
    ) -> list[Lease]:
        """Claim shards until an instant of the wall clock, in one transaction; answers the claims to those that nobody else has.

        Where the one who had a shard was lost with it, those that wait, `suspects` at most, are to be tried before they are stepped.
        """
        ...

    def release(self, leases: Sequence[Lease]) -> None:
        """Give shards back; nothing happens where the claim is lost."""
        ...

    def lost(self, now: int) -> list[int]:
        """Shards whose claim has run out without being given back: whoever had it is lost, or hangs."""
        ...

    def holders(self) -> list[str]:
        """The owners of shards that are claimed, be it that they are gone."""
        ...

    def due_timers(self, before: int, limit: int) -> list[tuple[int, str, str, str]]:
        """Deadlines due up to an instant, of which no firing is on its way, as (due, scope, key, name).

        They are in the order in which they fire: by due time, of one instant by whose they are (`OWNERS`), then by partition and name.
        """
        ...

    def set_timers(self, timers: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
        """When these deadlines are due, as far as they are set."""
        ...

    def events_at(self, sequences: Iterable[int]) -> dict[int, Event]:
        """Events by their sequences."""
        ...

    def activated(self) -> int:
        """The sequence of the last activation; 0: there was none."""
        ...

    def announce(self, revision: str, pinned: tuple[tuple[str, str, str], ...]) -> None:
        """Say which revision is to be activated next, so that processes make it ready."""
        ...

    def coming(self) -> Coming | None:
        """The revision that was announced last."""
        ...

    def report(self, member: Member) -> None:
        """Say that a process is there."""
        ...

    def forget(self, owner: str) -> None:
        """Say that a process is no more."""
        ...

    def members(self, since: int) -> list[Member]:
        """The processes that were heard of since an instant of the wall clock, by their names."""
        ...
