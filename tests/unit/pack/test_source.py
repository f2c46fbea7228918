from __future__ import annotations

from typing import Any

import pytest

from engine.pack.diagnostic import Report
from engine.pack.document import Document
from engine.pack.source import MAX_DEPTH, read


def reading(text: str) -> tuple[Document, list[str]]:
    report = Report()
    document = read("pack.yaml", text, report)
    return document, [one.code for one in report.sorted()]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("no", "no"),
        ("off", "off"),
        ("12:30", "12:30"),
        ("0123", "0123"),
        ("2026-03-02", "2026-03-02"),
        ("True", "True"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("99999999999999999999", "99999999999999999999"),
        (".", "."),
        ("e1", "e1"),
        ("-e3", "-e3"),
        ("1e", "1e"),
        ("01.5", "01.5"),
        ("true", True),
        ("false", False),
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("2.5", 2.5),
        ("1e3", 1000.0),
        ("0.95", 0.95),
        (".5", 0.5),
        ("5.", 5.0),
        ("2E+2", 200.0),
        ("'7'", "7"),
        ('"true"', "true"),
    ],
)
def test_plain_words_mean_what_people_mean(text: str, value: Any) -> None:
    document, codes = reading(f"key: {text}\n")

    assert document.data == {"key": value}
    assert type(document.data["key"]) is type(value)
    assert codes == []


def test_keys_are_always_text() -> None:
    document, _ = reading("on: {1: a, true: b, 12:30: c}\n")

    assert document.data == {"on": {"1": "a", "true": "b", "12:30": "c"}}


def test_a_key_given_twice_is_told_with_the_line_of_the_first() -> None:
    report = Report()
    read("pack.yaml", "a: 1\nb: {x: 1}\na: {y: [1, 2]}\nc: 3\n", report)

    (found,) = report.sorted()
    assert (found.place.line, found.place.column, found.code) == (3, 1, "duplicate_key")
    assert "line 1" in found.message


def test_an_unquoted_comma_is_told_at_the_key_that_it_made() -> None:
    report = Report()
    read("pack.yaml", "title: {zh: 忙, en: a, b}\n", report)

    (found,) = report.sorted()
    assert (found.code, found.place.column) == ("quote_it", 23)
    assert found.hint is not None
    assert "quote" in found.hint


@pytest.mark.parametrize(
    "text", ["a: !!str x", "a: !custom {b: 1}", "a: !!python/object/apply:os.system [ls]", "a: ! x"]
)
def test_tags_are_refused(text: str) -> None:
    assert reading(text)[1] == ["tag"]


def test_a_second_document_is_refused() -> None:
    assert reading("a: 1\n---\nb: 2\n")[1] == ["yaml"]


@pytest.mark.parametrize("text", ["a: [1, 2", "a: b: c", "\ta: 1", "a: 'x", "? [a, b]\n: c", "a: \x01"])
def test_what_is_not_yaml_is_told_and_never_raised(text: str) -> None:
    assert reading(text)[1] == ["yaml"]


def test_a_file_may_begin_with_a_byte_order_mark() -> None:
    document, codes = reading("\ufeffa: 1\n")

    assert document.data == {"a": 1}
    assert codes == []


def test_deep_nesting_ends_with_a_diagnostic() -> None:
    assert reading("[" * 100_000)[1] == ["too_deep"]
    assert reading("a: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))[1] == ["too_deep"]


def test_aliases_that_multiply_are_stopped_by_the_number_of_values() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert reading("\n".join(levels))[1] == ["too_large"]


def test_an_alias_has_the_value_and_the_places_of_its_anchor() -> None:
    document, _ = reading("a: &x {b: {c: text}}\nd: *x\n")

    assert document.data["d"] == {"b": {"c": "text"}}
    assert str(document.place(("d", "b", "c"))) == "pack.yaml:1:15"
    assert str(document.key_place(("d", "b"))) == "pack.yaml:1:8"


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("key: one two three\n", "two"),
        ("key: 'it''s two'\n", "two"),
        ('key: "a\\n\\"b\\" \\u4e2d two"\n', "two"),
        ("key: |\n  one\n  two three\n", "two"),
        ("key: |2-\n    one\n   two\n", "two"),
        ("key: >-\n  one\n  and\n\n  then two\n", "two"),
        ("key: one\n  and\n  two\n", "two"),
        ('key: "one\n  and \\\n  two"\n', "two"),
        ("key: {a: 1, b: 中文字 two}\n", "two"),
        ("key: >  # a comment\n  中文 two\n", "two"),
    ],
)
def test_a_part_of_a_text_is_found_where_it_stands(text: str, needle: str) -> None:
    document, codes = reading(text)
    value = document.data["key"]
    path: tuple[str | int, ...] = ("key",)
    if isinstance(value, dict):
        path, value = ("key", "b"), value["b"]
    place = document.place(path, value.index(needle))

    assert codes == []
    assert document.lines[place.line - 1][place.column - 1 :].startswith(needle)


def test_every_visible_character_of_a_text_has_its_own_place() -> None:
    text = 'key: >\n  rep.active &&\n    (a > 3\n  || b)\n\n  && "中"\nnext: 1\n'
    document, _ = reading(text)
    value = document.data["key"]

    for offset, char in enumerate(value):
        if not char.isspace():
            place = document.place(("key",), offset)
            assert document.lines[place.line - 1][place.column - 1] == char


def test_a_path_that_only_the_models_know_leads_to_the_nearest_place() -> None:
    document, _ = reading("on:\n  quote.sent: sent\n")

    assert str(document.place(("on", "quote.sent", 0, "to"))) == "pack.yaml:2:15"
