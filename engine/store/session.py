"""What a store needs of a database's connections, whichever database it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Connection

from engine.store.query import Found, Query


class Session(Protocol):
    """The connections of one store. Safe to share between threads."""

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction that writes; rolled back by any exception."""
        ...

    def appending(self) -> AbstractContextManager[Connection]:
        """As `writing`; nobody else appends to the log until it is committed."""
        ...

    def write_ahead(self, check: Callable[[Connection], None], work: Callable[[Connection], None]) -> None:
        """As `appending`, but it goes on in a thread while the caller does something else; `settle` ends it.

        `check` is done at once, and raises what the caller can still do something about; `work` may be done later. Until it is committed
        nobody else appends. Reads see what was committed before. What was written ahead before this has to be settled.
        """
        ...

    def settle(self) -> None:
        """Wait until what `write_ahead` wrote is durable. Raises StoreError when it could not be: then nothing of it was written.

        Whoever wrote ahead has to ask: nobody else is told.
        """
        ...

    @property
    def sqlite(self) -> bool:
        """Whether it is SQLite that is spoken with."""
        ...

    def ask(self, query: Query, values: Sequence[Any] = ()) -> list[Found]:
        """What a query of the hot path finds, by itself, in the quickest way."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """For one query."""
        ...

    def viewing(self) -> AbstractContextManager[Connection]:
        """One consistent view for several queries."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...
