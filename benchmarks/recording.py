"""What a run of ours sends to a database, so that it can be sent again without us."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import psycopg
import sqlalchemy
from sqlalchemy import Connection, event

from engine.store.desk import Desk

Transaction = list[tuple[str, Any, bool]]
"""Statements in order: text, parameters, and whether the parameters are many rows."""


class Recording:
    """Listens to every SQLAlchemy engine while it is open, and keeps what it sends to the driver, transaction by transaction.

    Single queries do not pass through SQLAlchemy.
    """

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self._open: dict[int, Transaction] = {}
        self._patches = ExitStack()

    def __enter__(self) -> Recording:
        ask = Desk.ask

        def asked(desk: Desk, text: str, values: Any) -> Any:
            self.transactions.append([(text, values, False)])
            return ask(desk, text, values)

        self._patches.enter_context(patch.object(Desk, "ask", asked))
        event.listen(sqlalchemy.Engine, "before_cursor_execute", self._statement)
        event.listen(sqlalchemy.Engine, "commit", self._end)
        event.listen(sqlalchemy.Engine, "rollback", self._end)
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()
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


PING = ";"
"""What the pool asks a connection before it hands it out: no statement of the work."""


class DriverRecording:
    """Listens to psycopg while it is open: what is sent in a pipeline does not pass through SQLAlchemy."""

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self._open: dict[int, Transaction] = {}
        self._patches = ExitStack()

    def __enter__(self) -> DriverRecording:
        execute, commit, rollback = psycopg.Cursor.execute, psycopg.Connection.commit, psycopg.Connection.rollback

        def executed(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
            if query == PING:
                pass
            elif cursor.connection.autocommit:
                self.transactions.append([(query, params, False)])
            else:
                self._open.setdefault(id(cursor.connection), []).append((query, params, False))
            return execute(cursor, query, params, **options)

        def committed(connection: Any) -> None:
            commit(connection)
            self._end(connection)

        def rolled_back(connection: Any) -> None:
            rollback(connection)
            self._end(connection)

        self._patches.enter_context(patch.object(psycopg.Cursor, "execute", executed))
        self._patches.enter_context(patch.object(psycopg.Connection, "commit", committed))
        self._patches.enter_context(patch.object(psycopg.Connection, "rollback", rolled_back))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def _end(self, connection: Any) -> None:
        ended = self._open.pop(id(connection), None)
        if ended:
            self.transactions.append(ended)
