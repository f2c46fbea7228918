"""Statements of the hot path, compiled once to the driver's SQL: a batch costs no more than its rows as tuples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Table, bindparam, cast, func
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.expression import ClauseElement

from engine.core.partition import SECTIONS
from engine.store import schema

_DIALECT = sqlite.dialect(paramstyle="qmark")

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL for the driver. `names` are its parameters in order: rows are tuples of them."""

    sql: str
    names: tuple[str, ...]

    def many(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Execute for every row; returns how many rows of the table were touched in all."""
        if not rows:
            return 0
        return connection.exec_driver_sql(self.sql, list(rows)).rowcount


def compiled(statement: ClauseElement, names: Sequence[str] | None = None) -> Statement:
    """`statement` as the driver takes it; `names` are the columns of an insert that are given."""
    made: Any = statement.compile(dialect=_DIALECT, column_keys=list(names) if names else None)
    return Statement(str(made), tuple(made.positiontup))


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.name != "n"]


def _insert(table: Table) -> Statement:
    return compiled(insert(table), _columns(table))


def _insert_new(table: Table) -> Statement:
    return compiled(insert(table).on_conflict_do_nothing(), _columns(table))


def _replace(table: Table, keys: Sequence[str], values: Sequence[str]) -> Statement:
    statement = insert(table)
    changes = {name: statement.excluded[name] for name in values}
    return compiled(statement.on_conflict_do_update(index_elements=list(keys), set_=changes), _columns(table))


def _update_partition() -> Statement:
    table = schema.partitions
    changes: dict[str, Any] = {name: func.coalesce(bindparam(f"new_{name}"), table.c[name]) for name in SECTIONS}
    changes |= {name: bindparam(f"new_{name}") for name in ("version", "seq")}
    where = [table.c[name] == bindparam(f"old_{name}") for name in ("scope", "key", "version")]
    return compiled(table.update().where(*where).values(changes))


def _advance_clock() -> Statement:
    table = schema.meta
    statement = insert(table)
    forward = cast(table.c.value, BigInteger) <= cast(statement.excluded.value, BigInteger)
    changes = {"value": statement.excluded.value}
    moved = statement.on_conflict_do_update(index_elements=["name"], set_=changes, where=forward)
    return compiled(moved, ["name", "value"])


def _delete_timer() -> Statement:
    table = schema.timers
    return compiled(table.delete().where(*(table.c[name] == bindparam(name) for name in ("scope", "key", "name"))))


def _receipt() -> Statement:
    table = schema.outbox
    return compiled(table.update().where(table.c.id == bindparam("action")).values(receipted=bindparam("receipted")))


def _give_up() -> Statement:
    table = schema.crashes
    where = [table.c[name] == bindparam(f"at_{name}") for name in ("seq", "scope", "key")]
    return compiled(table.update().where(*where).values(given_up=bindparam("given_up")))


def _fire() -> Statement:
    table = schema.timers
    where = [table.c[name] == bindparam(f"of_{name}") for name in ("scope", "key", "name")]
    return compiled(table.update().where(*where).values(fired=bindparam("at")))


def _delete(table: Table) -> Statement:
    return compiled(table.delete().where(*(table.c[name] == bindparam(name) for name in ("seq", "scope", "key"))))


def _prolong() -> Statement:
    table = schema.shards
    where = (table.c.shard == bindparam("of_shard"), table.c.token == bindparam("of_token"))
    values: dict[str, Any] = {"until": bindparam("to"), "suspects": bindparam("left")}
    return compiled(table.update().where(*where).values(values))


INSERT_EVENT = _insert(schema.events)
INSERT_DELIVERY = _insert(schema.deliveries)
INSERT_PARTITION = _insert(schema.partitions)
UPDATE_PARTITION = _update_partition()
SET_TIMER = _replace(schema.timers, ("scope", "key", "name"), ("due", "fired"))
DELETE_TIMER = _delete_timer()
FIRE_TIMER = _fire()
ENQUEUE = _insert(schema.queue)
DEQUEUE = _delete(schema.queue)
SURVIVE = _delete(schema.crashes)
PROLONG = _prolong()
INSERT_DECISION = _insert(schema.decisions)
INSERT_ACTION = _insert_new(schema.outbox)
INSERT_REJECT = _insert_new(schema.rejects)
PUT_ENTITY = _replace(schema.entities, ("entity", "key", "at", "seq"), ("data",))
INSERT_UNIQUE = _insert(schema.uniques)
PUBLISH = _replace(schema.published, ("entity", "key", "name"), ("value",))
SET_META = _replace(schema.meta, ("name",), ("value",))
ADVANCE_CLOCK = _advance_clock()
RECEIPT = _receipt()
GIVE_UP = _give_up()


@lru_cache(maxsize=1024)
def pairs_query(table: str, columns: str, first: str, second: str, count: int) -> str:
    """A query for `columns` of the rows whose (`first`, `second`) is among `count` pairs of parameters.

    Joined in this order: `(first, second) IN (VALUES …)` has no affinity and would make SQLite scan the table.
    """
    values = ", ".join(["(?, ?)"] * count)
    return (
        f"WITH wanted(first, second) AS (VALUES {values}) SELECT {columns} FROM wanted CROSS JOIN {table} "
        f"WHERE {table}.{first} = wanted.first AND {table}.{second} = wanted.second"
    )
