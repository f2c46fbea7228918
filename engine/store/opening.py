"""From a store's address to a store."""

from __future__ import annotations

from engine.errors import StoreError
from engine.store.database import DatabaseStore
from engine.store.memory import MemoryStore
from engine.store.protocol import Store

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg://")


def open_store(url: str) -> Store:
    """The store at `url`: `memory:`, `sqlite:///path`, `sqlite://` (a database in memory) or `postgresql://…`.

    Raises StoreError `store_url` for any other address, and what DatabaseStore raises.
    """
    if url == "memory:":
        return MemoryStore()
    if url == "sqlite://":
        return DatabaseStore(None)
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return DatabaseStore(url.removeprefix(_SQLITE))
    if url.startswith(_POSTGRES):
        from engine.store.postgres import PostgresSession

        return DatabaseStore(session=PostgresSession(url))
    hint = "write memory:, sqlite:///path/to/file.db or postgresql://user@host/database"
    shown = url.rpartition("@")[2]  # never what may be a password
    raise StoreError("store_url", f"no store has the address {shown!r}", hint=hint)
