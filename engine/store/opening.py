"""From a store's address to a store."""

from __future__ import annotations

from engine.errors import StoreError
from engine.store.database import DatabaseStore
from engine.store.memory import MemoryStore
from engine.store.protocol import Store

_SQLITE = "sqlite:///"


def open_store(url: str) -> Store:
    """The store at `url`: `memory:`, `sqlite:///path` or `sqlite://` (a database in memory).

    Raises StoreError `store_url` for any other address, and what DatabaseStore raises.
    """
    if url == "memory:":
        return MemoryStore()
    if url == "sqlite://":
        return DatabaseStore(None)
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return DatabaseStore(url.removeprefix(_SQLITE))
    raise StoreError(
        "store_url", f"no store has the address {url!r}", hint="write memory: or sqlite:///path/to/file.db"
    )
