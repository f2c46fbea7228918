"""Random expressions over a small world of typed variables, Chinese text and maps with holes. One seed gives one text."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.cel import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    MapType,
    Type,
    UInt,
)

VARIABLES: Mapping[str, Type] = {
    "i": INT,
    "j": INT,
    "u": UINT,
    "d": DOUBLE,
    "f": DOUBLE,
    "s": STRING,
    "t": STRING,
    "b": BOOL,
    "y": BYTES,
    "at": TIMESTAMP,
    "due": TIMESTAMP,
    "span": DURATION,
    "xs": ListType(INT),
    "ds": ListType(DOUBLE),
    "ts": ListType(STRING),
    "ms": MapType(STRING, INT),
    "rec": DYN,
    "any": DYN,
}
_TEXTS = ("", "a", "长江医院", "KA", "上海·浦东", "a1b2", "  空格 ", "😀x", "12", "-7", "3.5", "true", "ÿ", "医院")
_INTS = (0, 1, -1, 2, 3, 7, 10, 255, -128, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
_DOUBLES = (0.0, 1.0, -1.5, 2.5, 0.1, 1e300, -1e300, 9007199254740993.0, 3.0, 1e-9)
_PATTERNS = ("a", "^[a-z]+$", "医院$", "[0-9]{1,3}", "(a|b)*c", "\\\\d+", ".", "^$")
_ZONES = ("UTC", "Asia/Shanghai", "+08:00", "-03:30")
_GETTERS = (
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
)

Variables = Mapping[str, Type]
Form = Callable[["Grammar", int, Variables], str]


def world(chance: random.Random) -> dict[str, Any]:
    """Values of all variables; the maps have fields missing, and numbers of every type."""
    record = {
        "名": chance.choice(_TEXTS),
        "n": chance.choice(_INTS),
        "f": chance.choice(_DOUBLES),
        "list": [1, 2.5, chance.choice(_TEXTS), True],
        "deep": {"k": chance.choice((None, 1, "医院")), "list": [[1], [2, 3]]},
    }
    for name in chance.sample(sorted(record), chance.randint(0, 3)):
        del record[name]
    return {
        "i": chance.choice(_INTS),
        "j": chance.choice(_INTS),
        "u": UInt(chance.choice((0, 1, 3, 2**64 - 1))),
        "d": chance.choice(_DOUBLES),
        "f": chance.choice(_DOUBLES),
        "s": chance.choice(_TEXTS),
        "t": chance.choice(_TEXTS),
        "b": chance.random() < 0.5,
        "y": chance.choice(_TEXTS).encode(),
        "at": datetime(2026, 3, chance.randint(1, 28), chance.randint(0, 23), 30, 5, tzinfo=UTC),
        "due": datetime(2025, 12, 31, 23, 59, chance.choice((0, 59)), tzinfo=UTC),
        "span": timedelta(seconds=chance.choice((0, 1, -90, 86_400, 90_061))),
        "xs": [chance.choice(_INTS) for _ in range(chance.randint(0, 4))],
        "ds": [chance.choice(_DOUBLES) for _ in range(chance.randint(0, 3))],
        "ts": [chance.choice(_TEXTS) for _ in range(chance.randint(0, 4))],
        "ms": {name: chance.choice(_INTS) for name in chance.sample(_TEXTS, chance.randint(0, 3))},
        "rec": record,
        "any": chance.choice((1, 2.5, "医院", True, None, [1, "a"], {"k": 1})),
    }


class Grammar:
    """Expressions of a wanted type; `chance` decides everything."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.names = 0

    def expression(self, depth: int) -> str:
        """An expression of any type."""
        wanted = self.chance.choice((BOOL, BOOL, BOOL, INT, UINT, DOUBLE, STRING, TIMESTAMP, DURATION, BYTES, *_LISTS))
        return self.of(wanted, depth, VARIABLES)

    def of(self, wanted: Type, depth: int, variables: Variables) -> str:
        """An expression of a type; one in twelve is one that only run time knows to be of that type, or of another."""
        names = [name for name, of in variables.items() if of == wanted]
        if depth <= 0 or self.chance.random() < 0.15:
            return self.chance.choice(names) if names and self.chance.random() < 0.6 else self.leaf(wanted)
        roll = self.chance.random()
        if roll < 0.06:
            return f"dyn({self.of(wanted, depth - 1, variables)})"
        if roll < 0.1:
            return self.reading(depth, variables)
        if roll < 0.18:
            condition = self.of(BOOL, depth - 1, variables)
            return f"({condition} ? {self.of(wanted, depth - 1, variables)} : {self.of(wanted, depth - 1, variables)})"
        return self.chance.choice(_FORMS[wanted])(self, depth - 1, variables)

    def leaf(self, wanted: Type) -> str:
        """A literal."""
        if isinstance(wanted, ListType):
            count = self.chance.randint(0, 3)
            return f"[{', '.join(self.leaf(wanted.item) for _ in range(count))}]"
        return _LEAVES[wanted](self.chance)

    def reading(self, depth: int, variables: Variables) -> str:
        """A reading of a map that may have holes."""
        name, field = (
            self.chance.choice(("rec", "rec", "rec", "any")),
            self.chance.choice(("n", "f", "list", "deep", "gone")),
        )
        key = self.chance.choice(("'名'", "'n'", "'f'", "'gone'"))
        forms = (
            f"{name}.{field}",
            f"{name}[{key}]",
            f"{name}.deep.k",
            f"{name}.list[{self.of(INT, depth - 2, variables)}]",
            f"(has({name}.{field}) ? {name}.{field} : dyn({self.leaf(INT)}))",
            f"{name}.?{field}.orValue({self.leaf(INT)})",
        )
        return self.chance.choice(forms)

    def fresh(self) -> str:
        """A name that no variable around has."""
        self.names += 1
        return f"v{self.names}"

    def body(self, wanted: Type, of: Type, name: str, depth: int, variables: Variables) -> str:
        """The body of a macro whose variable has a type."""
        return self.of(wanted, depth, {**variables, name: of})


