from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.cel import check
from tests.unit.cel.world import SCOPE, World, problems, run


@pytest.fixture(autouse=True)
def bounded_time() -> Iterator[None]:
    """An attack that takes seconds of the processor has succeeded."""
    started = time.process_time()
    yield
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        "(" * 9_999 + "1" + ")" * 9_999,
        "(" * 10_000,
        "[" * 10_000,
        "{1:" * 5_000,
        "!" * 10_000 + "true",
        "-" * 10_000 + "a",
        "f(" * 5_000,
        "a[" * 5_000,
        "true ? 1 : " * 1_500 + "2",
        "1" + " + 1" * 4_000,
        "a" + ".b" * 8_000,
        "a || (b && (c == (d + (e * (" * 500,
        "[1].map(a, " * 500 + "1" + ")" * 500,
    ],
)
def test_deep_nesting_is_refused_before_it_hurts(text: str) -> None:
    assert problems(text) == ["too_deep"]


def test_a_hundred_levels_are_accepted_by_every_pass() -> None:
    assert run("(" * 99 + "1" + ")" * 99) == 1
    assert run("1" + " + 1" * 99) == 100
    assert run("1 + (" * 97 + "1" + ")" * 97) == 98
    assert run("string(" * 97 + "'a'" + ")" * 97) == "a"
    assert run("(data.closed ? 1 : " * 97 + "2" + ")" * 97) == 2
    assert run("(true && (false || " * 49 + "data.closed" + "))" * 49) is False
    assert run("!" * 96 + "(data.count == 7)") is True
    assert run("data.closed ? 1 : " * 97 + "2") == 2
    assert run("[1].map(x, " * 48 + "data.count" + ")[0]" * 48) == 7


def test_long_chains_of_conditions_are_not_deep() -> None:
    assert run(" || ".join(["data.count == 1"] * 1_000)) is False
    assert run(" && ".join(["has(data.discount)"] * 900)) is False


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1" * 10_000, "syntax"),
        ("0x" + "f" * 10_000, "syntax"),
        ("'" + "x" * 30_000 + "'", "too_long"),
        ("'" + "\\" * 9_999, "syntax"),
        ('"""' + '"' * 1 + "x" * 10_000, "syntax"),
        ("1." + "1" * 10_000 + "e9999", "syntax"),
    ],
)
def test_huge_literals_are_refused(text: str, code: str) -> None:
    assert problems(text) == [code]


def nest(depth: int, size: int = 100) -> str:
    big = "[" + ", ".join(["1"] * size) + "]"
    text = "true"
    for level in range(depth):
        text = f"{big}.all(x{level}, {text})"
    return text


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (nest(4), {}),
        ("data.numbers.all(a, data.numbers.all(b, data.numbers.all(c, a + b + c > 0)))", {"numbers": [1] * 2_000}),
        ("data.numbers.all(n, n > 0)", {"numbers": [1] * 100_001}),
        ("data.numbers.map(n, data.numbers)" + ".map(l, l + l)" * 3 + ".size() > 0", {"numbers": [1] * 60_000}),
        ("data.numbers.all(a, data.numbers.all(b, a == b)) || true", {"numbers": [1] * 5_000}),
        ("data.numbers.all(a, !(a in data.numbers.map(b, b + 1)))", {"numbers": [1] * 5_000}),
        ("data.numbers.all(a, [data.numbers] == [data.numbers + []])", {"numbers": [1] * 50_000}),
        (
            "data.numbers.all(a, data.region.replace('x', 'y') != '')",
            {"numbers": [1] * 90_000, "region": "x" * 900_000},
        ),
        (
            "data.numbers.all(a, data.region.matches('(y+)+$') || a > 0)",
            {"numbers": [1] * 90_000, "region": "y" * 900_000},
        ),
        ("data.numbers.all(a, data.region + 'x' != '')", {"numbers": [1] * 90_000, "region": "x" * 900_000}),
        ("data.numbers.all(a, !(string(a) in data.tags))", {"numbers": [1] * 90_000, "tags": ["x"] * 50_000}),
    ],
)
def test_macros_run_out_of_budget_and_nothing_absorbs_that(text: str, data: dict[str, Any]) -> None:
    assert run(text, World(**data)) == "!iteration_budget"


def test_a_budget_is_for_one_evaluation_and_short_circuits_save_it() -> None:
    e = World(numbers=[1] * 60_000)
    assert run("data.numbers.all(n, n > 0)", e) is True
    assert run("data.numbers.all(n, n > 0) && data.numbers.all(n, n > 0)", e) == "!iteration_budget"
    assert run("data.numbers.exists(n, n > 0) && data.numbers.exists(n, n > 0)", e) is True


def test_results_are_bounded() -> None:
    e = World(region="x" * 600_000, numbers=[1] * 600_000)
    assert run("data.region + data.region", e) == "!too_large"
    assert run("data.numbers + data.numbers", e) == "!too_large"
    assert run("data.region.replace('x', 'xx')", e) == "!too_large"
    assert run("[data.region, data.region].join()", e) == "!too_large"
    assert run("data.region.replace('x', '')", e) == ""


def test_structures_that_share_their_parts_do_not_explode() -> None:
    doubling = "[1]" + "".join(f".map(a{n}, [a{n}, a{n}])" for n in range(30))
    assert run(f"{doubling} == {doubling.replace('[1]', '[1, 1]', 1)}") is False
    assert run(f"{doubling} == {doubling}") == "!iteration_budget"


def test_regular_expressions_match_in_linear_time() -> None:
    assert run("data.region.matches('(a+)+$')", World(region="a" * 50_000 + "!")) is False
    assert run("data.region.matches(data.region + '(a{1000}){1000}')") == "!bad_regex"
    assert problems("data.region.matches('(a{1000}){1000}')") == ["wrong_type"]


def test_nested_conditions_are_checked_in_bounded_time() -> None:
    guarded = "has(data.discount)"
    for _ in range(45):
        guarded = f"({guarded} ? has(data.purpose) : has(data.due))"
    assert problems(f"{guarded} && data.count > 1") == []
    clocked = "days(1)"
    for _ in range(16):
        clocked = f"(now - data.at > {clocked} ? days(1) : days(2))"
    assert problems(f"now - data.at > {clocked}") == []


def test_constant_work_is_not_repeated_at_every_level() -> None:
    grow = "'aaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaa')" * 4 + ".replace('a', 'b').replace('b', 'a')" * 40
    checked = check(grow, SCOPE)
    assert checked.problems == ()
    assert len(run(grow)) == 100_000
