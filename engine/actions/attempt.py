"""One attempt at one action: claim, note that it begins, call out, note how it ended. Knows nothing of queues."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from connectors.protocol import Connector, ConnectorError, ErrorClass, Receipt, Request
from engine.actions import policy
from engine.actions.request import Candidates, Entities, fingerprint, request
from engine.actions.wiring import connected
from engine.core.program import Channel
from engine.errors import StoreError
from engine.store import Outbox, OutboxRow, Outcome, Verdict

_log = logging.getLogger("rulewright.actions")

_WRITES = 3
"""How often an ending is written where others hold the database; each waits for its lock as long as the store does."""

_RETURNS = 24
"""Seconds for which an ending is kept, and written again, while the database cannot be reached: the claim lasts no longer than that."""


class Connectors:
    """A connector for every `do`, built when it is first needed; those that are given are not closed."""

    def __init__(
        self, channels: Mapping[str, Channel], given: Mapping[str, Connector], clock: Callable[[], float]
    ) -> None:
        self.channels = channels
        self._given = given
        self._clock = clock
        self._built: dict[str, Connector] = {}
        self._left: list[Connector] = []
        self._lock = threading.Lock()

    def equip(self, channels: Mapping[str, Channel]) -> None:
        """Go on with other channels. A connector whose channel is as it was stays; another one may be in use still, and is closed the
        next time.
        """
        with self._lock:
            for connector in self._left:
                connector.close()
            changed = [do for do in self._built if _said(channels.get(do)) != _said(self.channels.get(do))]
            self._left = [self._built.pop(do) for do in changed]
            self.channels = channels

    def get(self, do: str) -> tuple[Connector, Channel]:
        """The connector and the channel of `do`. Raises ConnectorError CONFIGURATION when there is none."""
        channel = self.channels.get(do)
        if channel is None:
            raise ConnectorError(ErrorClass.CONFIGURATION, "no_channel", f"no channel is declared for {do!r}")
        if do in self._given:
            return self._given[do], channel
        with self._lock:
            if do not in self._built:
                self._built[do] = connected(channel, self._clock)
            return self._built[do], channel

    def close(self) -> None:
        """Close every connector that was built here."""
        with self._lock:
            for connector in (*self._built.values(), *self._left):
                connector.close()
            self._built.clear()
            self._left.clear()


def _said(channel: Channel | None) -> tuple[Any, ...] | None:
    """What a connector is built from."""
    return None if channel is None else (channel.connector, dict(channel.settings), channel.timeout)


class Attempts:
    """Makes attempts. Safe to share between threads. `clock` gives POSIX seconds."""

    def __init__(
        self,
        outbox: Outbox,
        connectors: Connectors,
        entities: Entities,
        candidates: Candidates,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._outbox = outbox
        self._connectors = connectors
        self._entities = entities
        self._candidates = candidates
        self._clock = clock
        self._sleep = sleep

    def perform(self, action: str) -> bool:
        """Try `action` once, if it is due and nobody else has it; False: it was not. Raises StoreError."""
        known = self._outbox.action(action)
        if known is None or known.status != "pending":  # a message that came twice must not cost a transaction
            return False
        channel = self._connectors.channels.get(known.action.do)
        row = self._outbox.claim(action, self._now(), policy.lease(channel), uuid.uuid4().hex)
        if row is None:
            return False
        outcome, verdict = self._carry_out(row, channel)
        self._finish(row, outcome, verdict)
        return True

    def lost(self, row: OutboxRow) -> Verdict:
        """What becomes of a claimed action whose worker was lost during the call."""
        return policy.lost(row, self._connectors.channels.get(row.action.do), self._now())

    def _carry_out(self, row: OutboxRow, channel: Channel | None) -> tuple[Outcome, Verdict]:
        begun = False
        try:
            connector, made = self._prepare(row)
            self._begin(row, fingerprint(made))
            begun = True
            receipt = connector.perform(made)
            return Outcome("sent", self._now(), result=_result(receipt)), policy.success(row, self._now())
        except ConnectorError as error:
            failed = error
        except StoreError:
            raise
        except Exception as error:  # a defect of a connector must not lose the action
            _log.exception("action %s: an unexpected error", row.action.id)
            failed = _unexpected(error, called=begun)
        if not begun:
            self._begin(row, "")
        return _failed(failed, self._now()), policy.failure(failed, row, channel, self._now())

    def _prepare(self, row: OutboxRow) -> tuple[Connector, Request]:
        connector, channel = self._connectors.get(row.action.do)
        return connector, request(row.action, channel, self._entities, self._candidates)

    def _begin(self, row: OutboxRow, request_hash: str) -> None:
        self._outbox.begin_attempt(row.action.id, row.attempt + 1, row.token or "", self._now(), request_hash)

    def _finish(self, row: OutboxRow, outcome: Outcome, verdict: Verdict) -> None:
        left = {"store_busy": _WRITES - 1, "store_unavailable": _RETURNS}
        while True:
            try:
                self._outbox.finish_attempt(row.action.id, row.attempt + 1, row.token or "", outcome, verdict)
            except StoreError as error:
                if not left.get(error.code):
                    raise
                left[error.code] -= 1
                if error.code == "store_unavailable":
                    self._sleep(1.0)
            else:
                return

    def _now(self) -> int:
        return round(self._clock() * 1_000_000)


def _result(receipt: Receipt) -> dict[str, Any]:
    # Whatever a connector answers, the action is done: an odd value must not make it look otherwise.
    named = {"status": receipt.status, "provider_id": receipt.provider_id, **receipt.result}
    plain: dict[str, Any] = msgspec.to_builtins(named, enc_hook=str, str_keys=True)
    return plain


def _unexpected(error: Exception, *, called: bool) -> ConnectorError:
    """Before the call nothing was sent; after it has begun nobody can tell, and the channel's `on_unknown` decides."""
    kind = ErrorClass.UNKNOWN if called else ErrorClass.TRANSIENT
    return ConnectorError(kind, "unexpected", f"{type(error).__name__}: {error}")


def _failed(error: ConnectorError, now: int) -> Outcome:
    status: Any = "unknown" if error.error_class is ErrorClass.UNKNOWN else "failed"
    return Outcome(status, now, error.error_class.value, error.code, error.message)
