"""The values of literals: numbers in their ranges, strings and bytes with their escapes."""

from __future__ import annotations

import math
import re

from engine.cel.errors import CelSyntaxError
from engine.cel.lexer import Token
from engine.cel.values import INT_MAX, UINT_MAX, UInt

_ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-3][0-7]{2})|[xX](?P<hex>[0-9a-fA-F]{2})|u(?P<u4>[0-9a-fA-F]{4})"
    r"|U(?P<u8>[0-9a-fA-F]{8})|(?P<simple>[abfnrtv\\?\"'`])|(?P<bad>[\s\S]?))"
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def number(token: Token, *, negative: bool = False) -> int | UInt | float:
    """The value of a number token; `negative` is the sign directly before it."""
    if token.kind == "double":
        value = float(token.text)
        if math.isinf(value):
            raise _outside(token)
        return -value if negative else value
    unsigned = token.text[-1] in "uU"
    digits = token.text[:-1] if unsigned else token.text
    if len(digits.lstrip("0xX")) > 20:
        raise _outside(token)
    whole = int(digits, 16 if digits[:2] in ("0x", "0X") else 10)
    if unsigned:
        if whole > UINT_MAX or negative:
            raise _outside(token)
        return UInt(whole)
    if whole > INT_MAX + negative:
        raise _outside(token)
    return -whole if negative else whole


def _outside(token: Token) -> CelSyntaxError:
    return CelSyntaxError("the number is outside the 64-bit range", token.start, token.end)


def string(token: Token) -> str | bytes:
    """The value of a string or bytes token."""
    prefix = token.text[: min(token.text.find(quote) for quote in "\"'" if quote in token.text)].lower()
    body = token.text[len(prefix) :]
    quotes = 3 if body[:3] in ('"""', "'''") else 1
    body = body[quotes:-quotes].replace("\r\n", "\n").replace("\r", "\n")
    if "b" in prefix:
        return body.encode() if "r" in prefix else _unescaped_bytes(body, token)
    return body if "r" in prefix else _unescaped(body, token)


def _unescaped(body: str, token: Token) -> str:
    return _ESCAPE.sub(lambda match: _character(match, token), body) if "\\" in body else body


def _character(match: re.Match[str], token: Token) -> str:
    kind = match.lastgroup
    digits = match.group(str(kind))
    if kind == "simple":
        return _SIMPLE.get(digits, digits)
    if kind == "bad":
        raise CelSyntaxError(
            f"unknown escape `\\{digits}`", token.start, token.end, hint="write `\\\\` for a backslash"
        )
    code = int(digits, 8 if kind == "octal" else 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise CelSyntaxError(f"`{match.group()}` is not a character", token.start, token.end)
    return chr(code)


def _unescaped_bytes(body: str, token: Token) -> bytes:
    parts: list[bytes] = []
    position = 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[position : match.start()].encode())
        position = match.end()
        if match.lastgroup in ("octal", "hex"):
            digits = match.group(match.lastgroup)
            parts.append(bytes([int(digits, 8 if match.lastgroup == "octal" else 16)]))
        elif match.lastgroup in ("u4", "u8"):
            raise CelSyntaxError("bytes have no `\\u` escapes", token.start, token.end)
        else:
            parts.append(_character(match, token).encode())
    parts.append(body[position:].encode())
    return b"".join(parts)
