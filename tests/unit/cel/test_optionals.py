from __future__ import annotations

from typing import Any

import pytest

from engine.cel import DOUBLE, Optional, OptionalType, check
from tests.unit.cel.world import SCOPE, World, problems, run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.?discount.orValue(0.5)", 0.5),
        ("data.?discount.hasValue()", False),
        ("data.?amount.value()", 2000.0),
        ("data.?amount.optMap(a, a / 2.0).orValue(0.0)", 1000.0),
        ("data.?discount.optMap(a, a / 2.0).orValue(-1.0)", -1.0),
        ("data.?purpose.optFlatMap(p, optional.ofNonZeroValue(p.trim())).orValue('none')", "none"),
        ("data.?undeclared.orValue(7)", 7),
        ("data.?discount.value()", "!no_value"),
        ("data.?discount.or(data.?amount).value()", 2000.0),
        ("data.numbers[?0].orValue(0)", 3),
        ("data.numbers[?9].orValue(-1)", -1),
        ("data.scores[?'a'].value()", 1),
        ("data.scores[?'zz'].hasValue()", False),
        ("data.items[?5].?price.hasValue()", False),
        ("data.items[?0].price.value()", 2.5),
        ("any.?gone.deeper.hasValue()", False),
        ("any.nested.?gone", "!type_mismatch"),
        ("{'a': {'b': 1}}.?a.b.orValue(0)", 1),
        ("{'a': {}}.?a.b.orValue(0)", 0),
        ("has({'a': {'b': 1}}.?a.b) && !has({'a': {}}.?a.b)", True),
        ("customer.?name.orValue('unknown')", "unknown"),
        ("rep.?manager.?name.orValue('none')", "李雷"),
        ("[1, ?data.?undeclared, ?optional.of(2)]", [1, 2]),
        ("{'a': 1, ?'b': optional.of(2), ?'c': optional.none()}", {"a": 1, "b": 2}),
        ("optional.none() == optional.none() && optional.of(1) != optional.of(2)", True),
        ("optional.ofNonZeroValue(0).hasValue() || optional.ofNonZeroValue('').hasValue()", False),
        ("optional.ofNonZeroValue(0.0).hasValue() || optional.ofNonZeroValue([]).hasValue()", False),
        ("data.numbers.first().orValue(0) + data.numbers.last().orValue(0)", 5),
        ("[?dyn(1)]", "!type_mismatch"),
        ("dyn(optional.of(1)).optMap(x, x + 1).value()", 2),
    ],
)
def test_what_may_be_absent_is_read_without_a_guard(text: str, expected: Any) -> None:
    assert run(text) == expected


def test_a_root_that_may_be_absent_is_read_when_it_is_there() -> None:
    e = World()
    e.scoped["customer"] = "c1"
    assert run("customer.?name.orValue('unknown')", e) == "长江医院"


def test_whole_numbers_in_a_double_field_are_doubles() -> None:
    found = run("data.?amount.value()", World(amount=3))
    assert (found, type(found)) == (3.0, float)
    assert check("data.?amount", SCOPE).type == OptionalType(DOUBLE)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("data.?discount + 1.0", ["no_overload"]),
        ("data.?nowhere.?x", []),
        ("rep.?nme", ["unknown_field"]),
        ("data.amount.optMap(a, a)", ["wrong_type"]),
        ("data.?amount.optFlatMap(a, a)", ["wrong_type"]),
        ("[?data.amount]", ["wrong_type"]),
        ("customer.?name", []),
        ("customer.name", ["unguarded_optional"]),
        ("data.?amount.orValue('x') > 1.0", []),
        ("data.?amount.value", ["unknown_field"]),
    ],
)
def test_optional_values_are_checked(text: str, codes: list[str]) -> None:
    assert problems(text) == codes


def test_an_optional_value_shows_what_it_is() -> None:
    assert repr(Optional(1)) == "optional.of(1)"
    assert repr(Optional(None, present=False)) == "optional.none()"