_LISTS = (ListType(INT), ListType(STRING))


def _text(chance: random.Random) -> str:
    return "'" + chance.choice(_TEXTS) + "'"


def _int(chance: random.Random) -> str:
    return str(chance.choice(_INTS))


_LEAVES: Mapping[Type, Callable[[random.Random], str]] = {
    INT: _int,
    UINT: lambda chance: f"{chance.choice((0, 1, 2, 255, 2**64 - 1))}u",
    DOUBLE: lambda chance: repr(chance.choice(_DOUBLES)),
    STRING: _text,
    BOOL: lambda chance: chance.choice(("true", "false")),
    BYTES: lambda chance: "b" + _text(chance),
    TIMESTAMP: lambda chance: (
        f"timestamp('2026-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}T0{chance.randint(0, 9)}:15:00+08:00')"
    ),
    DURATION: lambda chance: f"duration('{chance.choice(('1h', '90m', '-90s', '5s', '0s', '36h'))}')",
}


def _fill(template: str, *types: Type) -> Form:
    """A form with a hole for each type."""

    def form(grammar: Grammar, depth: int, variables: Variables) -> str:
        return template.format(*(grammar.of(of, depth, variables) for of in types))

    return form


def _over(template: str, item: Type, body: Type) -> Form:
    """A macro over a list of items: `{0}` is the list, `{1}` the variable, `{2}` the body."""

    def form(grammar: Grammar, depth: int, variables: Variables) -> str:
        name = grammar.fresh()
        target = grammar.of(ListType(item), depth - 1, variables)
        return template.format(target, name, grammar.body(body, item, name, depth, variables))

    return form


def _pick(template: str, choices: Sequence[str], *types: Type) -> Form:
    """A form of which the last hole is one of some texts."""

    def form(grammar: Grammar, depth: int, variables: Variables) -> str:
        parts = [grammar.of(of, depth, variables) for of in types]
        return template.format(*parts, grammar.chance.choice(choices))

    return form


def _mixed(grammar: Grammar, depth: int, variables: Variables) -> str:
    """Two numbers of any type, compared as the standard wants it written."""
    left, right = (grammar.of(grammar.chance.choice((INT, UINT, DOUBLE)), depth, variables) for _ in range(2))
    return f"(dyn({left}) {grammar.chance.choice(('<', '<=', '>', '>=', '==', '!='))} {right})"


def _unlike(grammar: Grammar, depth: int, variables: Variables) -> str:
    """Two values of any types, asked for equality."""
    left, right = (
        grammar.of(grammar.chance.choice((INT, STRING, DOUBLE, BOOL, *_LISTS)), depth, variables) for _ in range(2)
    )
    return f"(dyn({left}) {grammar.chance.choice(('==', '!='))} dyn({right}))"


def _bound(grammar: Grammar, depth: int, variables: Variables) -> str:
    """A list that has a name, read twice."""
    name = grammar.fresh()
    bound = grammar.of(ListType(INT), depth, variables)
    return f"cel.bind({name}, {bound}, {name} + {grammar.body(ListType(INT), ListType(INT), name, depth, variables)})"


def _compared(of: Type) -> list[Form]:
    return [_fill(f"({{}} {op} {{}})", of, of) for op in ("<", "<=", ">", ">=", "==", "!=")]


