"""Statements of the hot path, made once in the driver's SQL: a batch costs no more than its rows as tuples.

SQLite takes them row by row, which costs it nothing; PostgreSQL takes a column at a time, as arrays, so that a batch is one round trip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Table, bindparam, cast, func
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.expression import ClauseElement

from engine.core.partition import SECTIONS
from engine.store import arrays, schema
from engine.store.query import Query

_DIALECT = sqlite.dialect(paramstyle="qmark")

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL for both drivers, which writes to `table`. `names` are its parameters in order: rows are tuples of them.

    `keys` are those that name the row of the table: of several rows with the same ones the last holds. PostgreSQL takes rows in the order
    of the keys, so that two who write the same ones never wait for each other in a circle; `numbered` ones, which the table counts, as
    they come.
    """

    table: str
    sql: str
    names: tuple[str, ...]
    arrays: str
    keys: tuple[int, ...] = ()
    numbered: bool = False

    def many(self, connection: Connection, rows: Sequence[Row]) -> int:
        """Execute for every row; returns how many rows of the table were touched in all."""
        if not rows:
            return 0
        if connection.dialect.name == "sqlite":
            return connection.exec_driver_sql(self.sql, list(rows)).rowcount
        return connection.exec_driver_sql(self.arrays, self.columns(rows)).rowcount

    def columns(self, rows: Sequence[Row]) -> tuple[Any, ...]:
        """The rows, of which there is one at least, as the parameters of `arrays`."""
        if self.keys:
            last = {tuple([row[key] for key in self.keys]): row for row in rows}
            rows = list(last.values()) if self.numbered else [last[key] for key in sorted(last)]
        return tuple(map(arrays.literal, zip(*rows, strict=True)))


def _compiled(statement: ClauseElement, names: Sequence[str] | None = None) -> tuple[str, tuple[str, ...]]:
    made: Any = statement.compile(dialect=_DIALECT, column_keys=list(names) if names else None)
    return str(made), tuple(made.positiontup)


def _columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name != "n"]


def _names(table: Table) -> list[str]:
    return [column.name for column in _columns(table)]


def _insert(table: Table) -> Statement:
    return Statement(table.name, *_compiled(insert(table), _names(table)), arrays.insert(table, _columns(table)))


def _insert_new(table: Table) -> Statement:
    made = insert(table).on_conflict_do_nothing()
    return Statement(table.name, *_compiled(made, _names(table)), arrays.insert(table, _columns(table), "DO NOTHING"))


def _replace(table: Table, keys: Sequence[str], values: Sequence[str]) -> Statement:
    statement = insert(table)
    changes = {name: statement.excluded[name] for name in values}
    made = statement.on_conflict_do_update(index_elements=list(keys), set_=changes)
    sql, names = _compiled(made, _names(table))
    bulk = arrays.replace(table, _columns(table), keys, values)
    return Statement(table.name, sql, names, bulk, tuple(map(names.index, keys)), numbered="n" in table.c)


