"""Keys of callers, as they are kept: the hash of a secret, and what its bearer may do."""

from __future__ import annotations

import msgspec
from sqlalchemy import select

from engine.store import schema
from engine.store.session import Session

_keys = schema.api_keys


class StoredKey(msgspec.Struct, frozen=True):
    """A caller's key. `hash` is SHA-256 of its secret; `source` is whose events it may send (None: nobody's).

    Who bears it acts in `roles`. `created` and `revoked` are microseconds since the epoch; revoked None: it holds.
    """

    id: str
    name: str
    hash: bytes
    scopes: tuple[str, ...]
    source: str | None
    roles: tuple[str, ...]
    created: int
    revoked: int | None = None


class DatabaseKeyring:
    """Keys over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def keep_key(self, key: StoredKey) -> None:
        """Add a key with a new id."""
        values = msgspec.structs.asdict(key) | {"scopes": _text(key.scopes), "roles": _text(key.roles)}
        with self._session.writing() as connection:
            connection.execute(_keys.insert().values(**values))

    def kept_keys(self) -> list[StoredKey]:
        """All keys, revoked ones too, oldest first."""
        with self._session.reading() as connection:
            rows = connection.execute(select(_keys).order_by(_keys.c.created, _keys.c.id)).mappings().all()
        return [StoredKey(**{**row, "scopes": _names(row["scopes"]), "roles": _names(row["roles"])}) for row in rows]

    def revoke_key(self, key: str, at: int) -> bool:
        """Revoke a key; False where there is none of that id that still holds."""
        held = _keys.update().where(_keys.c.id == key, _keys.c.revoked.is_(None))
        with self._session.writing() as connection:
            return connection.execute(held.values(revoked=at)).rowcount == 1


def _text(names: tuple[str, ...]) -> str:
    return msgspec.json.encode(names).decode()


def _names(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])
