from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.cel import DOUBLE, STRING, EnumType, ListType, RefType
from engine.pack.fieldtype import UnknownTypeError, parse_type


@pytest.mark.parametrize(
    ("text", "cel", "optional"),
    [
        ("string", STRING, False),
        ("double?", DOUBLE, True),
        ("text", STRING, False),
        ("list(text)?", ListType(STRING), True),
        ("list(string) ?", ListType(STRING), True),
        ("list( list(double) )", ListType(ListType(DOUBLE)), False),
        ("ref(rep)?", RefType("rep"), True),
        ("KA | A | B | C", EnumType(("KA", "A", "B", "C")), False),
        ("price | delivery | 技术 ?", EnumType(("price", "delivery", "技术")), True),
    ],
)
def test_types_are_read_as_they_are_written(text: str, cel: object, optional: bool) -> None:
    found = parse_type(text, ["rep"])

    assert (found.cel, found.optional) == (cel, optional)


def test_a_context_field_may_have_a_default() -> None:
    found = parse_type("list(string) = ['a']", [], default=True)

    assert (found.cel, found.default) == (ListType(STRING), "['a']")


@pytest.mark.parametrize("text", ["strng", "list(x)", "ref(nobody)", "A | A", "A | {b}", "", "list()", "string??"])
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(UnknownTypeError):
        parse_type(text, ["rep"])


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        ("double", 3, 3.0),
        ("double", 2.5, 2.5),
        ("int", 7, 7),
        ("bool", False, False),
        ("string", "", ""),
        ("text", " a ", " a "),
        ("ref(rep)", "r1", "r1"),
        ("timestamp", "2026-03-02T09:00:00+08:00", datetime(2026, 3, 2, 1, tzinfo=UTC)),
        ("timestamp", "2026-03-02T09:00:00.5Z", datetime(2026, 3, 2, 9, 0, 0, 500_000, tzinfo=UTC)),
        ("duration", "1h30m", timedelta(minutes=90)),
        ("A | B", "B", "B"),
        ("list(double)", [1, 2.5], [1.0, 2.5]),
        ("map", {"a": 1}, {"a": 1}),
    ],
)
def test_json_that_fits_becomes_a_value(kind: str, value: Any, result: Any) -> None:
    converted = parse_type(kind, ["rep"]).convert(value)

    assert converted == result
    assert type(converted) is type(result)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", True),
        ("int", 1.0),
        ("int", 2**63),
        ("double", True),
        ("double", "3"),
        ("double", float("nan")),
        ("double", 10**400),
        ("bool", 1),
        ("bool", "true"),
        ("string", 3),
        ("string", None),
        ("ref(rep)", ""),
        ("ref(rep)", 3),
        ("timestamp", "2026-03-02T09:00:00"),
        ("timestamp", "2026-03-02"),
        ("timestamp", "2026-13-02T09:00:00Z"),
        ("timestamp", 1_700_000_000),
        ("duration", "90"),
        ("A | B", "C"),
        ("A | B", ["A"]),
        ("list(int)", [1, "2"]),
        ("list(int)", "12"),
        ("map", []),
    ],
)
def test_json_that_does_not_fit_is_refused_with_a_sentence(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        parse_type(kind, ["rep"]).convert(value)
