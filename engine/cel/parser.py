"""Tokens to a syntax tree: recursive descent, with operators by precedence."""

from __future__ import annotations

from collections.abc import Mapping

from engine.cel import literals
from engine.cel.errors import CelSyntaxError
from engine.cel.lexer import Token, tokens
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
    OptionalIndex,
    OptionalSelect,
    Select,
    Unary,
    children,
)

DEEPEST = 100

_IN_PARENTHESES, _IN_OPERATOR, _IN_ARGUMENT = 4, 2, 6
_TALLEST_STACK = 620

_PRECEDENCE = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("<", "<=", "==", "!=", ">=", ">", "in"), 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys("*/%", 5),
}
_CONSTANTS = {"true": True, "false": False, "null": None}
_RESERVED = frozenset(
    [
        *("as", "break", "const", "continue", "else", "for", "function", "if", "import", "let"),
        *("loop", "package", "namespace", "return", "var", "void", "while"),
    ]
)
_QUANTIFIER, _TRANSFORMATION, _OF_ONE = {2: 1, 3: 2}, {3: 2, 4: 2}, {2: 1}
_MACROS: Mapping[str, Mapping[int, int]] = {
    **dict.fromkeys(("all", "exists", "exists_one", "existsOne"), _QUANTIFIER),
    **dict.fromkeys(("transformList", "transformMap", "transformMapEntry"), _TRANSFORMATION),
    **dict.fromkeys(("filter", "sortBy", "streak", "optMap", "optFlatMap"), _OF_ONE),
    "map": {2: 1, 3: 1},
}
"""How many of so many arguments are variables."""
_WORDS = {"and": "write `&&`", "or": "write `||`", "not": "write `!`", "is": "write `==`"}


def parse(text: str) -> Node:
    """The syntax tree of an expression. Raises CelSyntaxError with offsets, a message and mostly a hint."""
    node = _Parser(text).whole()
    _bound(node)
    return node


def _bound(root: Node) -> None:
    """Refuse trees that are too high for the recursive passes; chains of one operator make them, too."""
    level = [root]
    for _ in range(DEEPEST):
        level = [child for node in level for child in children(node)]
        if not level:
            return
    raise _too_deep(level[0].start, level[0].end)


