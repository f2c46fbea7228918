"""Expressions that are written to hurt: each ends with an error outcome, by a bound and not by a clock."""

from __future__ import annotations

import pytest

from engine.cel import check, trace
from engine.cel.values import LARGEST, fits
from tests.unit.cel.world import SCOPE, World, problems, run


def doubled(levels: int) -> str:
    """A list that holds itself twice, level by level: small in memory, 2**levels items on paper."""
    return "[1]" + "".join(f".map(a{n}, [a{n}, a{n}])" for n in range(levels))


def bound(levels: int, body: str) -> str:
    """The same by names: `x0` is a list, each further name holds the one before twice."""
    names = "".join(f"cel.bind(x{n + 1}, [x{n}, x{n}], " for n in range(levels))
    return f"cel.bind(x0, [1], {names}{body.format(levels)}{')' * (levels + 1)}"


@pytest.mark.parametrize(
    "text",
    [
        "cel.bind(x, " * 1_500 + "1",
        "a" + ".?b" * 5_000,
        "a" + "[?0]" * 4_900,
        "[?" * 5_000,
        "{?" * 5_000,
        ".a" + ".b" * 9_000,
        "[1]" + ".map(x, x)" * 1_500,
        "[1].transformList(i, v, " * 500 + "1" + ")" * 500,
        "optional.of(" * 1_500 + "1" + ")" * 1_500,
        "'%s'.format([" * 1_200 + "1" + "])" * 1_200,
    ],
)
def test_thousands_of_levels_are_refused_by_the_parser(text: str) -> None:
    assert problems(text) == ["too_deep"]


@pytest.mark.parametrize(
    "text",
    [
        "data.numbers.all(i, n, data.numbers.all(j, m, data.numbers.all(k, o, o + m + n >= 0)))",
        "data.numbers.transformMap(i, n, data.numbers.transformList(j, m, m + n)).size() > 0",
        "data.numbers.map(n, data.numbers.sortBy(m, m + n)).size() > 0",
        "data.numbers.map(n, cel.bind(x, data.numbers, x.filter(m, m > n))).size() > 0",
        "data.numbers.map(n, lists.range(9999 + n % 2)).size() > 0",
        "data.numbers.map(n, data.numbers.sort()).size() > 0",
        "data.numbers.map(n, data.numbers.distinct()).size() > 0",
        "data.numbers.map(n, '%s'.format([data.numbers])).size() > 0",
        "data.numbers.map(n, optional.of(data.numbers).orValue([])).size() > 0",
        "data.numbers.map(n, strings.quote(data.region)).size() > 0",
        "data.numbers.map(n, [n]).distinct().size() > 0",
    ],
)
def test_loops_in_loops_run_out_of_budget(text: str) -> None:
    e = World(numbers=list(range(30_000)), region="x" * 100_000)
    assert run(text, e) == "!iteration_budget"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (doubled(30), "too_large"),
        (bound(40, "x{}"), "too_large"),
        (bound(40, "{{'k': x{}}}"), "too_large"),
        (bound(40, "optional.of(x{})"), "too_large"),
        (bound(40, "'%s'.format([x{}])"), "too_large"),
        (bound(40, "x{}.flatten(60)"), "too_large"),
        (bound(40, "[x{0}] == [x{0}]"), "iteration_budget"),
        (bound(40, "[x{0}, x{0}].distinct().size()"), "iteration_budget"),
    ],
)
def test_lists_that_hold_themselves_twice_never_leave_an_expression(text: str, code: str) -> None:
    assert run(text) == f"!{code}"


def test_the_trace_of_an_endless_value_is_an_error_at_the_whole() -> None:
    found = trace(check(doubled(30), SCOPE), World())
    assert found.error is not None
    assert (found.error.code, found.error.start, found.error.end) == ("too_large", 0, len(doubled(30)))


def test_what_fits_is_counted_on_paper() -> None:
    assert fits(["x" * 10] * 5, 60)
    assert not fits(["x" * 10] * 5, 50)
    assert not fits({"k": [1] * (LARGEST + 1)})
    endless: list[object] = [1]
    for _ in range(200):
        endless = [endless, endless]
    assert not fits(endless)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("data.region.matches('(a+)+$')", False),
        ("data.region.matches('(a|aa)*b')", False),
        ("data.region.matches('(.*a){20}b$')", False),
        ("data.region.matches(data.region + '((a{100}){100}){100}')", "!bad_regex"),
        ("data.region.matches(data.region + '[')", "!bad_regex"),
    ],
)
def test_patterns_that_others_never_finish(text: str, code: object) -> None:
    assert run(text, World(region="a" * 20_000 + "!")) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1 / (data.count - 7)", "division_by_zero"),
        ("1 % (data.count - 7)", "division_by_zero"),
        ("1u / uint(data.count - 7)", "division_by_zero"),
        ("9223372036854775807 + data.count", "overflow"),
        ("-9223372036854775808 - data.count", "overflow"),
        ("9223372036854775807 * data.count", "overflow"),
        ("-(-9223372036854775808 + data.count - 7)", "overflow"),
        ("0u - uint(data.count)", "overflow"),
        ("int(1e300 * data.amount)", "overflow"),
        ("duration('87660000h') + duration('87660000h')", "overflow"),
        ("data.at + duration('87660000h')", "overflow"),
        ("timestamp(9223372036854775807)", "overflow"),
        ("int('" + "9" * 5_000 + "')", "bad_argument"),
        ("double('" + "9" * 5_000 + "')", "bad_argument"),
        ("duration('" + "9" * 5_000 + "h')", "bad_argument"),
        ("'%.999f'.format([1.0]).size()", None),
        ("'%.1000f'.format([1.0])", "bad_argument"),
        ("math.bitShiftLeft(1, 9223372036854775807)", None),
    ],
)
def test_numbers_beyond_their_range_are_errors(text: str, code: str | None) -> None:
    found = run(text)
    assert found == f"!{code}" if code is not None else isinstance(found, int)


@pytest.mark.parametrize("text", ["9" * 5_000, "0x" + "F" * 5_000, "9" * 5_000 + "u", "1e99999", "9" * 5_000 + ".0"])
def test_huge_numbers_are_refused_where_they_are_written(text: str) -> None:
    assert problems(text) == ["syntax"]
