"""SQL for PostgreSQL whose parameters are arrays, one a column: however many rows there are, it is one statement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Column, Table, Text
from sqlalchemy.dialects import postgresql

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

_encode = msgspec.json.Encoder().encode

_OTHERWISE = re.compile(rb"\\[bfnrtu]")
"""What JSON writes for a character that PostgreSQL writes as it is."""


def literal(column: Sequence[Any]) -> str | list[Any]:
    """A column of numbers, truths, texts or bytes as PostgreSQL writes an array, or as a list, which the driver writes item by item.

    The array is JSON but for its brackets, where no text has a control character; that is many times as fast.
    """
    first = next((value for value in column if value is not None), None)
    values = (
        [None if value is None else "\\x" + value.hex() for value in column] if isinstance(first, bytes) else column
    )
    text = _encode(values)
    return list(column) if _OTHERWISE.search(text) else f"{{{text[1:-1].decode()}}}"


def insert(table: Table, columns: Sequence[Column[Any]], conflict: str | None = None) -> str:
    """Insert rows of `columns`; `conflict` is what to do with one that is there."""
    names = ", ".join(_quoted(column) for column in columns)
    sql = f"INSERT INTO {table.name} ({names}) SELECT * FROM {_rows(columns)}"
    return sql if conflict is None else f"{sql} ON CONFLICT {conflict}"


def replace(table: Table, columns: Sequence[Column[Any]], keys: Sequence[str], values: Sequence[str]) -> str:
    """Insert rows, or where the keys are there change the values."""
    changes = ", ".join(f"{_quoted(table.c[name])} = excluded.{_quoted(table.c[name])}" for name in values)
    where = ", ".join(_quoted(table.c[name]) for name in keys)
    return insert(table, columns, f"({where}) DO UPDATE SET {changes}")


def update(table: Table, values: Sequence[str], where: Sequence[str]) -> str:
    """Set `values` of the rows that have `where`."""
    columns = [table.c[name] for name in (*values, *where)]
    changes = ", ".join(f"{_quoted(table.c[name])} = v.c{i}" for i, name in enumerate(values))
    matched = _matched(table, where, len(values))
    locked = _locked(table, columns, where, matched)
    return f"{locked} UPDATE {table.name} AS t SET {changes} FROM v WHERE {matched} AND {_IN_ORDER}"


def update_version(table: Table, values: Sequence[str], where: Sequence[str], kept: Sequence[str]) -> str:
    """Set `values` of the rows that have `where`, and that nobody has changed meanwhile; of `kept` ones a null leaves what is there.

    Those that are locked are changed where they lie, and not looked for again.
    """
    columns = [table.c[name] for name in (*values, *where)]
    changes = ", ".join(_change(table.c[name], f"v.c{i}", name in kept) for i, name in enumerate(values))
    matched, order = _matched(table, where, len(values)), _order(table, where)
    return (
        f"WITH v AS MATERIALIZED (SELECT t.ctid AS place, v.* FROM {_rows(columns)} JOIN {table.name} AS t ON {matched} "
        f"ORDER BY {order} FOR UPDATE OF t) UPDATE {table.name} AS t SET {changes} FROM v WHERE t.ctid = v.place"
    )


def delete(table: Table, where: Sequence[str]) -> str:
    """Delete the rows that have `where`."""
    columns = [table.c[name] for name in where]
    matched = _matched(table, where, 0)
    locked = _locked(table, columns, where, matched)
    return f"{locked} DELETE FROM {table.name} AS t USING v WHERE {matched} AND {_IN_ORDER}"


@lru_cache(maxsize=64)
def among(table: Table, columns: str, names: tuple[str, ...]) -> str:
    """A query for `columns` of the rows whose `names` are among those of the arrays."""
    rows = _rows([table.c[name] for name in names])
    return f"SELECT {columns} FROM {rows} JOIN {table.name} AS t ON {_matched(table, names, 0)}"


_IN_ORDER = "(SELECT count(*) FROM locked) >= 0"
"""Has the rows locked before any is changed."""


def _locked(table: Table, columns: Sequence[Column[Any]], where: Sequence[str], matched: str) -> str:
    """The rows to change, locked in the order of their keys: two who change the same ones wait for each other, and never in a circle."""
    return (
        f"WITH v AS MATERIALIZED (SELECT * FROM {_rows(columns)}), locked AS MATERIALIZED "
        f"(SELECT 1 FROM {table.name} AS t JOIN v ON {matched} ORDER BY {_order(table, where)} FOR UPDATE OF t)"
    )


def _order(table: Table, where: Sequence[str]) -> str:
    return ", ".join(f"t.{_quoted(table.c[name])}" for name in where)


def _change(column: Column[Any], value: str, kept: bool) -> str:
    name = _quoted(column)
    return f"{name} = coalesce({value}, t.{name})" if kept else f"{name} = {value}"


def _matched(table: Table, where: Sequence[str], offset: int) -> str:
    return " AND ".join(f"t.{_quoted(table.c[name])} = v.c{i}" for i, name in enumerate(where, offset))


def _rows(columns: Sequence[Column[Any]]) -> str:
    parts = ", ".join(f"%s::{_name(column)}[]" for column in columns)
    names = ", ".join(f"c{i}" for i in range(len(columns)))
    return f"unnest({parts}) AS v({names})"


def _name(column: Column[Any]) -> str:
    """The name of its type, without how it is compared."""
    return "TEXT" if isinstance(column.type, Text) else column.type.compile(_DIALECT)


def _quoted(column: Column[Any]) -> str:
    return _DIALECT.identifier_preparer.quote(column.name)
