from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.cel import UInt
from tests.unit.cel.world import NOW, World, problems, run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.count + 1", 8),
        ("data.count - 10", -3),
        ("data.count * -2", -14),
        ("data.count / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 % -2", 1),
        ("-data.count", -7),
        ("2u + 3u", UInt(5)),
        ("7u / 2u", UInt(3)),
        ("18446744073709551615u / 5u", UInt(3689348814741910323)),
        ("18446744073709551615u / 1u", UInt(2**64 - 1)),
        ("7u % 4u", UInt(3)),
        ("9223372036854775807 + 1", "!overflow"),
        ("-9223372036854775808 - 1", "!overflow"),
        ("data.count * 9223372036854775807", "!overflow"),
        ("-9223372036854775808 / -1", "!overflow"),
        ("-(-9223372036854775808)", "!overflow"),
        ("1u - 2u", "!overflow"),
        ("data.count / 0", "!division_by_zero"),
        ("data.count % 0", "!division_by_zero"),
        ("1u / 0u", "!division_by_zero"),
    ],
)
def test_integers_are_checked_and_divide_towards_zero(text: str, expected: Any) -> None:
    assert run(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.amount * 2", 4000.0),
        ("2 * data.amount", 4000.0),
        ("data.amount * params.limit", 6000.0),
        ("data.amount", 2000.0),
        ("data.amount + 0.5", 2000.5),
        ("data.amount / 0", float("inf")),
        ("-data.amount / 0.0", float("-inf")),
        ("1.0 / -0.0", float("-inf")),
        ("string(0.0 / 0.0)", "NaN"),
        ("0.0 / 0.0 == 0.0 / 0.0", False),
        ("data.items[1].price", 10.0),
        ("-data.items[1].price", -10.0),
        ("[data.amount]", [2000.0]),
        ("string(data.amount)", "2000"),
        ("1e308 * 10.0", float("inf")),
    ],
)
def test_doubles_are_ieee_and_ints_from_json_are_doubles(text: str, expected: Any) -> None:
    found = run(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 == 1.0", True),
        ("1 == 1u", True),
        ("1u == 1.0", True),
        ("9007199254740993 == 9007199254740992.0", True),
        ("data.count < 7.5", True),
        ("data.amount >= 2000", True),
        ("-1 < 0u", True),
        ("'a' < 'b'", True),
        ("'Z' < 'a'", True),
        ("b'a' < b'b'", True),
        ("false < true", True),
        ("[1, 2.0] == [1.0, 2]", True),
        ("[1] == [1, 2]", False),
        ("{'a': 1} == {'a': 1.0}", True),
        ("{'a': 1} == {'b': 1}", False),
        ("any.nested[0] == 'x'", False),
        ("any.nested[1] > 2", True),
        ("any.nested[0] == true", False),
        ("any.nested[2] < 1", "!type_mismatch"),
        ("any.nested == [1, 2.5, 'x']", True),
        ("dyn(1) != dyn('1')", True),
        ("data.rep_id == 'r1'", True),
        ("data.customer_id == data.rep_id", ["no_overload", "unguarded_optional"]),
        ("null == null", True),
    ],
)
def test_numbers_compare_across_types_and_nothing_else_does(text: str, expected: Any) -> None:
    assert (sorted(problems(text)) if isinstance(expected, list) else run(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.tier in ['KA', 'A']", True),
        ("data.tier in params.tiers", True),
        ("data.count in [1, 7.0]", True),
        ("data.amount in [2000]", True),
        ("'new' in data.tags", True),
        ("2 in data.numbers", True),
        ("data.amount in [1.0, data.amount]", True),
        ("'a' in data.scores", True),
        ("'z' in data.scores", False),
        ("2.5 in any.nested", True),
        ("true in any.nested", False),
        ("1 in {1: 'x'}", True),
        ("1 in dyn(1)", "!type_mismatch"),
        ("dyn(true) in {1: 'x'}", False),
        ("data.items[0].count in []", False),
    ],
)
def test_in_asks_for_items_of_lists_and_keys_of_maps(text: str, expected: Any) -> None:
    assert run(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.numbers[0]", 3),
        ("data.numbers[data.count - 6]", 1),
        ("data.numbers[3]", "!out_of_range"),
        ("data.numbers[-1]", "!out_of_range"),
        ("data.numbers[data.count - 8]", "!out_of_range"),
        ("data.scores['b']", 2),
        ("data.scores.b", 2),
        ("data.scores['z']", "!no_such_key"),
        ("data.scores.z", "!no_such_key"),
        ("data['region']", "east"),
        ("any.nested[2]", "x"),
        ("any.missing", "!no_such_key"),
        ("any.nested.x", "!type_mismatch"),
        ("any.nested['x']", "!type_mismatch"),
        ("{1: 'a'}[1.0]", "a"),
        ("{1: 'a', 1: 'b'}", "!bad_argument"),
        ("{dyn(1.5): 'a'}", "!type_mismatch"),
    ],
)
def test_indexing_never_wraps_around_and_names_what_is_missing(text: str, expected: Any) -> None:
    assert run(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'a' + 'b'", "ab"),
        ("data.region + '-' + data.tier", "east-KA"),
        ("b'a' + b'b'", b"ab"),
        ("[1] + [2, 3]", [1, 2, 3]),
        ("data.numbers + [9]", [3, 1, 2, 9]),
        ("dyn('a') + 'b'", "ab"),
        ("dyn('a') + 1", "!type_mismatch"),
        ("dyn(1) + 1.0", "!type_mismatch"),
        ("data.at + days(1)", NOW - timedelta(days=2)),
        ("days(1) + data.at", NOW - timedelta(days=2)),
        ("data.at - hours(24)", NOW - timedelta(days=4)),
        ("now - data.at", timedelta(days=3)),
        ("data.took + minutes(30)", timedelta(hours=2)),
        ("data.took - hours(2)", timedelta(minutes=-30)),
        ("-data.took", timedelta(minutes=-90)),
        ("timestamp('9999-12-31T00:00:00Z') + days(1)", "!overflow"),
        ("duration('315576000000s') + duration('1s')", "!overflow"),
        ("data.at < now", True),
        ("data.took >= hours(1.5)", True),
        ("true ? 1 : 2", 1),
        ("data.closed ? 'c' : 'o'", "o"),
        ("!data.closed", True),
        ("!dyn(1)", "!type_mismatch"),
        ("dyn(1) ? 1 : 2", "!type_mismatch"),
        ("data.closed ? 1 : 2.5", 2.5),
        ("data.closed ? 2.5 : 1", 1.0),
    ],
)
def test_texts_lists_and_times_have_operators_of_their_own(text: str, expected: Any) -> None:
    found = run(text)
    assert (found, type(found)) == (expected, type(expected))


def test_a_field_that_should_be_there_and_is_not_is_an_error_with_its_place() -> None:
    assert run("data.region == 'east'", World(region=...)) == "!no_such_field"
    assert run("data.amount > 5", World(amount="many")) == "!type_mismatch"


def test_a_reference_walks_to_its_entity() -> None:
    assert run("data.rep_id.name") == "王芳"
    assert run("has(data.rep_id.manager) ? data.rep_id.manager.name : ''") == "李雷"
    assert run("data.rep_id.name", World(rep_id="nobody")) == "!unknown_reference"
