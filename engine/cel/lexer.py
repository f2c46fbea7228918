"""Text to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.cel.errors import CelSyntaxError

LONGEST_TEXT = 20_000

_STRING = r"""
    (?:[rR][bB]?|[bB][rR])(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|\"[^\"\r\n]*\"|'[^'\r\n]*')
    | [bB]?(?:\"{3}(?:[^\\]|\\[\s\S])*?\"{3}|'{3}(?:[^\\]|\\[\s\S])*?'{3}
        |\"(?:[^\"\\\r\n]|\\[^\r\n])*\"|'(?:[^'\\\r\n]|\\[^\r\n])*')
"""
_TOKEN = re.compile(
    rf"""
    (?P<space>(?:[ \t\r\n\f]+|//[^\n]*)+)
    | (?P<string>{_STRING})
    | (?P<double>(?:[0-9]+\.[0-9]+|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    | (?P<int>(?:0[xX][0-9a-fA-F]+|[0-9]+)[uU]?)
    | (?P<name>[^\W\d]\w*)
    | (?P<quoted>`[\w.\-/\ ]+`)
    | (?P<op>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{{}}])
    """,
    re.VERBOSE,
)
_SUGGESTIONS = {
    "=": "write `==` to compare",
    "&": "write `&&`",
    "|": "write `||`",
    "“": 'write a straight quotation mark `"`',
    "”": 'write a straight quotation mark `"`',
    "‘": "write a straight quotation mark `'`",
    "’": "write a straight quotation mark `'`",
    "。": "write `.`",
    "、": "write `,`",
    "\u3000": "write an ordinary space",
}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is `string`, `double`, `int`, `name`, `quoted` (a field name in backquotes), `op` or `end`; offsets count characters."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """All tokens of a text and an `end` token. Raises CelSyntaxError for a character that starts none."""
    if len(text) > LONGEST_TEXT:
        message = f"the expression has {len(text)} characters, at most {LONGEST_TEXT} are read"
        raise CelSyntaxError(message, LONGEST_TEXT, len(text), code="too_long")
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _stray(text, position)
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), position, match.end()))
        position = match.end()
    found.append(Token("end", "", position, position))
    return found


def _stray(text: str, position: int) -> CelSyntaxError:
    character = text[position]
    if character in "\"'":
        return CelSyntaxError("the string that starts here does not end", position, len(text))
    hint = _SUGGESTIONS.get(character)
    if "\uff01" <= character <= "\uff5e":
        hint = f"write the half-width `{chr(ord(character) - 0xFEE0)}`"
    return CelSyntaxError(f"unexpected character `{character}`", position, position + 1, hint=hint)
