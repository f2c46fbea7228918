"""Failpoints: where a process kills itself when a file says so, and what it writes down before: why, and the claims that it held."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dramatiq.brokers.redis import _RedisConsumer

from connectors.webhook.post import Webhook
from engine.core.step import Stepper
from engine.runtime.drain import Drain, Drained
from engine.store import DatabaseStore, Lease, transaction

POINTS = (
    "commit.before",
    "commit.after",
    "call.before",
    "call.after",
    "outcome.before",
    "outcome.after",
    "acknowledgement.before",
    "acknowledgement.after",
)
"""Before the commit: all is written, and nothing is committed. `call` is the message to its receiver, `outcome` the note of how it ended,
`acknowledgement` that of Dramatiq's message.
"""

ARM, WORDS, READY = "arm", "words", "ready"
"""Files: the point at which to die, what a process said when it did, and whether it had begun to work."""

POISON = "poison"


class Failpoints:
    """The failpoints of this process. `folder` is where their files are; with `claimed` it dies only while it holds a claim."""

    def __init__(self, folder: Path, *, claimed: bool) -> None:
        self._folder = folder
        self._claimed = claimed
        self._claims: set[str] = set()
        self._process = os.getpid()
        self._lock = threading.Lock()

    def install(self) -> None:
        """Put them where they belong."""
        store: Any = DatabaseStore
        _around(transaction, "write", after=lambda *_: self._pass("commit.before"))
        for method in ("commit", "append"):
            _around(store, method, after=lambda *_: self._pass("commit.after"))
        _around(Webhook, "perform", self._passing("call.before"), self._passing("call.after"))
        _around(store, "finish_attempt", self._passing("outcome.before"), self._finished)
        _around(_RedisConsumer, "ack", self._passing("acknowledgement.before"), self._passing("acknowledgement.after"))
        _around(store, "lease", after=lambda answer, *_: self._hold(answer[0].token if answer else None))
        _around(store, "release", before=lambda _store, leases: self._let_go(leases[0].token))
        _around(Drain, "drain", after=self._drained)
        _around(store, "claim", after=lambda answer, *_: self._hold(answer.token if answer else None))
        for method in ("backlog", "append"):
            _around(store, method, after=lambda *_: self._ready())
        _around(Stepper, "step", before=self._step)

    def _ready(self) -> None:
        """Say that this process works."""
        (self._folder / READY).touch()

    def die(self, why: str) -> None:
        """Write last words, and end as by `kill -9`."""
        if os.getpid() != self._process:  # a trial: who waits for it sees how it ends
            os.kill(os.getpid(), signal.SIGKILL)
        with self._lock:
            words = {"why": why, "claims": sorted(self._claims)}
            draft = self._folder / f"{WORDS}.{threading.get_ident()}"
            draft.write_text(json.dumps(words), encoding="utf-8")
            draft.rename(self._folder / WORDS)
            os.kill(os.getpid(), signal.SIGKILL)

    def _passing(self, point: str) -> Callable[..., None]:
        return lambda *_: self._pass(point)

    def _pass(self, point: str) -> None:
        try:
            armed = (self._folder / ARM).read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        if armed == point and (self._claims or not self._claimed):
            self.die(point)

    def _finished(self, _answer: object, _store: object, _action: str, _n: int, token: str, *_: object) -> None:
        self._let_go(token)
        self._pass("outcome.after")

    def _drained(self, answer: Drained | None, _drain: Drain, leases: Sequence[Lease], *_: object) -> None:
        if answer is not None and not answer.leases:
            self._let_go(leases[0].token)

    def _step(self, _stepper: object, partition: Any, _shared: object, event: Any, *_: object) -> None:
        if partition.scope == "task" and event.data.get("kills"):
            self.die(POISON)

    def _hold(self, token: str | None) -> None:
        if token is not None:
            with self._lock:
                self._claims.add(token)

    def _let_go(self, token: str) -> None:
        with self._lock:
            self._claims.discard(token)


def _nothing(*_: object) -> None:
    return None


def _around(
    owner: Any, name: str, before: Callable[..., None] = _nothing, after: Callable[..., None] = _nothing
) -> None:
    """Call `before` with a function's arguments, and `after` with its answer and its arguments."""
    original = getattr(owner, name)

    def wrapped(*args: Any, **named: Any) -> Any:
        before(*args)
        answer = original(*args, **named)
        after(answer, *args)
        return answer

    setattr(owner, name, wrapped)
