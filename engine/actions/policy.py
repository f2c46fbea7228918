"""What comes after an attempt: pure decisions from the error class, the tries so far, and the channel. Spans are seconds."""

from __future__ import annotations

import hashlib

from connectors.protocol import ConnectorError, ErrorClass
from engine.core.program import Channel
from engine.store.outbox import OutboxRow, Verdict

LONGEST_PAUSE = 300.0
"""No backoff is longer; what a server asks for may be."""

PATIENCE = 20
"""How many attempts a rate limit may turn away before they burn tries."""

LEASE_MARGIN = 15.0
"""How much longer than its call a claim lasts."""

_DEFAULT_TIMEOUT = 10.0


def lease(channel: Channel | None) -> float:
    """How long a claim lasts: longer than the call that it is for."""
    return (channel.timeout if channel is not None else _DEFAULT_TIMEOUT) + LEASE_MARGIN


def success(row: OutboxRow, now: int) -> Verdict:
    """The action is done."""
    return Verdict("sent", now, row.tries + 1)


def failure(error: ConnectorError, row: OutboxRow, channel: Channel | None, now: int) -> Verdict:
    """What becomes of `row`, as it was claimed, after its next attempt failed with `error` at `now` (microseconds).

    Transient: again with backoff. Rate limited: again, not before what the server asked for, and without burning a try as long
    as there is patience. Permanent, or a matter of configuration: a dead letter. Unknown: as the channel says.
    """
    kind, burnt = error.error_class, row.tries + 1
    if channel is None or kind in (ErrorClass.PERMANENT, ErrorClass.CONFIGURATION):
        return Verdict("dead", now, burnt)
    if kind is ErrorClass.UNKNOWN:
        return _doubt(row, channel, now, burnt)
    if kind is ErrorClass.RATE_LIMITED and row.attempt - row.tries < PATIENCE:
        return Verdict("pending", now + _micros(_pause(row, channel, burnt, error.retry_after)), row.tries)
    if burnt >= channel.max_attempts:
        return Verdict("dead", now, burnt)
    return Verdict("pending", now + _micros(_pause(row, channel, burnt, error.retry_after)), burnt)


def lost(row: OutboxRow, channel: Channel | None, now: int) -> Verdict:
    """What becomes of `row` after its worker was lost during the call, which is counted among its tries already."""
    if channel is None:
        return Verdict("unknown", now, row.tries)
    return _doubt(row, channel, now, row.tries)


def _doubt(row: OutboxRow, channel: Channel, now: int, burnt: int) -> Verdict:
    if channel.on_unknown == "hold" or burnt >= channel.max_attempts:
        return Verdict("unknown", now, burnt)
    return Verdict("pending", now + _micros(_pause(row, channel, burnt, None)), burnt)


def _pause(row: OutboxRow, channel: Channel, tries: int, retry_after: float | None) -> float:
    """Between half and all of the doubled backoff; what a server asks for is stretched by up to a tenth, never cut."""
    jitter = _jitter(row.action.id, row.attempt + 1)
    if retry_after is not None:
        return retry_after * (1 + jitter / 10)
    exponent = min(max(tries - 1, 0), 32)
    return min(channel.backoff * float(2**exponent), LONGEST_PAUSE) * (1 + jitter) / 2


def _jitter(action: str, n: int) -> float:
    """In [0, 1), the same for the same attempt: actions that failed together do not come back together."""
    seed = hashlib.blake2b(f"{action}/{n}".encode(), digest_size=8).digest()
    return int.from_bytes(seed) / 2**64


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)
