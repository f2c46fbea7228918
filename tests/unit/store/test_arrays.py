"""Columns as PostgreSQL writes arrays: what the server reads back is what was meant."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.store.arrays import literal

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.sampled_from(
    ["", "null", "NULL", '"', "\\", "\\n", "{a,b}", " x ", "a\nb", "\x1f", "\x7f", "王芳", "\\x61"]
)
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
    "bytea": st.binary(max_size=40),
}


@pytest.mark.parametrize("kind", COLUMNS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_read_back_is_what_was_written(database: str, kind: str, data: st.DataObject) -> None:
    column = data.draw(st.lists(st.none() | COLUMNS[kind], min_size=1, max_size=30))
    with psycopg.connect(database, autocommit=True) as connection:
        found = connection.execute(f"SELECT %s::{kind}[]", (literal(column),)).fetchone()
    assert found == (column,)


def test_what_has_no_control_character_is_one_text() -> None:
    assert literal(["a", None, '"b\\']) == '{"a",null,"\\"b\\\\"}'
    assert literal([b"ab", None]) == '{"\\\\x6162",null}'
    assert literal([True, False]) == "{true,false}"
    assert literal(["a\nb"]) == ["a\nb"]
