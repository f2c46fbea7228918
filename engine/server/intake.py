"""What lies between HTTP and the log: something is submitted, and a receipt for each line of it comes back when it is durable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec

from engine.core.event import Event, Record
from engine.runtime.admission import Refusal
from engine.store import StoredKey

Kind = Literal["events", "entities"]


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a line. `seq` is where its event is in the log; `pointer` is the place of what was refused, as a JSON pointer.

    An accepted event may have a `code`, too: it is in the log, and workflows refuse it (a photo that was seen before).
    """

    status: Literal["accepted", "duplicate", "rejected"]
    event: str | None = None
    seq: int | None = None
    code: str | None = None
    reason: str | None = None
    pointer: str | None = None


@dataclass(eq=False, slots=True)
class Submission:
    """Lines that one caller sends at once. `replayed`: they were refused before, and whose they are was looked at then.

    `urgent`: somebody stands there and waits, so that no more company is waited for, and it is stepped at once if that can be; whoever
    submits it sees to its deliveries otherwise. `decided` are the pop-ups that were decided in its transaction, by their ids, and `event`
    is the one that was appended; they are there when the receipts are.
    """

    lines: Sequence[bytes]
    key: StoredKey
    received: int
    kind: Kind = "events"
    urgent: bool = False
    replayed: bool = False
    receipts: Future[list[Receipt]] = field(default_factory=Future)
    event: Event | None = None
    decided: Mapping[str, Record] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Served:
    """What became of submissions: their receipts, the shards that nobody sees to yet, how many deliveries were stepped at once, and
    whether actions were queued by that.
    """

    receipts: list[list[Receipt]]
    shards: frozenset[int]
    steps: int = 0
    acts: bool = False


class Intake(Protocol):
    """Takes submissions."""

    def submit(self, submission: Submission) -> Future[list[Receipt]]:
        """Take a submission; its receipts come when all of it is durable. Raises Problem `overloaded` or `stopping`."""
        ...


_PLACES = (
    re.compile(r"(?P<path>data(?:\.[^\s.:\[]+|\[\d+\])*)(?: is missing|:)"),
    re.compile(r"^(?P<path>id|source|time|at):"),
    re.compile(r"`\$\.?(?P<path>[^`]*)`$"),
    re.compile(r"missing required field `(?P<path>[^`]+)`$"),
)


def rejected(refusal: Refusal) -> Receipt:
    """The receipt of a refusal, with its place as far as its reason says it."""
    return Receipt("rejected", refusal.event, None, refusal.code, refusal.reason, pointer(refusal.code, refusal.reason))


def pointer(code: str, reason: str) -> str | None:
    """The place of what was refused, from the sentence that says why."""
    if code in _FIELDS:
        return _FIELDS[code]
    found = next((match for one in _PLACES if (match := one.search(reason)) is not None), None)
    if found is None:
        return None
    parts = re.split(r"[.\[\]]+", found["path"].strip("."))
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts if part)


_FIELDS = {
    "unknown_type": "/type",
    "reserved_type": "/type",
    "reserved_source": "/source",
    "foreign_source": "/source",
    "late": "/time",
    "future": "/time",
    "id_conflict": "/id",
}
