from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.core.program import Program
from engine.pack import Diagnostic

PACK = """
pack:
  name: p
  params:
    stall: 72h
    limit: 3
    share: {value: 0.5, title: {zh: 比例, en: Share}}
    strict: true
    word: plain
"""


def test_params_have_the_types_of_what_is_written(compiled: Callable[..., Program]) -> None:
    params = compiled(PACK).params

    assert params == {"stall": timedelta(hours=72), "limit": 3, "share": 0.5, "strict": True, "word": "plain"}


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("stall", "60d", timedelta(days=60)),
        ("stall", timedelta(days=1), timedelta(days=1)),
        ("limit", "4", 4),
        ("share", "1", 1.0),
        ("share", 2, 2.0),
        ("strict", "false", False),
        ("word", "3", "3"),
    ],
)
def test_an_override_is_read_like_the_default(
    compiled: Callable[..., Program], name: str, given: Any, value: Any
) -> None:
    found = compiled(PACK, {name: given}).params[name]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("stal", "60d", "unknown_param"),
        ("stall", "long", "bad_value"),
        ("limit", "4.5", "bad_value"),
        ("limit", 4.5, "bad_value"),
        ("limit", True, "bad_value"),
        ("limit", "9223372036854775808", "bad_value"),
        ("share", "half", "bad_value"),
        ("share", "NaN", "bad_value"),
        ("share", "inf", "bad_value"),
        ("share", "-Infinity", "bad_value"),
        ("share", "1e999", "bad_value"),
        ("share", float("nan"), "bad_value"),
        ("strict", "maybe", "bad_value"),
    ],
)
def test_an_override_that_does_not_fit_is_told(
    problems: Callable[..., list[Diagnostic]], name: str, given: Any, code: str
) -> None:
    (found,) = problems(PACK, {name: given})

    assert found.code == code
    assert str(found.place) == "--param:1:1"
