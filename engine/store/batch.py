"""What one transaction writes, and what is read back: plain slotted values. Times are microseconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.core.event import Action, Event, Publication, Record
from engine.core.partition import SECTIONS

Key = tuple[str, str]
"""A partition: (scope, key)."""

Delivery = tuple[int, str, str]
"""One event on its way to one partition: (sequence, scope, key)."""

OWNERS = ("entity", "workflow", "window", "rules", "alert")
"""Whose deadlines fire first, of those of one instant: each of them reads what the ones before it have changed."""

LINE_LIMIT = 4096
"""Bytes of a refused line that are kept."""


class Logged(msgspec.Struct, eq=False):
    """An event to append; its `seq` is the next one of the log. `digest` is 16 bytes of its content.

    `deliveries` None: the partitions are `event.keys`.
    """

    event: Event
    digest: bytes
    deliveries: tuple[Key, ...] | None = None


class SavedPartition(msgspec.Struct, eq=False):
    """A stepped partition. `version` is the one that was loaded (0: new) and is one greater after the commit.

    `seq` is the last sequence applied; `sections` holds those that changed only, by a name of `SECTIONS`.
    """

    scope: str
    key: str
    version: int
    seq: int
    sections: Mapping[str, bytes] = {}


class LoadedPartition(msgspec.Struct, eq=False):
    """A partition as committed. A section that was never saved is absent."""

    version: int
    seq: int
    sections: dict[str, bytes]


class StoredEntity(msgspec.Struct, eq=False):
    """A version of an entity: what was known of it from `at` on, put at `seq` of the log (0: before the log)."""

    entity: str
    key: str
    at: int
    seq: int
    data: dict[str, Any]


class Reject(msgspec.Struct, eq=False):
    """Something that was refused, with its reason. `line` is what came in, cut at `LINE_LIMIT` by the store, from `place` (file:line).

    `seq` counts rejects from 1 and is given by the store; a second reject of the same `id` is not kept.
    """

    id: str
    at: int | None
    source: str | None
    event: str | None
    code: str
    reason: str
    line: bytes
    place: str | None = None
    seq: int = 0


class Parked(msgspec.Struct, frozen=True):
    """A delivery of the event with this id whose step crashed `claims` times. `given_up`: its partition has gone on without it."""

    delivery: Delivery
    event: str
    claims: int
    error: str
    given_up: bool


class SavedPack(msgspec.Struct, frozen=True):
    """A pack revision: its files by path, its params, and when it was saved."""

    revision: str
    name: str
    version: str
    files: dict[str, bytes]
    params: dict[str, Any]
    at: int


class Activation(msgspec.Struct, frozen=True):
    """A revision that decides every event after `seq` of the log, and the one that decided those before.

    `at` is virtual time, `when` the wall clock's; `by` is who activated it; `tests` is how many of the pack's own tests passed, None:
    they were not run. `begun` says since when a metric of this name has been counted as it is; the others always were. `pinned` are
    the machines of earlier revisions that instances still need: (workflow, form, revision).
    """

    seq: int
    revision: str
    previous: str
    at: int
    when: int
    by: str
    note: str = ""
    tests: int | None = None
    begun: dict[str, int] = {}
    pinned: tuple[tuple[str, str, str], ...] = ()


class Coming(msgspec.Struct, frozen=True):
    """A revision that is to be activated next, with the machines of earlier ones that its program holds."""

    revision: str
    pinned: tuple[tuple[str, str, str], ...]


class Member(msgspec.Struct, frozen=True):
    """A process that works on a store. `revision` is the one by which it decides, `ready` the next one that it has looked at, and
    `failure` why it could not make that ready. `seen` is in microseconds of the wall clock.
    """

    owner: str
    kind: str
    seen: int
    revision: str
    ready: str
    failure: str | None


class Lease(msgspec.Struct, frozen=True):
    """A worker's claim to step a shard's deliveries, until an instant of the wall clock. `token` is its secret; shards that are claimed
    together share it.

    `suspects` is how many deliveries have to be tried before they are stepped, because a worker may have been lost at one of them.
    """

    shard: int
    token: str
    until: int
    suspects: int = 0


class Standing(msgspec.Struct, frozen=True):
    """How far a log has come: the sequence of its last event, its virtual time, and the sequences of the last activation (0: none) and
    of the last version of an entity (-1: none).
    """

    seq: int
    clock: int | None
    activated: int
    put: int


class Batch(msgspec.Struct, eq=False):
    """Everything that one transaction writes, all or nothing.

    `timers` maps (scope, key, name) to its due time, or None: cancelled. `records` are (sequence, record).
    `uniques` are (code, value, event id) taken by events of this batch. `clock` is the virtual time afterwards;
    None: as it was. `receipted` are the actions whose receipt events are in this batch; `crashed` are deliveries
    that are given up with it; `activated` are revisions, which have to be kept already, that decide what comes after them. `base` is
    the sequence after which the log of a fork begins.

    Where others step what is appended: `queued` are (shard, scope, key, sequence) for them, `fired` are deadlines whose firing is
    appended, as (sequence, scope, key, name, due), and one that was moved meanwhile stays set; `drained` are deliveries that are
    stepped, `survived` those that were suspected to kill their worker and did not. `leases` and `returned` are the claims to shards under
    which it was done: they must still hold. The former are prolonged, the latter given back.
    """

    logged: list[Logged] = msgspec.field(default_factory=list)
    partitions: list[SavedPartition] = msgspec.field(default_factory=list)
    timers: dict[tuple[str, str, str], int | None] = msgspec.field(default_factory=dict)
    records: list[tuple[int, Record]] = msgspec.field(default_factory=list)
    actions: list[Action] = msgspec.field(default_factory=list)
    rejects: list[Reject] = msgspec.field(default_factory=list)
    entities: list[StoredEntity] = msgspec.field(default_factory=list)
    uniques: list[tuple[str, str, str]] = msgspec.field(default_factory=list)
    published: list[Publication] = msgspec.field(default_factory=list)
    clock: int | None = None
    receipted: list[str] = msgspec.field(default_factory=list)
    crashed: list[Delivery] = msgspec.field(default_factory=list)
    activated: list[Activation] = msgspec.field(default_factory=list)
    base: int = 0
    queued: list[tuple[int, str, str, int]] = msgspec.field(default_factory=list)
    fired: list[tuple[int, str, str, str, int]] = msgspec.field(default_factory=list)
    drained: list[Delivery] = msgspec.field(default_factory=list)
    survived: list[Delivery] = msgspec.field(default_factory=list)
    leases: list[Lease] = msgspec.field(default_factory=list)
    returned: list[Lease] = msgspec.field(default_factory=list)


__all__ = [
    "LINE_LIMIT",
    "OWNERS",
    "SECTIONS",
    "Activation",
    "Batch",
    "Coming",
    "Delivery",
    "Key",
    "Lease",
    "LoadedPartition",
    "Logged",
    "Member",
    "Parked",
    "Reject",
    "SavedPack",
    "SavedPartition",
    "Standing",
    "StoredEntity",
]
