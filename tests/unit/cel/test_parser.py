from __future__ import annotations

from typing import Any

import pytest

from engine.cel import CelSyntaxError, UInt, parse
from engine.cel.syntax import (
    Binary,
    Call,
    Conditional,
    Has,
    Index,
    ListLiteral,
    Literal,
    Logic,
    Macro,
    MapLiteral,
    Name,
    Node,
    Select,
    Unary,
    walk,
)


def shape(node: Node) -> Any:
    match node:
        case Literal():
            return node.value
        case Name():
            return node.name
        case Select():
            return f"{shape(node.operand)}.{node.field}"
        case Has():
            return ("has", shape(node.operand))
        case Index():
            return (shape(node.operand), "[]", shape(node.index))
        case Unary():
            return (node.op, shape(node.operand))
        case Binary():
            return (shape(node.left), node.op, shape(node.right))
        case Logic():
            return (node.op, *map(shape, node.operands))
        case Conditional():
            return (shape(node.condition), "?", shape(node.then), shape(node.otherwise))
        case ListLiteral():
            return [shape(item) for item in node.items]
        case MapLiteral():
            return {shape(name): shape(value) for name, value in node.entries}
        case Macro():
            return (shape(node.target), node.kind, *node.variables, *map(shape, node.bodies))
        case Call():
            target = () if node.target is None else (shape(node.target),)
            return (node.function, *target, *map(shape, node.args))
    raise AssertionError(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", (1, "+", (2, "*", 3))),
        ("(1 + 2) * 3", ((1, "+", 2), "*", 3)),
        ("1 - 2 - 3", ((1, "-", 2), "-", 3)),
        ("a < b == c", (("a", "<", "b"), "==", "c")),
        ("a && b && c || d", ("||", ("&&", "a", "b", "c"), "d")),
        ("a || b && c", ("||", "a", ("&&", "b", "c"))),
        ("a ? b : c ? d : e", ("a", "?", "b", ("c", "?", "d", "e"))),
        ("!a.b", ("!", "a.b")),
        ("-a.b[0]", ("-", ("a.b", "[]", 0))),
        ("--1", ("-", -1)),
        ("a-1", ("a", "-", 1)),
        ("x in [1, 2,]", ("x", "in", [1, 2])),
        ("{'a': 1, 'b': [2]}", {"a": 1, "b": [2]}),
        ("f(a, 1).g(b)", ("g", ("f", "a", 1), "b")),
        ("has(a.b.c)", ("has", "a.b.c")),
        ("has(a)", ("has", "a")),
        ("l.exists(x, x > 1)", ("l", "exists", "x", ("x", ">", 1))),
        ("l.map(x, x > 1, x + 1)", ("l", "map", "x", ("x", ">", 1), ("x", "+", 1))),
        ("m.streak(n, n < 2)", ("m", "streak", "n", ("n", "<", 2))),
        ("s.exists('a', true)", ("exists", "s", "a", True)),
        ("a // the rest is a comment\n + 1", ("a", "+", 1)),
        ("data.金额 > 0", ("data.金额", ">", 0)),
        ("[]", []),
        ("{}", {}),
    ],
)
def test_operators_bind_as_the_language_says(text: str, expected: Any) -> None:
    assert shape(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("0x1F", 31),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551615u", UInt(2**64 - 1)),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        ("true", True),
        ("null", None),
        ('"a\\tb"', "a\tb"),
        ("'\\u4e2d\\U0001F600\\x41\\101'", "中😀AA"),
        ("'it\\'s'", "it's"),
        ('r"a\\n"', "a\\n"),
        ("'''two\nlines'''", "two\nlines"),
        ('"""say "hi\\""""', 'say "hi"'),
        ("b'\\xff\\000a'", b"\xff\x00a"),
        ("b'中'", "中".encode()),
        ("br'\\n'", b"\\n"),
    ],
)
def test_literals_have_their_values_and_types(text: str, value: Any) -> None:
    node = parse(text)
    assert isinstance(node, Literal)
    assert (node.value, type(node.value)) == (value, type(value))


def test_every_node_knows_the_text_it_was_read_from() -> None:
    text = "has(data.x) && (data.x + 1) * 2 > lim(3)[0]"
    found = {node.text for node in walk(parse(text))}
    assert {"has(data.x)", "data.x", "(data.x + 1) * 2", "data.x + 1", "lim(3)[0]", "3", text} <= found


@pytest.mark.parametrize(
    ("text", "start", "message", "hint"),
    [
        ("a = 1", 2, "unexpected character `=`", "write `==` to compare"),
        ("a and b", 2, "expected an operator or the end, found `and`", "write `&&`"),
        ("a AND b", 2, "expected an operator or the end, found `AND`", "write `&&`"),
        ("not a", 4, "expected an operator or the end, found `a`", "write `!`"),
        ("a <> 1", 3, "expected an expression, found `>`", "write `!=`"),
        ("a > 1,000", 5, "expected an operator or the end, found `,`", "write numbers without separators"),
        ("a ＞ 1", 2, "unexpected character `＞`", "write the half-width `>`"),
        ("a == “x”", 5, "unexpected character `“`", 'write a straight quotation mark `"`'),
        ("a == 'x", 5, "the string that starts here does not end", None),
        ("(a", 2, "expected `)`, found the end", None),
        ("a.", 2, "expected a field name after `.`, found the end", None),
        ("[1 2]", 3, "expected `,` or `]`, found `2`", None),
        ("", 0, "the expression is empty", None),
        ("for", 0, "`for` is a reserved word", None),
        ("has(1)", 0, "`has` takes one field", "write `has(data.field)`"),
        ("9223372036854775808", 0, "the number is outside the 64-bit range", None),
        ("-1u", 1, "the number is outside the 64-bit range", None),
        ("1e999", 0, "the number is outside the 64-bit range", None),
        ("'\\q'", 0, "unknown escape `\\q`", "write `\\\\` for a backslash"),
        ("'\\ud800'", 0, "`\\ud800` is not a character", None),
        ("a ? b", 5, "expected `:`, found the end", None),
    ],
)
def test_what_does_not_read_says_where_and_what_to_write(text: str, start: int, message: str, hint: str | None) -> None:
    with pytest.raises(CelSyntaxError) as caught:
        parse(text)
    assert (caught.value.code, caught.value.start, caught.value.message) == ("syntax", start, message)
    assert caught.value.hint == hint
    assert caught.value.start <= caught.value.end <= len(text)
