"""Queued actions and their attempts: the values, and the pure decisions that both stores share.

A row goes pending → claimed → sent | dead | unknown, back to pending for another try, or to cancelled when what it
says was retracted before anybody was told. A row that has a correction was withdrawn: nothing
makes it pending again. Times are wall-clock microseconds since the epoch, but for an action's `at`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from engine.core.event import Action

Status = Literal["pending", "claimed", "sent", "unknown", "dead", "cancelled"]
FINISHED: frozenset[Status] = frozenset({"sent", "unknown", "dead"})
"""States of a row that the log has to hear about."""


class OutboxRow(msgspec.Struct, frozen=True):
    """An action and how far it got.

    `tries` counts the attempts that burn the channel's limit, `attempt` is the number of the last one begun (0: none).
    `doubtful`: an earlier attempt's outcome is not known. `token` fences the claim and runs out at `lease_until`.
    """

    action: Action
    status: Status = "pending"
    not_before: int = 0
    tries: int = 0
    attempt: int = 0
    lease_until: int | None = None
    token: str | None = None
    doubtful: bool = False
    result: Mapping[str, Any] | None = None
    code: str | None = None
    reason: str | None = None
    receipted: bool = False


class Attempt(msgspec.Struct, frozen=True):
    """One call. `status` is `begun` until it is known; `unknown` when its lease ran out or nobody can tell."""

    action: str
    n: int
    token: str
    started: int
    request_hash: str
    status: Literal["begun", "sent", "failed", "unknown"] = "begun"
    finished: int | None = None
    error_class: str | None = None
    code: str | None = None
    reason: str | None = None
    result: Mapping[str, Any] | None = None


class Outcome(msgspec.Struct, frozen=True):
    """How an attempt ended, at `finished`."""

    status: Literal["sent", "failed", "unknown"]
    finished: int
    error_class: str | None = None
    code: str | None = None
    reason: str | None = None
    result: Mapping[str, Any] | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of the row: its next status, when it may be tried again, and how many tries count as burnt."""

    status: Literal["sent", "pending", "dead", "unknown"]
    not_before: int
    tries: int


def arrival(corrected: OutboxRow | None) -> tuple[Status, bool]:
    """For a correction that arrives: its own status, and whether the row it corrects is cancelled.

    Nobody is told of a mistake that they never saw: while the corrected action is pending it is cancelled, and the
    correction with it, unless an attempt of unknown outcome may have told them. A row that is not known (any more)
    may have been sent.
    """
    if corrected is None:
        return "pending", False
    if corrected.status == "pending":
        return ("pending" if corrected.doubtful else "cancelled"), True
    silent = corrected.status in ("dead", "cancelled") and not corrected.doubtful
    return ("cancelled" if silent else "pending"), False


def overtaken(status: Status, doubtful: bool) -> tuple[Status, Status]:
    """For an action that is let go while a correction waits for it: its status, which would be `status`, and the correction's.

    It is not tried again, and the correction goes out only if somebody was, or may have been, told.
    """
    told = doubtful or status in ("sent", "unknown")
    return ("cancelled" if status == "pending" else status), ("pending" if told else "cancelled")
