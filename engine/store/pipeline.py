"""Statements for PostgreSQL that are sent one after the other without waiting in between: a batch waits for the server once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from engine.store.desk import Desk
from engine.store.query import Found

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
        raise told(error, connection.dialect, lost=lost) from error


def asked(desk: Desk, dialect: Dialect, text: str, values: Sequence[Any]) -> list[Found]:
    """What a query finds. Raises what SQLAlchemy would.

    A connection that was lost while nobody asked over it is no failure: the next one is tried, and in the end a new one.
    """
    while True:
        kept = len(desk)
        try:
            return desk.ask(text, values)
        except psycopg.Error as error:
            if not kept or not isinstance(error, psycopg.OperationalError):
                raise told(error, dialect, lost=False) from error


def told(error: psycopg.Error, dialect: Dialect, *, lost: bool) -> BaseException:
    """A failure of the driver as SQLAlchemy tells it."""
    return DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
