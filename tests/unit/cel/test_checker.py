from __future__ import annotations

import pytest

from engine.cel import (
    BOOL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    EnumType,
    ListType,
    MapType,
    Problem,
    RefType,
    Type,
    check,
    compile_expression,
    parse,
    trace,
)
from tests.unit.cel.world import SCOPE, problems


def only(text: str) -> Problem:
    (problem,) = check(text, SCOPE).problems
    return problem


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("dtaa.amount > 1.0", "unknown_name", "did you mean `data`?"),
        (
            "data.tier == KA",
            "unknown_name",
            "write `'KA'` if it is a text; known here: `any`, `customer`, `data`, `metrics`, `now`, `params`, `rep`",
        ),
        ("rep.nmae == 'x'", "unknown_field", "did you mean `name`?"),
        ("metrics.visits.lst", "unknown_field", "did you mean `last(…)`?"),
        ("lst_digit('1')", "unknown_function", "did you mean `last_digit`?"),
        ("startsWith('a', 'b')", "unknown_function", "write `x.startsWith(…)`"),
        ("data.region.last_digit()", "unknown_function", "write `last_digit(data.region, …)`"),
        ("data.region.startswith('a')", "unknown_function", "did you mean `startsWith`?"),
        ("math.rond(1.5)", "unknown_function", "did you mean `math.round`?"),
        ("metrics.visits.lasst(1)", "unknown_function", "did you mean `last`?"),
        ("data.tier == 'Ka'", "unknown_value", "did you mean `KA`?"),
        ("'x' == data.tier", "unknown_value", "known here: `A`, `B`, `C`, `KA`"),
        ("data.tier in ['KA', 'D']", "unknown_value", "known here: `A`, `B`, `C`, `KA`"),
        ("data.count == '7'", "no_overload", None),
        ("data.region == null", "no_overload", "write `has(data.region)` to ask whether it is there"),
        ("data.took > 48", "no_overload", "give the number a unit: `days(n)`, `hours(n)` or `minutes(n)`"),
        ("data.amount * data.count", "no_overload", "convert one side: `double(x)` or `int(x)`"),
        ("data.region + 1", "no_overload", "convert the other side: `string(x)`"),
        ("'a' in data.region", "no_overload", "write `data.region.contains('a')`"),
        ("size(5)", "no_overload", "it takes (string) or (bytes) or (list(dyn)) or (map(dyn, dyn))"),
        ("metrics.visits.last('1')", "no_overload", "it takes (int)"),
        ("-data.region == 'x'", "no_overload", None),
        ("data.region[0] == 'x'", "no_overload", None),
        ("data.count ? 1 : 2", "wrong_type", None),
        ("data.closed && data.count", "wrong_type", None),
        ("data.count.exists(x, x > 1)", "wrong_type", None),
        ("data.numbers.exists(x, x)", "wrong_type", None),
        ("data.region.matches('(')", "wrong_type", None),
        ("data.streak(n, n > 1) > 1", "unknown_function", None),
        ("data.region.streak(n, n > 1) > 1", "unknown_function", None),
        ("rep[data.region] == 'x'", "wrong_type", None),
    ],
)
def test_each_mistake_has_its_code_and_its_hint(text: str, code: str, hint: str | None) -> None:
    problem = only(text)
    assert (problem.code, problem.hint) == (code, hint)


def test_all_problems_are_reported_in_the_order_of_the_text() -> None:
    text = "dtaa.x > 1 && data.tier == 'Z' && rep.nmae == data.discount"
    found = [(problem.code, text[problem.start : problem.end]) for problem in check(text, SCOPE).problems]
    assert found == [
        ("unknown_name", "dtaa"),
        ("unknown_value", "'Z'"),
        ("unknown_field", "rep.nmae"),
        ("unguarded_optional", "data.discount"),
    ]


def test_a_mistake_is_reported_once_and_not_again_by_what_uses_it() -> None:
    assert problems("dtaa.amount + 'x' > string(dtab)") == ["unknown_name", "unknown_name"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data.count > 1", BOOL),
        ("data.count + 1", INT),
        ("data.amount * 2", DOUBLE),
        ("now - data.at", DURATION),
        ("data.at + days(1)", TIMESTAMP),
        ("data.tier", EnumType(("KA", "A", "B", "C"))),
        ("data.closed ? data.tier : 'x'", STRING),
        ("data.rep_id", RefType("rep")),
        ("data.rep_id.name", STRING),
        ("[1, 2]", ListType(INT)),
        ("[1, 'a']", ListType(DYN)),
        ("{'a': 1.5}", MapType(STRING, DOUBLE)),
        ("data.numbers.map(n, string(n))", ListType(STRING)),
        ("data.items[0].price", DOUBLE),
        ("metrics.visits.last(2)[0]", INT),
        ("metrics.visits.streak(n, n < 1)", INT),
        ("any.x", DYN),
        ("string(any.x)", STRING),
        ("any.x.startsWith('a')", BOOL),
        ("any.x - data.at", DURATION),
        ("any.x + data.took", DYN),
        ("data.closed ? 1 : null", DYN),
        ("params.stall", DURATION),
    ],
)
def test_types_are_inferred(text: str, expected: Type) -> None:
    checked = check(text, SCOPE, deadlines=False)
    assert (checked.problems, checked.type) == ((), expected)


@pytest.mark.parametrize(
    ("text", "expect", "codes"),
    [
        ("data.count > 1", BOOL, []),
        ("data.count", BOOL, ["wrong_type"]),
        ("1", DOUBLE, []),
        ("data.count", DOUBLE, []),
        ("data.amount", INT, ["wrong_type"]),
        ("'KA'", EnumType(("KA", "A")), []),
        ("'X'", EnumType(("KA", "A")), ["unknown_value"]),
        ("data.tier", EnumType(("KA", "A")), ["wrong_type"]),
        ("'c1'", RefType("customer"), []),
        ("data.rep_id", RefType("customer"), ["wrong_type"]),
        ("any.x", TIMESTAMP, []),
        ("[]", ListType(INT), []),
        ("now.getHours() == 9", BOOL, ["clock_form"]),
    ],
)
def test_an_expected_type_is_held_against_the_value(text: str, expect: Type, codes: list[str]) -> None:
    assert problems(text, expect=expect) == codes


def test_reads_are_the_longest_selections_from_roots() -> None:
    text = "data.amount > 1.0 && metrics.visits.streak(n, n < metrics.visits.target) > 1 && has(rep.manager.name)"
    more = " && data.items.exists(i, i.price > 1) && data['region'] == metrics.visits.last(1).map(x, 'a')[0]"
    assert check(text + more, SCOPE).reads == {
        ("data", "amount"),
        ("metrics", "visits", "streak"),
        ("metrics", "visits", "target"),
        ("rep", "manager", "name"),
        ("data", "items"),
        ("data", "region"),
        ("metrics", "visits", "last"),
    }


def test_a_tree_can_be_checked_as_well_as_a_text() -> None:
    node = parse("data.count > 1")
    checked = check(node, SCOPE)
    assert (checked.node, checked.text, checked.problems) == (node, "data.count > 1", ())


def test_what_does_not_read_is_a_problem_and_not_an_exception() -> None:
    problem = only("data.count >")
    assert (problem.code, problem.start, problem.end) == ("syntax", 12, 12)


def test_an_expression_with_problems_is_neither_compiled_nor_traced() -> None:
    checked = check("data.cuont > 1", SCOPE)
    with pytest.raises(ValueError, match="may be absent"):
        compile_expression(checked)
    with pytest.raises(ValueError, match="may be absent"):
        trace(checked, None)
