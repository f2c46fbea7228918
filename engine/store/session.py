"""What a store needs of a database's connections, whichever database it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection


class Session(Protocol):
    """The connections of one store. Safe to share between threads."""

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction that writes; rolled back by any exception."""
        ...

    def appending(self) -> AbstractContextManager[Connection]:
        """As `writing`; nobody else appends to the log until it is committed."""
        ...

    def write_ahead(self, work: Callable[[Connection], None]) -> None:
        """As `appending`, but the commit goes on in a thread while the caller does something else; `settle` ends it.

        Until then nobody else appends. Reads see what was committed before.
        """
        ...

    def settle(self) -> None:
        """Wait until what `write_ahead` wrote is durable. Raises StoreError when it could not be: then nothing of it was written."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """One consistent view."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...
