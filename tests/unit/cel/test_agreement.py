"""The compiled code and the exact evaluator agree on random typed expressions over random, sometimes broken, data."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cel import check
from tests.unit.cel.world import NOW, SCOPE, World, outcome

DEPTH = 3


def either(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


def join(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda values: template.format(*values))


@cache
def ints(depth: int) -> st.SearchStrategy[str]:
    leaves = either(
        "0", "1", "-3", "7", "9223372036854775807", "data.count", "params.limit", "data.numbers[0]",
        "data.numbers[5]", "data.scores.a", "data.scores['zz']", "int(any.nested[0])", "metrics.visits.target",
    )  # fmt: skip
    if depth == 0:
        return leaves
    a, t, c, m = ints(depth - 1), texts(depth - 1), conditions(depth - 1), numbers(depth - 1)
    return st.one_of(
        leaves,
        *(join(f"({{}} {op} {{}})", a, a) for op in "+-*/%"),
        join("-({})", a),
        join("({} ? {} : {})", c, a, a),
        join("size({})", t),
        join("{}[{}]", m, a),
        join("{}.size()", m),
        join("last_digit({})", t),
        join("int({})", doubles(depth - 1)),
        join("math.greatest({}, {})", a, a),
        join("metrics.visits.streak(n, {} > n)", a),
    )


@cache
def doubles(depth: int) -> st.SearchStrategy[str]:
    leaves = either(
        "0.0", "1.5", "-2.5", "1e308", "data.amount", "data.items[1].price",
        "(has(data.discount) ? data.discount : 0.1)", "double(any.nested[1])",
    )  # fmt: skip
    if depth == 0:
        return leaves
    d = doubles(depth - 1)
    return st.one_of(
        leaves,
        *(join(f"({{}} {op} {{}})", d, d) for op in "+-*/"),
        join("({} * 2)", d),
        join("-{}", d),
        join("double({})", ints(depth - 1)),
        join("math.round({})", d),
        join("({} ? {} : {})", conditions(depth - 1), d, d),
    )


@cache
def texts(depth: int) -> st.SearchStrategy[str]:
    leaves = either(
        "''", "'a1'", "'医院'", "data.region", "string(data.tier)", "data.tags[0]", "data.rep_id", "data.rep_id.name",
        "(has(data.purpose) ? data.purpose : 'none')", "string(any.nested[2])", "string(data.at)",
    )  # fmt: skip
    if depth == 0:
        return leaves
    t, i = texts(depth - 1), ints(depth - 1)
    return st.one_of(
        leaves,
        join("({} + {})", t, t),
        join("{}.replace({}, {})", t, t, t),
        join("{}.substring({})", t, i),
        join("{}.upperAscii()", t),
        join("string({})", i),
        join("string({})", doubles(depth - 1)),
        join("{}.split({}).join('|')", t, t),
        join("uid({}, {})", t, i),
        join("data.tags.map(t, t + {}).join()", t),
    )


@cache
def numbers(depth: int) -> st.SearchStrategy[str]:
    leaves = either("data.numbers", "[]", "[1, 2, 3]", "metrics.visits.last(2)", "[data.count, 1]")
    if depth == 0:
        return leaves
    m, i, c = numbers(depth - 1), ints(depth - 1), conditions(depth - 1)
    return st.one_of(
        leaves,
        join("({} + {})", m, m),
        join("{}.map(n, n + {})", m, i),
        join("{}.map(n, {}, n * 2)", m, c),
        join("{}.filter(n, n > {})", m, i),
    )


@cache
def conditions(depth: int) -> st.SearchStrategy[str]:
    leaves = either(
        "true", "false", "data.closed", "has(data.discount)", "has(rep.manager)", "any.flag", "(any.nested[2] == 1)",
        "has(customer.tier)", "has(any.nested)", "rep.active", "(data.tier in ['KA', 'A'])", "(now - data.at > days(2))",
    )  # fmt: skip
    if depth == 0:
        return leaves
    c, i, d, t, m = (make(depth - 1) for make in (conditions, ints, doubles, texts, numbers))
    return st.one_of(
        leaves,
        *(join(f"({{}} {op} {{}})", c, c) for op in ("&&", "||", "==")),
        *(join(f"({{}} {op} {{}})", i, d) for op in ("<", "<=", ">", ">=", "==", "!=")),
        join("({} < {})", t, t),
        join("({} == {})", m, m),
        join("({} in {})", i, m),
        join("({} in {})", d, m),
        join("({} in [{}, {}])", t, t, t),
        join("!({})", c),
        join("{}.contains({})", t, t),
        join("{}.exists(n, n == {})", m, i),
        join("{}.all(n, {} && n > 0)", m, c),
        join("{}.exists_one(n, n / {} > 0)", m, i),
        join("any.nested.exists(x, x == {})", d),
        join("data.items.all(i, i.price > {})", d),
    )  # fmt: skip


EXPRESSIONS = st.one_of(ints(DEPTH), doubles(DEPTH), texts(DEPTH), conditions(DEPTH), numbers(DEPTH))
DATA = st.fixed_dictionaries(
    {},
    optional={
        "count": st.sampled_from([0, 1, -(2**63), ...]),
        "amount": st.sampled_from([0, 1.5, -7, float("inf"), ...]),
        "discount": st.sampled_from([0.5, 1, None]),
        "region": st.sampled_from(["", "a1", "x" * 50, ...]),
        "tier": st.sampled_from(["KA", "C"]),
        "closed": st.booleans(),
        "purpose": st.sampled_from(["price", None]),
        "numbers": st.sampled_from([[], [0], [5, -1, 2], [1] * 20, ...]),
        "tags": st.sampled_from([[], ["a", "b"], None]),
        "items": st.sampled_from([[], [{"price": 1}], [{"price": 2.0}, {}], [{"price": 0}, {"price": None}]]),
        "scores": st.sampled_from([{}, {"a": 5}]),
        "rep_id": st.sampled_from(["r1", "m1", "nobody"]),
        "extra": st.sampled_from(
            [{}, {"nested": [True, 1, "x"]}, {"nested": [2, 2.0, 1], "flag": True}, {"flag": 1}, 5, None]
        ),
    },
)


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=EXPRESSIONS, data=DATA)
def test_compiled_code_and_the_exact_evaluator_agree(text: str, data: dict[str, Any]) -> None:
    checked = check(text, SCOPE)
    assert checked.problems == (), (text, checked.problems)
    outcome(checked, World(NOW, **data))
