"""From a store's address to a store."""

from __future__ import annotations

from engine.errors import StoreError
from engine.store.database import DatabaseStore
from engine.store.memory import MemoryStore
from engine.store.protocol import Store
from engine.store.session import Session
from engine.store.sqlite import SqliteSession

_SQLITE = "sqlite:///"
_IN_MEMORY = ("sqlite://", "sqlite:///:memory:")
_POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg://")


def open_store(url: str) -> Store:
    """The store at `url`: `memory:`, `sqlite:///path`, `sqlite://` (a database in memory) or `postgresql://…`.

    Raises StoreError `store_url` for any other address, and what DatabaseStore raises.
    """
    return MemoryStore() if url == "memory:" else DatabaseStore(session=open_session(url))


def open_session(url: str) -> Session:
    """The connections of the database at `url`, whatever is in it. Raises StoreError `store_url` for what is no database's address."""
    if url in _IN_MEMORY:
        return SqliteSession(None)
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return SqliteSession(url.removeprefix(_SQLITE))
    if url.startswith(_POSTGRES):
        from engine.store.postgres import PostgresSession

        return PostgresSession(url)
    hint = "write memory:, sqlite:///path/to/file.db or postgresql://user@host/database"
    raise StoreError("store_url", f"no store has the address {shown(url)!r}", hint=hint)


def shown(url: str) -> str:
    """An address without what may be a password."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else url.rpartition("@")[2]
