from __future__ import annotations

import math
from typing import Any

import pytest

from conformance.cel.cases import Case, cases
from conformance.cel.misses import listed, outdated, unlisted
from conformance.cel.runner import Outcome, Verdict, run
from conformance.cel.table import core, rows
from conformance.cel.values import declared, read, same
from engine.cel import DYN, INT, STRING, TIMESTAMP, Denotation, ListType, MapType, UInt

SUITE = {
    "suites": [
        {
            "name": "basic",
            "suites": [
                {
                    "name": "sums",
                    "tests": [
                        {"original": {"name": "right", "expr": "1 + 1", "value": {"int64Value": "2"}}},
                        {"original": {"name": "wrong", "expr": "1 + 1", "value": {"uint64Value": "2"}}},
                        {"original": {"name": "true", "expr": "1 < 2"}},
                        {
                            "original": {
                                "name": "proto",
                                "expr": "TestAllTypes{}.single_any",
                                "value": {"nullValue": None},
                            }
                        },
                    ],
                }
            ],
        },
        {"name": "strings", "tests": [{"original": {"name": "no", "expr": "''"}}]},
    ]
}


def case(expression: str, **more: Any) -> Case:
    return Case("basic", "one", "case", {"name": "case", "expr": expression, **more})


def failing(message: str) -> dict[str, Any]:
    return {"evalError": {"errors": [{"message": message}]}}


def test_cases_are_read_run_and_counted() -> None:
    verdicts = [run(one) for one in cases(SUITE, frozenset({"basic"}))]
    assert [one.case.id for one in verdicts] == [f"basic/sums/{name}" for name in ("right", "wrong", "true", "proto")]
    assert [one.passed for one in verdicts] == [True, False, True, False]
    assert verdicts[1].miss == "checked, compiled: int 2, expected UInt 2u"
    assert verdicts[3].left_out == "any"
    (row,) = rows(verdicts)
    assert row.cells() == ("basic", "3", "2", "1", "66.7%", "1 any")
    assert core(verdicts).share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("one", "passes"),
    [
        (case("1 / 0", **failing("divide by zero")), True),
        (case("1 / 0", **failing("no such key")), False),
        (case("1 / 0", **failing("what nobody has heard of")), False),
        (case("1 + 'a'", **failing("no such overload")), True),
        (case("1 + 'a' == 2", disableCheck=True, **failing("no such overload")), True),
        (case("x", disableCheck=True, **failing("undeclared reference to 'x'")), True),
        (case("1", **failing("divide by zero")), False),
        (case("[1][0]", value={"doubleValue": 1}), False),
        (
            case(
                "x.y + z",
                bindings={"x.y": {"value": {"int64Value": "1"}}, "z": {"value": {"int64Value": "2"}}},
                typeEnv=[{"name": "x.y", "ident": {"type": {"primitive": "INT64"}}}],
                value={"int64Value": "3"},
            ),
            True,
        ),
    ],
)
def test_an_error_must_be_the_right_one_and_a_value_of_the_right_type(one: Case, passes: bool) -> None:
    assert run(one).passed is passes


def test_values_are_read_from_the_wire_and_compared_with_their_types() -> None:
    entry = {"key": {"boolValue": True}, "value": {"listValue": {"values": [{"uint64Value": "1"}]}}}
    assert same(read({"mapValue": {"entries": [entry]}}), {True: [UInt(1)]})
    assert not same({True: 1}, {1: 1})
    assert not same(1, 1.0)
    assert not same(1, UInt(1))
    assert same(math.nan, math.nan)
    assert read({"bytesValue": "YQ=="}) == b"a"
    assert read({"typeValue": "int"}) == Denotation("int")
    with pytest.raises(ValueError, match="a message"):
        read({"objectValue": {"@type": "type.googleapis.com/a.B"}})
    assert declared({"listType": {"elemType": {"primitive": "INT64"}}}) == ListType(INT)
    string, time = {"primitive": "STRING"}, {"wellKnown": "TIMESTAMP"}
    assert declared({"mapType": {"keyType": string, "valueType": time}}) == MapType(STRING, TIMESTAMP)
    assert declared({"messageType": "a.B"}) == DYN


def test_a_miss_must_be_listed_and_a_listed_one_must_miss() -> None:
    known = listed("| case | reason |\n|---|---|\n| `basic/one/case` | because |\n| `a/b/*` | all of them |\n")
    assert known == {"basic/one/case": "because", "a/b/*": "all of them"}
    missed, passed = Verdict(case("1"), miss="no"), Verdict(case("1"))
    other = Verdict(Case("a", "c", "d", {"expr": "1"}), miss="no")
    starred = Verdict(Case("a", "b", "d", {"expr": "1"}), miss="no")
    assert unlisted([missed, other, starred], known) == [other]
    assert outdated([passed], known) == ["basic/one/case"]
    assert outdated([missed], known) == []


def test_an_outcome_says_what_it_is() -> None:
    assert str(Outcome(1)) == "int 1"
    assert str(Outcome(code="overflow")) == "error overflow"
