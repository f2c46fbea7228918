"""A desk for questions: connections of the driver for single queries, which are in no transaction."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from engine.store.query import Found

KEPT = 8
"""Connections that are kept while nobody asks anything."""


class Desk:
    """Asks over connections that `connect` makes. Safe to share between threads: each has a connection to itself while it asks."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._idle: deque[Any] = deque()

    def ask(self, text: str, values: Sequence[Any]) -> list[Found]:
        """The rows that a query finds. Raises what the driver raises; a connection at which that happens is closed."""
        connection = self.taken() or self._connect()
        try:
            rows: list[Found] = connection.execute(text, values).fetchall()
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()
        return rows

    def __len__(self) -> int:
        """How many connections are kept."""
        return len(self._idle)

    def taken(self) -> Any | None:
        """A connection that nobody asks over, for whoever calls; None: there is none."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def close(self) -> None:
        """Close the connections that nobody asks over."""
        while (connection := self.taken()) is not None:
            connection.close()
