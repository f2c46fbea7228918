"""A webhook's receiver: checks the signature, honours idempotency keys, and can be told to misbehave."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connectors.sandbox.server import Answer, Call, LocalServer
from connectors.webhook.signature import HEADER, verifies

PATH = "/hook"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request that was taken. `repeated` when its idempotency key had been taken before; `at`: POSIX
    seconds.
    """

    key: str
    document: Any
    repeated: bool
    at: float


class WebhookSandbox(LocalServer):
    """Answers `POST /hook`. With a `secret`, an unsigned, wrongly signed or stale request is refused with
    401. `listener` is called with each delivery before it is answered.
    """

    def __init__(
        self,
        *,
        secret: str | None = None,
        clock: Callable[[], float] = time.time,
        listener: Callable[[Delivery], None] | None = None,
    ) -> None:
        super().__init__()
        self._secret = secret
        self._clock = clock
        self._listener = listener
        self._deliveries: list[Delivery] = []
        self._scripted: list[Answer] = []
        self.routes = {PATH: self._take}

    @property
    def deliveries(self) -> list[Delivery]:
        """A copy of what was taken, in order."""
        with self._lock:
            return list(self._deliveries)

    def settings(self) -> dict[str, Any]:
        """Settings with which `webhook` posts to this sandbox."""
        settings = {"url": self.url + PATH, "allow_hosts": [self.host]}
        return settings if self._secret is None else {**settings, "secret": self._secret}

    def answer_next(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """The next request is not taken but answered like this."""
        with self._lock:
            self._scripted.append(Answer(status, body, headers or {}))

    def _take(self, call: Call) -> Answer:
        with self._lock:
            if self._scripted:
                return self._scripted.pop(0)
            if self._secret is not None:
                signed = call.headers.get(HEADER.lower(), "")
                if not verifies(signed, self._secret, call.body, self._clock()):
                    return Answer(401, b"signature does not match")
            key, document = call.headers.get("idempotency-key", ""), call.json()
            if not key or document is None:
                return Answer(400, b"an Idempotency-Key and a JSON body are needed")
            repeated = any(earlier.key == key for earlier in self._deliveries)
            delivery = Delivery(key, document, repeated, self._clock())
            self._deliveries.append(delivery)
            if self._listener is not None:
                self._listener(delivery)
            return Answer.json({"taken": True, "repeated": repeated})
