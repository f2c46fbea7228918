from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from engine.cel.values import UInt
from engine.core.equality import hashed, stored

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EQUAL = [
    (1, 1.0),
    (UInt(3), 3),
    ([1, [2.0]], [1.0, [2]]),
    ({"a": 1, "b": [True]}, {"b": [True], "a": 1.0}),
    (NOON, NOON.astimezone(timezone(timedelta(hours=8)))),
    ([NOON], [NOON.astimezone(timezone(timedelta(hours=8)))]),
    (timedelta(hours=1), timedelta(minutes=60)),
]
DIFFERENT = [
    (True, 1),
    ([1], [True]),
    (["a", "b"], ["a,b"]),
    (["a"], "a"),
    ({"a": 1}, {"a": 2}),
    ({"a": None}, {}),
    ([], {}),
    (timedelta(hours=1), timedelta(hours=2)),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_what_is_equal_has_one_key(one: Any, other: Any) -> None:
    assert hashed(one) == hashed(other)
    assert hash(hashed(one)) == hash(hashed(other))
    assert stored(one) == stored(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_differs_has_different_keys(one: Any, other: Any) -> None:
    assert hashed(one) != hashed(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT[1:])
def test_keys_that_are_written_differ_as_well(one: Any, other: Any) -> None:
    assert stored(one) != stored(other)
