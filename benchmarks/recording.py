"""What a run of ours sends to a database, so that it can be sent again without us."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import Connection, event

Transaction = list[tuple[str, Any, bool]]
"""Statements in order: text, parameters, and whether the parameters are many rows."""


class Recording:
    """Listens to every SQLAlchemy engine while it is open, and keeps what it sends to the driver, transaction by transaction."""

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self._open: dict[int, Transaction] = {}

    def __enter__(self) -> Recording:
        event.listen(sqlalchemy.Engine, "before_cursor_execute", self._statement)
        event.listen(sqlalchemy.Engine, "commit", self._end)
        event.listen(sqlalchemy.Engine, "rollback", self._end)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(sqlalchemy.Engine, "before_cursor_execute", self._statement)
        event.remove(sqlalchemy.Engine, "commit", self._end)
        event.remove(sqlalchemy.Engine, "rollback", self._end)

    def _statement(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        self._open.setdefault(id(connection), []).append((statement, parameters, many))

    def _end(self, connection: Connection) -> None:
        ended = self._open.pop(id(connection), None)
        if ended:
            self.transactions.append(ended)
