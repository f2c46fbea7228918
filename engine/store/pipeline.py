"""Statements for PostgreSQL that are sent one after the other without waiting in between: a batch waits for the server once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Sent = tuple[str, tuple[Any, ...]]
"""A statement, and its parameters."""


def send(connection: Connection, statements: Iterable[Sent]) -> list[int]:
    """Execute statements in the transaction that is open; answers how many rows each of them touched.

    Raises what SQLAlchemy would, of the first that failed; the rest has not happened then.
    """
    driver: Any = connection.connection.driver_connection
    try:
        with driver.pipeline() if psycopg.Pipeline.is_supported() else nullcontext():
            cursors = [driver.execute(statement, parameters) for statement, parameters in statements]
        return [cursor.rowcount for cursor in cursors]
    except psycopg.Error as error:
        lost = bool(driver.closed)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=connection.dialect,
        ) from error
