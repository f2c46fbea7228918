from __future__ import annotations

from typing import Any

import pytest

from engine.cel import BOOL, DYN, INT, STRING, Binding, Denotation, MapType, Scope, check, compile_expression, parse
from engine.cel.naming import resolve
from tests.unit.cel.world import outcome, problems

DOTTED = Scope(
    {
        "a.b": Binding(MapType(STRING, INT), "e['a.b']"),
        "a.b.c": Binding(INT, "e['a.b.c']"),
        "x.y.n": Binding(INT, "e['x.y.n']"),
        "n": Binding(STRING, "e['n']"),
        "int": Binding(BOOL, "e['int']"),
    },
    container="x.y",
)
VALUES: dict[str, Any] = {"a.b": {"c": 1, "d": 2}, "a.b.c": 3, "x.y.n": 4, "n": "root", "int": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b.c", 3),
        ("a.b.d", 2),
        ("a.b['c']", 1),
        ("n", 4),
        (".n", "root"),
        ("[1].map(n, n)", [1]),
        ("int", True),
        ("type(n) == type(1)", True),
        ("type('') == string", True),
        ("{'content-type': 1}.`content-type`", 1),
    ],
)
def test_names_are_found_with_their_dots_and_in_their_container(text: str, expected: Any) -> None:
    checked = check(text, DOTTED)
    assert checked.problems == ()
    assert outcome(checked, VALUES) == expected


def test_a_variable_cannot_be_mistaken_for_the_root_that_it_hides() -> None:
    assert problems("[1].map(n, .n)", DOTTED) == ["unknown_name"]


def test_a_tree_without_such_names_stays_the_same_object() -> None:
    node = parse("data.numbers.map(n, n + 1).exists(m, m > data.count ? true : [1, 2] == [])")
    assert resolve(node, Scope({"data": Binding(DYN, "e")})) is node


def test_what_is_not_checked_is_looked_up_when_it_is_evaluated() -> None:
    scope = Scope({"m": Binding(DYN, "e")})

    def unchecked(text: str) -> Any:
        checked = check(text, scope, typed=False)
        assert checked.problems == ()
        return outcome(checked, {"n": 1, "s": "x"})

    assert unchecked("nowhere || true") is True
    assert unchecked("nowhere") == "!unknown_name"
    assert unchecked("m.f(1)") == "!unknown_function"
    assert unchecked("1 + 'a'") == "!type_mismatch"
    assert unchecked("1 == 'a'") is False
    assert unchecked("m.n < m.s") == "!type_mismatch"
    assert unchecked("'x' && false") is False
    assert unchecked("size(1, 2)") == "!type_mismatch"
    assert [problem.code for problem in check("1 +", scope, typed=False).problems] == ["syntax"]


def test_a_literal_with_a_null_character_compiles() -> None:
    found = compile_expression(check("b'\0' == b'\\000'", DOTTED))(VALUES)
    assert found is True
    assert compile_expression(check("type(1)", DOTTED))(VALUES) == Denotation("int")