def _changed(table: Table, values: dict[str, Any], where: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    matched = [table.c[name] == bindparam(f"old_{name}") for name in where]
    return _compiled(table.update().where(*matched).values(values))


def _set(table: Table, set_: Sequence[str], where: Sequence[str]) -> Statement:
    """Rows of `set_` and then of `where`."""
    made = _changed(table, {name: bindparam(f"new_{name}") for name in set_}, where)
    return Statement(table.name, *made, arrays.update(table, set_, where))


def _fire_timer() -> Statement:
    """A deadline that is set anew while it fires stays set, as one that is moved does: what has fired does not stand then."""
    set_, where = ("fired",), ("scope", "key", "name", "due")
    made = _changed(schema.timers, {"fired": bindparam("new_fired")}, where)
    return Statement("timers", *made, arrays.update_version(schema.timers, set_, where, kept=()))


def _update_partition() -> Statement:
    table, where = schema.partitions, ("scope", "key", "version")
    changes: dict[str, Any] = {name: func.coalesce(bindparam(f"new_{name}"), table.c[name]) for name in SECTIONS}
    changes |= {name: bindparam(f"new_{name}") for name in ("version", "seq")}
    bulk = arrays.update_version(table, ("version", "seq", *SECTIONS), where, kept=SECTIONS)
    return Statement(table.name, *_changed(table, changes, where), bulk)


def _advance_clock() -> Statement:
    table = schema.meta
    statement = insert(table)
    forward = cast(table.c.value, BigInteger) <= cast(statement.excluded.value, BigInteger)
    changes = {"value": statement.excluded.value}
    moved = statement.on_conflict_do_update(index_elements=["name"], set_=changes, where=forward)
    condition = " WHERE CAST(meta.value AS BIGINT) <= CAST(excluded.value AS BIGINT)"
    bulk = arrays.replace(table, _columns(table), ("name",), ("value",)) + condition
    return Statement(table.name, *_compiled(moved, ["name", "value"]), bulk)


def _delete(table: Table, where: Sequence[str]) -> Statement:
    made = table.delete().where(*(table.c[name] == bindparam(name) for name in where))
    return Statement(table.name, *_compiled(made), arrays.delete(table, where))


INSERT_EVENT = _insert(schema.events)
INSERT_DELIVERY = _insert(schema.deliveries)
INSERT_PARTITION = _insert(schema.partitions)
UPDATE_PARTITION = _update_partition()
SET_TIMER = _replace(schema.timers, ("scope", "key", "name"), ("due", "fired"))
DELETE_TIMER = _delete(schema.timers, ("scope", "key", "name"))
FIRE_TIMER = _fire_timer()
ENQUEUE = _insert(schema.queue)
DEQUEUE = _delete(schema.queue, ("seq", "scope", "key"))
SURVIVE = _delete(schema.crashes, ("seq", "scope", "key"))
FIRST_SHARD = _insert_new(schema.shards)
CLAIM_SHARD = _set(schema.shards, ("owner", "token", "until", "suspects"), ("shard",))
HOLD_SHARD = _set(schema.shards, ("token", "until", "suspects"), ("shard", "token"))
INSERT_DECISION = _insert(schema.decisions)
INSERT_ACTION = _insert_new(schema.outbox)
INSERT_REJECT = _insert_new(schema.rejects)
PUT_ENTITY = _replace(schema.entities, ("entity", "key", "at", "seq"), ("data",))
INSERT_UNIQUE = _insert(schema.uniques)
PUBLISH = _replace(schema.published, ("entity", "key", "name"), ("value",))
PARK = _replace(schema.crashes, ("seq", "scope", "key"), ("event", "claims", "error", "given_up"))
KEEP_PACK = _insert_new(schema.packs)
FIRST_META = _insert_new(schema.meta)
SET_META = _replace(schema.meta, ("name",), ("value",))
ADVANCE_CLOCK = _advance_clock()
RECEIPT = _set(schema.outbox, ("receipted",), ("id",))
GIVE_UP = _set(schema.crashes, ("given_up",), ("seq", "scope", "key"))
REPORT = _replace(schema.members, ("owner",), ("kind", "seen", "revision", "ready", "failure"))
INSERT_ACTIVATION = _insert(schema.activations)


def asking(
    sqlite: bool, table: Table, columns: str, names: tuple[str, ...], wanted: Sequence[Row]
) -> tuple[Query, tuple[Any, ...]]:
    """A query for the `columns` of the rows whose `names` are among the `wanted`, and its parameters; as many as one query takes."""
    if sqlite:
        return Query(rows_query(table.name, columns, names, len(wanted)), ""), tuple(chain.from_iterable(wanted))
    return Query("", arrays.among(table, columns, names)), tuple(map(arrays.literal, zip(*wanted, strict=True)))


def among(
    connection: Connection, table: Table, columns: str, names: tuple[str, ...], wanted: Sequence[Row]
) -> Iterator[Sequence[Any]]:
    """The `columns` of the rows whose `names` are among the `wanted`, in no order."""
    sqlite = connection.dialect.name == "sqlite"
    size = CHUNK if sqlite else BULK
    for chunk in (wanted[start : start + size] for start in range(0, len(wanted), size)):
        query, parameters = asking(sqlite, table, columns, names, chunk)
        yield from connection.exec_driver_sql(query.sqlite if sqlite else query.postgres, parameters).all()


CHUNK = 500
"""Rows to a query of SQLite, where each distinct number of them is a statement of its own."""

BULK = 10_000
"""Rows to a query of PostgreSQL, where they are one array a column."""


@lru_cache(maxsize=1024)
def rows_query(table: str, columns: str, names: tuple[str, ...], count: int) -> str:
    """A query of SQLite for `columns` of the rows whose `names` are among `count` rows of parameters.

    Joined in this order: `(first, second) IN (VALUES …)` has no affinity and would make SQLite scan the table.
    """
    parts = [f"c{i}" for i in range(len(names))]
    row = f"({', '.join('?' * len(names))})"
    matched = " AND ".join(f"{table}.{name} = wanted.{part}" for name, part in zip(names, parts, strict=True))
    return (
        f"WITH wanted({', '.join(parts)}) AS (VALUES {', '.join([row] * count)}) "
        f"SELECT {columns} FROM wanted CROSS JOIN {table} WHERE {matched}"
    )