def _too_deep(start: int, end: int) -> CelSyntaxError:
    return CelSyntaxError(f"more than {DEEPEST} operations inside each other", start, end, code="too_deep")


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.position = 0
        self.stack = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    @property
    def end(self) -> int:
        """Where the last token that was taken ends."""
        return self.tokens[self.position - 1].end

    def at(self, *texts: str) -> bool:
        return self.token.text in texts and self.token.kind in ("op", "name")

    def take(self, text: str) -> bool:
        if not self.at(text):
            return False
        self.position += 1
        return True

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.unexpected(f"expected `{text}`")

    def unexpected(self, wanted: str) -> CelSyntaxError:
        token = self.token
        found = "the end" if token.kind == "end" else f"`{token.text[:40]}`"
        return CelSyntaxError(f"{wanted}, found {found}", token.start, token.end, hint=self.habit())

    def habit(self) -> str | None:
        """What to write instead of something that is right in other languages."""
        before = self.tokens[self.position - 1] if self.position else self.token
        if (before.text, self.token.text) == ("<", ">"):
            return "write `!=`"
        if before.kind == "int" and self.token.text == ",":
            return "write numbers without separators"
        return _WORDS.get(self.token.text.lower()) or _WORDS.get(before.text.lower())

    def deeper(self, frames: int) -> None:
        """Count the Python frames that a nested construct takes: they run out before the text does."""
        self.stack += frames
        if self.stack > _TALLEST_STACK:
            raise _too_deep(self.token.start, self.token.end)

    def whole(self) -> Node:
        if self.token.kind == "end":
            raise CelSyntaxError("the expression is empty", 0, len(self.text))
        node = self.expression()
        if self.token.kind != "end":
            raise self.unexpected("expected an operator or the end")
        return node

    def expression(self, frames: int = _IN_ARGUMENT) -> Node:
        self.deeper(frames)
        start = self.token.start
        node = self.binary(1)
        if self.take("?"):
            then = self.binary(1)
            self.expect(":")
            otherwise = self.expression(_IN_OPERATOR)
            node = Conditional(self.text, start, self.end, node, then, otherwise)
        self.stack -= frames
        return node

    def binary(self, lowest: int) -> Node:
        """Operators of at least this precedence; all associate to the left."""
        start = self.token.start
        left = self.unary()
        while True:
            op = self.token.text if self.token.kind in ("op", "name") else ""
            precedence = _PRECEDENCE.get(op, 0)
            if precedence < max(lowest, 1):
                return left
            if precedence <= 2:
                left = self.chain(op, precedence, start, left)
                continue
            self.position += 1
            self.deeper(_IN_OPERATOR)
            right = self.binary(precedence + 1)
            self.stack -= _IN_OPERATOR
            left = Binary(self.text, start, self.end, op, left, right)

    def chain(self, op: str, precedence: int, start: int, first: Node) -> Node:
        operands = [first]
        self.deeper(_IN_OPERATOR)
        while self.take(op):
            operands.append(self.binary(precedence + 1))
        self.stack -= _IN_OPERATOR
        return Logic(self.text, start, self.end, op, tuple(operands))

    def unary(self) -> Node:
        signs: list[Token] = []
        while self.at("!", "-"):
            signs.append(self.token)
            self.position += 1
        if len(signs) > DEEPEST:
            raise _too_deep(signs[0].start, signs[-1].end)
        if signs and signs[-1].text == "-" and self.token.kind in ("int", "double"):
            sign = signs.pop()
            node = self.postfix(self.number(sign), sign.start)
        else:
            start = self.token.start
            node = self.postfix(self.primary(), start)
        for sign in reversed(signs):
            node = Unary(self.text, sign.start, self.end, sign.text, node)
        return node

    def number(self, sign: Token | None) -> Node:
        token = self.token
        self.position += 1
        value = literals.number(token, negative=sign is not None)
        return Literal(self.text, sign.start if sign else token.start, token.end, value)

    def postfix(self, node: Node, start: int) -> Node:
        while True:
            if self.take("."):
                node = self.member(node, start)
            elif self.take("["):
                form = OptionalIndex if self.take("?") else Index
                index = self.expression()
                self.expect("]")
                node = form(self.text, start, self.end, node, index)
            else:
                return node

    def member(self, operand: Node, start: int) -> Node:
        form = OptionalSelect if self.take("?") else Select
        field = self.token
        if field.kind == "quoted":
            self.position += 1
            return form(self.text, start, self.end, operand, field.text[1:-1])
        if field.kind != "name" or field.text in _CONSTANTS or field.text == "in":
            raise self.unexpected("expected a field name after `.`")
        self.position += 1
        if form is OptionalSelect or not self.take("("):
            return form(self.text, start, self.end, operand, field.text)
        args = self.items(")")
        return self.macro(start, operand, field, args) or Call(self.text, start, self.end, operand, field.text, args)

    def macro(self, start: int, operand: Node, field: Token, args: tuple[Node, ...]) -> Macro | None:
        """The macro that a call is, if it is one."""
        bodies: tuple[Node, ...]
        if field.text == "bind" and isinstance(operand, Name) and operand.name == "cel" and len(args) == 3:
            count, target, kind, bodies = 1, args[1], "bind", args[2:]
        else:
            count, target, kind = _MACROS.get(field.text, {}).get(len(args), 0), operand, field.text
            bodies = args[count:]
        names = [name.name for name in args[:count] if isinstance(name, Name)]
        if not count or len(names) < count:
            return None
        if len(set(names)) < count:
            raise CelSyntaxError(f"`{names[0]}` is given to two variables", args[1].start, args[1].end)
        kind = "exists_one" if kind == "existsOne" else kind
        return Macro(self.text, start, self.end, kind, target, tuple(names), bodies)

    def items(self, closing: str, optional: set[int] | None = None) -> tuple[Node, ...]:
        """Expressions between commas up to a closing bracket; a comma may follow the last.

        Where `optional` is given, an item may begin with `?`, and its position is put there.
        """
        found: list[Node] = []
        while not self.take(closing):
            if optional is not None and self.take("?"):
                optional.add(len(found))
            found.append(self.expression())
            if not self.at(closing):
                if not self.at(","):
                    raise self.unexpected(f"expected `,` or `{closing}`")
                self.position += 1
        return tuple(found)

    def primary(self) -> Node:
        token = self.token
        if token.kind in ("int", "double"):
            return self.number(None)
        if token.kind == "string":
            self.position += 1
            return Literal(self.text, token.start, token.end, literals.string(token))
        if token.kind == "name":
            return self.name(token)
        if self.at(".") and self.tokens[self.position + 1].kind == "name":
            self.position += 1
            return self.absolute(token, self.token)
        if self.take("("):
            node = self.expression(_IN_PARENTHESES)
            self.expect(")")
            return node
        if self.take("["):
            return self.list(token)
        if self.take("{"):
            return self.map(token)
        raise self.unexpected("expected an expression")

    def list(self, opening: Token) -> Node:
        optional: set[int] = set()
        items = self.items("]", optional)
        return ListLiteral(self.text, opening.start, self.end, items, frozenset(optional))

    def map(self, opening: Token) -> Node:
        entries: list[tuple[Node, Node]] = []
        optional: set[int] = set()
        while not self.take("}"):
            if self.take("?"):
                optional.add(len(entries))
            key = self.expression()
            self.expect(":")
            entries.append((key, self.expression()))
            if not self.at("}"):
                self.expect(",")
        return MapLiteral(self.text, opening.start, self.end, tuple(entries), frozenset(optional))

    def name(self, token: Token) -> Node:
        if token.text in _RESERVED or token.text == "in":
            raise CelSyntaxError(f"`{token.text}` is a reserved word", token.start, token.end)
        self.position += 1
        if token.text in _CONSTANTS:
            return Literal(self.text, token.start, token.end, _CONSTANTS[token.text])
        if not self.take("("):
            return Name(self.text, token.start, token.end, token.text)
        args = self.items(")")
        if token.text == "has":
            return self.has(token, args)
        return Call(self.text, token.start, self.end, None, token.text, args)

    def absolute(self, dot: Token, name: Token) -> Node:
        """`.name`: looked up where no namespace and no variable hides it."""
        node = self.name(name)
        if isinstance(node, Name):
            return Name(self.text, dot.start, self.end, f".{node.name}")
        return node

    def has(self, token: Token, args: tuple[Node, ...]) -> Node:
        if len(args) != 1 or not isinstance(args[0], (Select, Name)):
            raise CelSyntaxError("`has` takes one field", token.start, self.end, hint="write `has(data.field)`")
        return Has(self.text, token.start, self.end, args[0])
