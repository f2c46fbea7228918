from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cel.world import World, problems, run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.numbers.exists(n, n > 2)", True),
        ("data.numbers.exists(n, n > 5)", False),
        ("data.numbers.all(n, n > 0)", True),
        ("[].all(n, false)", True),
        ("[].exists(n, true)", False),
        ("data.numbers.exists_one(n, n > 2)", True),
        ("data.numbers.exists_one(n, n > 1)", False),
        ("data.numbers.map(n, n * 2)", [6, 2, 4]),
        ("data.numbers.map(n, n > 1, n * 2)", [6, 4]),
        ("data.numbers.filter(n, n > 1)", [3, 2]),
        ("data.items.map(i, i.price)", [2.5, 10.0]),
        ("data.items.map(i, i.price * double(i.count))", [5.0, 0.0]),
        ("data.items.filter(i, i.price > 3).size()", 1),
        ("data.scores.exists(k, data.scores[k] == 2)", True),
        ("data.scores.map(k, k)", ["a", "b"]),
        ("data.numbers.map(n, data.numbers.filter(m, m < n).size())", [2, 0, 1]),
        ("data.numbers.exists(n, data.numbers.all(m, n >= m))", True),
        ("data.numbers.map(data, data + 1)", [4, 2, 3]),
        ("any.nested.exists(x, x == 2.5)", True),
        ("any.nested.map(x, x + 1)", "!type_mismatch"),
        ("dyn(5).map(x, x)", "!type_mismatch"),
        ("data.numbers.filter(n, n in [1, 2] && data.tags.exists(t, t.startsWith('n')))", [1, 2]),
        ("data.numbers.map(n, data.tags.map(t, t + string(n)).join(' '))[0]", "new3 医院3"),
    ],
)
def test_macros_go_over_lists_and_keys(text: str, expected: Any) -> None:
    assert run(text) == expected


def test_a_streak_counts_the_newest_windows_in_a_row() -> None:
    e = World()
    assert run("metrics.visits.streak(n, n < 2)", e) == 2
    assert run("metrics.visits.streak(n, n > 2)", e) == 0
    e.metrics["visits"].closed = []
    assert run("metrics.visits.streak(n, n < 2)", e) == 0


def test_a_streak_stops_before_an_error_further_back_matters() -> None:
    e = World()
    e.metrics["visits"].closed = [1, 4, 0]
    assert run("metrics.visits.streak(n, 4 / n > 1)", e) == 1
    assert run("metrics.visits.streak(n, 8 / n > 1)", e) == "!division_by_zero"


def test_methods_of_records_are_called_with_their_arguments() -> None:
    assert run("metrics.visits.last(2)") == [1, 1]
    assert run("metrics.visits.last(1).exists(n, n < metrics.visits.target)") is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 / 0 > 1 || true", True),
        ("true || 1 / 0 > 1", True),
        ("1 / 0 > 1 && false", False),
        ("false && 1 / 0 > 1", False),
        ("1 / 0 > 1 && true", "!division_by_zero"),
        ("1 / 0 > 1 || false", "!division_by_zero"),
        ("1 / 0 > 1 || data.numbers[9] == 1", "!division_by_zero"),
        ("dyn(1) && false", False),
        ("dyn(1) && true", "!type_mismatch"),
        ("data.numbers.exists(n, 1 / (n - 3) < 0)", True),
        ("data.numbers.exists(n, 1 / (n - 3) > 5)", "!division_by_zero"),
        ("data.numbers.all(n, 1 / (n - 3) > 5)", False),
        ("data.numbers.all(n, 1 / (n - 3) <= 0)", "!division_by_zero"),
        ("data.numbers.exists_one(n, 1 / (n - 3) < 0)", "!division_by_zero"),
        ("data.numbers.filter(n, 1 / (n - 3) < 0)", "!division_by_zero"),
        ("1 / 0 > 1 ? true : true", "!division_by_zero"),
        ("!(1 / 0 > 1) || true", True),
    ],
)
def test_an_error_is_absorbed_by_what_decides_without_it(text: str, expected: Any) -> None:
    assert run(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.numbers.exists(i, n, i == 0 && n == 3)", True),
        ("data.numbers.all(i, n, n > i)", False),
        ("data.scores.existsOne(k, v, k == 'a' && v == 1)", True),
        ("data.numbers.exists_one(i, n, n > 1)", False),
        ("data.numbers.transformList(i, n, n * 10 + i)", [30, 11, 22]),
        ("data.numbers.transformList(i, n, i > 0, n)", [1, 2]),
        ("data.scores.transformMap(k, v, v * 2)", {"a": 2, "b": 4}),
        ("data.scores.transformMap(k, v, k != 'a', v)", {"b": 2}),
        ("data.numbers.transformMap(i, n, n)", {0: 3, 1: 1, 2: 2}),
        ("data.scores.transformMapEntry(k, v, {v: k})", {1: "a", 2: "b"}),
        ("data.scores.transformMapEntry(k, v, v > 1, {k + '!': v})", {"b!": 2}),
        ("data.scores.transformMapEntry(k, v, {'same': v})", "!bad_argument"),
        ("data.numbers.transformList(i, n, n / i)", "!division_by_zero"),
        ("any.nested.transformMap(i, x, x)", {0: 1, 1: 2.5, 2: "x"}),
        ("cel.bind(n, data.count, n * n)", 49),
        ("cel.bind(a, data.numbers, cel.bind(b, a.map(x, x + 1), a + b))", [3, 1, 2, 4, 2, 3]),
        ("data.numbers.map(n, cel.bind(m, n * 2, m + data.count))", [13, 9, 11]),
        ("cel.bind(bad, 1 / 0, true)", "!division_by_zero"),
        ("cel.bind(data, 5, data + 1)", 6),
    ],
)
def test_two_variables_and_names_for_values(text: str, expected: Any) -> None:
    assert run(text) == expected


def test_variables_have_the_types_of_what_they_go_over() -> None:
    assert problems("data.scores.exists(k, v, v == 'x')") == ["no_overload"]
    assert problems("data.tags.exists(i, t, i == 'x')") == ["no_overload"]
    assert problems("data.tags.all(t, t, true)") == ["syntax"]
    assert problems("cel.bind(n, data.count, n == 'x')") == ["no_overload"]
    assert problems("data.scores.transformMapEntry(k, v, v)") == ["wrong_type"]
    assert problems("cel.bind(n, data, n.discount > 1.0)") == ["unguarded_optional"]
