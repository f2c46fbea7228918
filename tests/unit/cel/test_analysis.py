from __future__ import annotations

from typing import Any

import pytest

from engine.cel import (
    INT,
    Binding,
    Scope,
    as_equality,
    as_threshold,
    check,
    compile_expression,
    conjuncts,
    parse,
    sub,
)
from engine.cel.scope import source_tree
from tests.unit.cel.world import SCOPE, World


def test_conjuncts_are_the_parts_that_must_all_hold() -> None:
    parts = conjuncts(parse("a && (b && c || d) && (e && f)"))
    assert [part.text for part in parts] == ["a", "b && c || d", "e", "f"]
    assert [part.text for part in conjuncts(parse("a || b"))] == ["a || b"]


def test_a_part_is_an_expression_of_its_own() -> None:
    checked = check("has(data.discount) && data.discount > 0.1 && now >= data.at", SCOPE)
    guard, threshold, clock = (sub(checked, part) for part in conjuncts(checked.node))
    assert threshold.problems == ()
    assert threshold.reads == {("data", "discount")}
    assert (guard.ticking, threshold.ticking, clock.ticking) == (False, False, True)
    assert compile_expression(threshold)(World(discount=0.5)) is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.region == 'east'", (("data", "region"), "east")),
        ("'east' == data.region", (("data", "region"), "east")),
        ("data.count == params.limit", (("data", "count"), 3)),
        ("data.count == 2 + 3", (("data", "count"), 5)),
        ("rep.manager.name == 'x'", (("rep", "manager", "name"), "x")),
        ("data.region == data.tier", None),
        ("data.region != 'east'", None),
        ("data.numbers[0] == 1", None),
        ("data.count == 1 / 0", None),
        ("params.limit == 3", None),
        ("unknown.region == 'east'", None),
        ("data.closed", None),
    ],
)
def test_an_equality_with_a_constant_is_recognised(text: str, expected: Any) -> None:
    assert as_equality(parse(text), SCOPE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.amount > 1000.0", (("data", "amount"), ">", 1000.0)),
        ("1000.0 > data.amount", (("data", "amount"), "<", 1000.0)),
        ("params.limit <= data.count", (("data", "count"), ">=", 3)),
        ("data.count < -5", (("data", "count"), "<", -5)),
        ("data.count == 5", None),
        ("data.count + 1 > 5", None),
    ],
)
def test_a_threshold_is_turned_so_that_the_path_is_on_the_left(text: str, expected: Any) -> None:
    assert as_threshold(parse(text), SCOPE) == expected


@pytest.mark.parametrize("source", ["e.data if e else 0", "x.data", "lambda: e", "[e]", "e.a + e.b"])
def test_a_binding_is_a_plain_reading_of_the_environment(source: str) -> None:
    with pytest.raises(ValueError, match="not a reading"):
        source_tree(source)


def test_roots_may_be_calls_and_subscripts() -> None:
    scope = Scope({"x": Binding(INT, "e['values'][0]"), "y": Binding(INT, "e.get('y')")})
    assert compile_expression(check("x + y + x", scope))({"values": [3], "y": 4}) == 10