_INT_LIST, _TEXT_LIST = _LISTS
_FORMS: Mapping[Type, list[Form]] = {
    BOOL: [
        *[_fill("({} && {})", BOOL, BOOL), _fill("({} || {})", BOOL, BOOL), _fill("!({})", BOOL)] * 3,
        *(form for of in (INT, UINT, DOUBLE, STRING, TIMESTAMP, DURATION, BYTES) for form in _compared(of)),
        *[_mixed, _unlike] * 3,
        _fill("({} in {})", INT, _INT_LIST),
        _fill("({} in {})", STRING, _TEXT_LIST),
        _fill("({} in ms)", STRING),
        _fill("({} == {})", _INT_LIST, _INT_LIST),
        _fill("{}.contains({})", STRING, STRING),
        _fill("{}.startsWith({})", STRING, STRING),
        _fill("{}.endsWith({})", STRING, STRING),
        _pick("{}.matches('{}')", _PATTERNS, STRING),
        *[
            _over(f"{{0}}.{kind}({{1}}, {{2}})", item, BOOL)
            for kind in ("all", "exists", "exists_one")
            for item in (INT, STRING)
        ],
        _pick("has(rec.{})", ("n", "f", "deep", "gone")),
        _pick("has(rec.deep.{})", ("k", "gone")),
        _fill("bool({})", STRING),
        _fill("math.isNaN({})", DOUBLE),
        _fill("math.isFinite({})", DOUBLE),
    ],
    INT: [
        *[_fill(f"({{}} {op} {{}})", INT, INT) for op in "+-*/%"] * 2,
        _fill("-({})", INT),
        _fill("size({})", STRING),
        _fill("{}.size()", _INT_LIST),
        _fill("size({})", BYTES),
        _fill("int({})", DOUBLE),
        _fill("int({})", UINT),
        _fill("int({})", STRING),
        _fill("int({})", TIMESTAMP),
        _fill("{}[{}]", _INT_LIST, INT),
        _fill("ms[{}]", STRING),
        _pick("{}.{}()", _GETTERS, TIMESTAMP),
        _pick("{}.getHours('{}')", _ZONES, TIMESTAMP),
        _pick("{}.{}()", ("getHours", "getMinutes", "getSeconds"), DURATION),
        _fill("{}.indexOf({})", STRING, STRING),
        _fill("{}.lastIndexOf({})", STRING, STRING),
        _fill("math.greatest({}, {})", INT, INT),
        _fill("math.least({}, {}, {})", INT, INT, INT),
        _fill("math.abs({})", INT),
        _fill("math.sign({})", INT),
        _fill("math.bitAnd({}, {})", INT, INT),
        _fill("math.bitXor({}, {})", INT, INT),
    ],
    UINT: [
        *(_fill(f"({{}} {op} {{}})", UINT, UINT) for op in "+-*/%"),
        _fill("uint({})", INT),
        _fill("uint({})", DOUBLE),
        _fill("uint({})", STRING),
        _fill("math.greatest({}, {})", UINT, UINT),
    ],
    DOUBLE: [
        *[_fill(f"({{}} {op} {{}})", DOUBLE, DOUBLE) for op in "+-*/"] * 2,
        _fill("-({})", DOUBLE),
        _fill("double({})", INT),
        _fill("double({})", UINT),
        _fill("double({})", STRING),
        _fill("math.ceil({})", DOUBLE),
        _fill("math.floor({})", DOUBLE),
        _fill("math.round({})", DOUBLE),
        _fill("math.abs({})", DOUBLE),
        _fill("ds[{}]", INT),
    ],
    STRING: [
        *[_fill("({} + {})", STRING, STRING)] * 3,
        _fill("string({})", INT),
        _fill("string({})", UINT),
        _fill("string({})", BOOL),
        _fill("string({})", BYTES),
        _fill("string({})", TIMESTAMP),
        _fill("string({})", DURATION),
        _fill("{}[{}]", _TEXT_LIST, INT),
        _fill("{}.lowerAscii()", STRING),
        _fill("{}.upperAscii()", STRING),
        _fill("{}.trim()", STRING),
        _fill("{}.reverse()", STRING),
        _fill("{}.charAt({})", STRING, INT),
        _fill("{}.substring({})", STRING, INT),
        _fill("{}.substring({}, {})", STRING, INT, INT),
        _fill("{}.replace({}, {})", STRING, STRING, STRING),
        _fill("{}.join({})", _TEXT_LIST, STRING),
        _fill("'%s/%d'.format([{}, {}])", STRING, INT),
        _fill("strings.quote({})", STRING),
    ],
    BYTES: [_fill("({} + {})", BYTES, BYTES), _fill("bytes({})", STRING)],
    TIMESTAMP: [
        _fill("({} + {})", TIMESTAMP, DURATION),
        _fill("({} - {})", TIMESTAMP, DURATION),
        _fill("timestamp({})", INT),
    ],
    DURATION: [
        _fill("({} - {})", TIMESTAMP, TIMESTAMP),
        _fill("({} + {})", DURATION, DURATION),
        _fill("({} - {})", DURATION, DURATION),
    ],
    _INT_LIST: [
        _fill("[{}, {}]", INT, INT),
        _fill("({} + {})", _INT_LIST, _INT_LIST),
        *[_over(f"{{0}}.{kind}({{1}}, {{2}})", INT, INT) for kind in ("map",)] * 2,
        _over("{0}.filter({1}, {2})", INT, BOOL),
        _over("{0}.map({1}, {2}, {1})", INT, BOOL),
        _over("{0}.map({1}, {2})", STRING, INT),
        _bound,
    ],
    _TEXT_LIST: [
        _fill("[{}, {}]", STRING, STRING),
        _fill("({} + {})", _TEXT_LIST, _TEXT_LIST),
        _fill("{}.split({})", STRING, STRING),
        _over("{0}.map({1}, {2})", STRING, STRING),
        _over("{0}.map({1}, {2})", INT, STRING),
        _over("{0}.filter({1}, {2})", STRING, BOOL),
    ],
}
