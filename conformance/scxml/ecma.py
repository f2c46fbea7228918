"""Expressions of the suite, which are ECMAScript, as CEL: operators, literals, `In(…)`, `Math.pow(…)`, and data by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

_TOKEN = re.compile(r"\s*(===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>!()\[\]{},:]|\d+(?:\.\d+)?|'[^']*'|[A-Za-z_][\w.]*)")
_SAME = {"===": "==", "!==": "!="}
_IN = re.compile(r"In\(\s*'([^']*)'\s*\)")
_POW = re.compile(r"Math\.pow\(\s*(\w+)\s*,\s*(\d+)\s*\)")
_WORDS = frozenset({"true", "false", "null"})


class UnsupportedError(Exception):
    """What has no counterpart in the pack language; says why the case is left out."""


class Expressions:
    """Translates the expressions of one chart. `types` are its data; `optional` those without a value in the beginning."""

    def __init__(self, types: Mapping[str, str], optional: frozenset[str], state: Callable[[str], str]) -> None:
        self.types = types
        self._optional = optional
        self._state = state

    def value(self, text: str) -> str:
        """A value; it is absent where it reads data that have none."""
        text = _IN.sub(lambda found: f"__in_{self._state(found[1])}", text)
        text = _POW.sub(lambda found: "(" + " * ".join([found[1]] * int(found[2])) + ")", text)
        return self._joined(tokens(text))

    def condition(self, text: str) -> str:
        """A condition. In ECMAScript, what compares nothing with a number is false, so that data must be there."""
        read = [name for name in self._optional if name in tokens(text)]
        guards = [f"has(context.{name})" for name in sorted(read)]
        return " && ".join([*guards, f"({self.value(text)})"])

    def type_of(self, text: str) -> str:
        """The type of a value, as far as the suite needs it."""
        first = tokens(text)[0]
        if first in self.types:
            return self.types[first]
        if first == "[":
            return "list(int)"
        if first == "{":
            return "map"
        if first.startswith("'"):
            return "string"
        return "bool" if first in ("true", "false") else "int"

    def _joined(self, found: Sequence[str]) -> str:
        return " ".join(self._token(found, index) for index in range(len(found)))

    def _token(self, found: Sequence[str], index: int) -> str:
        token = found[index]
        following = found[index + 1] if index + 1 < len(found) else ""
        if following == ":":
            return f"'{token}'"
        if token.startswith("__in_"):
            return f"('{token.removeprefix('__in_')}' in active)"
        if token == "_event.data":
            return "data.content"
        if token.startswith("_event.data."):
            return token.removeprefix("_event.")
        if token in self.types:
            return f"context.{token}"
        if token[0].isalpha() and token not in _WORDS:
            raise UnsupportedError(f"`{token}` is ECMAScript")
        return _SAME.get(token, token)


def tokens(text: str) -> list[str]:
    """The tokens of an expression. Raises `UnsupportedError` for what is none, or where brackets do not close."""
    found, position = list[str](), 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnsupportedError(f"`{text.strip()}` is more ECMAScript than is translated")
        found.append(match[1])
        position = match.end()
    if any(found.count(one) != found.count(other) for one, other in ("()", "[]", "{}")):
        raise UnsupportedError(
            f"`{text}` does not parse: a pack with it does not load, so that no `error.execution` can come"
        )
    return found


def literal(text: str | None, what: str) -> str:
    """The text of a quoted literal. Raises `UnsupportedError` for anything that must be computed."""
    found = re.fullmatch(r"\s*'([^']*)'\s*", text or "")
    if found is None:
        raise UnsupportedError(f"{what} is computed: `{text}`")
    return found[1]


def items(text: str) -> list[str]:
    """The items of a list that is written out."""
    found = re.fullmatch(r"\s*\[([^\[\]]*)\]\s*", text)
    if found is None:
        raise UnsupportedError(f"a loop over `{text}`, which is not written out")
    return [item.strip() for item in found[1].split(",")]
