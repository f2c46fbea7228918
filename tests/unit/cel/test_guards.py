from __future__ import annotations

from typing import Any

import pytest

from engine.cel import check
from tests.unit.cel.world import NOW, SCOPE, World, problems, run


@pytest.mark.parametrize(
    "text",
    [
        "has(data.discount) && data.discount > 0.1",
        "data.closed && has(data.discount) && data.discount > 0.1",
        "!has(data.discount) || data.discount > 0.1",
        "has(data.discount) ? data.discount > 0.1 : false",
        "!has(data.discount) ? false : data.discount > 0.1",
        "!(!has(data.discount)) && data.discount > 0.1",
        "!(!has(data.discount) || data.closed) && data.discount > 0.1",
        "!(has(data.discount) && data.closed) || data.discount > 0.1",
        "(has(data.discount) && has(data.purpose)) && data.purpose == 'x' && data.discount > 0.1",
        "(has(data.discount) && data.closed || has(data.discount) && data.count > 1) && data.discount > 0.1",
        "(data.closed ? has(data.discount) : has(data.discount)) && data.discount > 0.1",
        "(has(data.discount) ? true : false) && data.discount > 0.1",
        "has(data.discount) && data['discount'] > 0.1",
        "has(data.undeclared) && data.undeclared == 1",
        "has(customer) && customer.name == 'x'",
        "has(customer.tier) && customer.tier == 'KA' && customer.name != ''",
        "has(rep.manager) && rep.manager.name == 'x'",
        "has(rep.manager.manager) && rep.manager.manager.name == 'x'",
        "has(data.customer_id) && has(data.customer_id.tier) && data.customer_id.tier == 'KA'",
        "data.numbers.all(n, !has(data.discount) || data.discount > 0.1)",
        "has(data.discount) && data.numbers.exists(n, data.discount > 0.1)",
        "data.items.filter(i, has(data.discount) && i.price > data.discount).size() > 0",
    ],
)
def test_what_a_guard_covers_may_be_read(text: str) -> None:
    assert problems(text) == []
    run(text, World())
    run(text, World(discount=0.5, purpose="x", undeclared=1, customer_id="c1"))


@pytest.mark.parametrize(
    "text",
    [
        "data.discount > 0.1",
        "has(data.discount) || data.discount > 0.1",
        "!has(data.discount) && data.discount > 0.1",
        "data.discount > 0.1 && has(data.discount)",
        "has(data.purpose) && data.discount > 0.1",
        "has(data.discount) ? false : data.discount > 0.1",
        "(has(data.discount) || data.closed) && data.discount > 0.1",
        "has(data.discount) && data.closed || data.discount > 0.1",
        "customer.name == 'x'",
        "rep.manager.name == 'x'",
        "data.undeclared == 1",
        "data['discount'] > 0.1",
        "has(data.discount) && data.items.exists(data, data.price > 1) && customer == customer",
        "[data.discount]",
    ],
)
def test_what_no_guard_covers_is_refused(text: str) -> None:
    assert "unguarded_optional" in problems(text)


def test_a_macro_variable_takes_its_name_away_from_the_guards() -> None:
    text = "has(data.discount) && data.items.exists(customer, has(customer.x) || customer.price > 1)"
    assert problems(text) == ["unknown_field"]
    shadowed = "has(customer.tier) && data.tags.exists(customer, customer == 'x') && customer.tier == 'KA'"
    assert problems(shadowed) == []


def test_a_problem_names_what_is_missing_and_what_to_write() -> None:
    (problem,) = check("data.closed && data.discount > 0.1", SCOPE).problems
    assert (problem.start, problem.end) == (15, 28)
    assert problem.message == "`data.discount` may be absent"
    assert problem.hint == "write `has(data.discount) && …`"


def test_a_misspelt_field_of_an_open_record_gets_both_hints() -> None:
    (problem,) = check("data.amuont > 1.0", SCOPE).problems
    assert problem.hint == "write `has(data.amuont) && …`, or did you mean `amount`?"


def test_conditions_that_are_known_to_be_true_guard_too() -> None:
    when = check("has(data.discount) && data.count > 1", SCOPE)
    assert check("data.discount * 2", SCOPE, given=[when]).problems == ()
    assert check("data.discount * 2", SCOPE, given=[check("data.closed", SCOPE)]).problems != ()


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("has(data.discount)", {}, False),
        ("has(data.discount)", {"discount": None}, False),
        ("has(data.discount)", {"discount": 0.0}, True),
        ("has(data.region)", {}, True),
        ("has(customer)", {}, False),
        ("has(customer.tier)", {}, False),
        ("has(rep.manager.name)", {}, True),
        ("has(rep.manager.manager)", {}, False),
        ("has(rep.manager.manager.name)", {}, False),
        ("has(data.customer_id.tier)", {}, False),
        ("has(data.customer_id.tier)", {"customer_id": "c1"}, True),
        ("has(data.customer_id.tier)", {"customer_id": "c9"}, "!unknown_reference"),
        ("has(data.scores.a)", {}, True),
        ("has(data.scores.z)", {}, False),
        ("has(any.nested)", {}, True),
        ("has(any.nested.x)", {}, "!type_mismatch"),
        ("has(metrics.visits.now)", {}, False),
    ],
)
def test_has_is_false_for_what_is_missing_anywhere_on_the_way(text: str, data: dict[str, Any], expected: Any) -> None:
    assert run(text, World(NOW, **data)) == expected


def test_has_of_what_is_always_there_or_cannot_be_is_a_problem() -> None:
    assert problems("has(rep)") == ["wrong_type"]
    assert problems("has(rep.nmae)") == ["unknown_field"]
    assert problems("has(nobody)") == ["unknown_name"]
