"""API keys: made once, shown once, kept as a hash; and the ring of those that hold, read anew every few seconds."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

from engine.store import StoredKey

SCOPES = (
    "events:write",
    "decisions:read",
    "entities:write",
    "packs:write",
    "rejects:replay",
    "actions:write",
    "system",
    "metrics:read",
)
"""What a key may be allowed to do. `system`: write event types that are reserved to the engine's own workers."""

AGE = 5.0
"""Seconds after which the keys are read again: so long a revoked key may still be taken."""

_BYTES = 32
_MARK = "rw"


class Keys(Protocol):
    """Where keys are kept."""

    def kept_keys(self) -> list[StoredKey]:
        """All keys."""
        ...


def new_key(
    name: str, scopes: tuple[str, ...], source: str | None, roles: tuple[str, ...], now: int
) -> tuple[StoredKey, str]:
    """A key, and the token that its bearer sends, which is kept nowhere: `rw_<id>_<256 random bits>`."""
    number, secret = secrets.token_hex(6), secrets.token_urlsafe(_BYTES)
    return StoredKey(number, name, _hash(secret), scopes, source, roles, now), f"{_MARK}_{number}_{secret}"


class Ring:
    """The keys that hold. `clock` gives seconds that never go back. Safe to share between threads."""

    def __init__(self, keys: Keys, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._clock = clock
        self._held: dict[str, StoredKey] = {}
        self._read: float | None = None
        self._reading = threading.Lock()

    @property
    def fresh(self) -> bool:
        """Whether `find` can do without the store."""
        return self._read is not None and self._clock() - self._read < AGE

    def find(self, token: str) -> StoredKey | None:
        """The key that a token belongs to. Raises StoreError where the keys have to be read again and cannot be."""
        if not self.fresh:
            self.refresh()
        mark, _, rest = token.partition("_")
        number, _, secret = rest.partition("_")
        held = self._held.get(number)
        known = held.hash if held is not None else b"\0" * 32
        same = hmac.compare_digest(_hash(secret), known)
        return held if same and mark == _MARK else None

    def refresh(self) -> None:
        """Read the keys; one thread does it, the others wait for it."""
        with self._reading:
            if not self.fresh:
                self._held = {key.id: key for key in self._keys.kept_keys() if key.revoked is None}
                self._read = self._clock()


def _hash(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogateescape")).digest()
