from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cel.world import problems, run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2, 3, 4].slice(1, 3)", [2, 3]),
        ("[1, 2].slice(1, 3)", "!out_of_range"),
        ("[1, 2].slice(2, 1)", "!out_of_range"),
        ("[[1, 2], [3]].flatten()", [1, 2, 3]),
        ("[[1, [2]], [3]].flatten()", [1, [2], 3]),
        ("[[1, [2]], [3]].flatten(2)", [1, 2, 3]),
        ("[[1]].flatten(-1)", "!bad_argument"),
        ("lists.range(4)", [0, 1, 2, 3]),
        ("lists.range(10001)", "!out_of_range"),
        ("lists.range(-1)", "!out_of_range"),
        ("[3, 1, 3, 2, 1].distinct()", [3, 1, 2]),
        ("[dyn(1), 1.0, true, '1', 1u].distinct()", [1, True, "1"]),
        ("[[1], [2], [1.0]].distinct()", [[1], [2]]),
        ("[{'a': 1}, {'a': 1}].distinct().size()", 1),
        ("[3, 1, 2].sort()", [1, 2, 3]),
        ("['b', 'a', '医'].sort()", ["a", "b", "医"]),
        ("[dyn(2.5), 1, 2u].sort()", [1, 2, 2.5]),
        ("[dyn(1), 'a'].sort()", "!type_mismatch"),
        ("[[1], [2]].sort()", "!type_mismatch"),
        ("[].sort()", []),
        ("data.items.sortBy(i, -i.price).map(i, i.price)", [10.0, 2.5]),
        ("['bb', 'a', 'cc'].sortBy(s, s.size())", ["a", "bb", "cc"]),
        ("[1, 2, 3].reverse()", [3, 2, 1]),
        ("[1, 2].first().value() + [1, 2].last().value()", 3),
        ("[].first().hasValue()", False),
    ],
)
def test_functions_of_lists(text: str, expected: Any) -> None:
    assert run(text) == expected


def test_their_results_have_types() -> None:
    assert problems("data.tags.sort()[0] + 1") == ["no_overload"]
    assert problems("[[1]].flatten()[0] + 1") == []
    assert problems("data.tags.first().value() + 1") == ["no_overload"]
    assert problems("data.tags.distinct().exists(t, t > 1)") == ["no_overload"]
