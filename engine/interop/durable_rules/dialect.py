"""The pattern dialect of durable_rules (`%d`, `%w`, …) as RE2: a text matches as a whole."""

from __future__ import annotations

CLASSES = {
    "a": "a-zA-Z",
    "c": r"\x00-\x1f\x7f",
    "d": "0-9",
    "l": "a-z",
    "p": r"!-/:-@\[-`{-~",
    "s": r"\s",
    "u": "A-Z",
    "w": "a-zA-Z0-9",
    "x": "0-9a-fA-F",
}

LITERAL = frozenset("\\^$")
"""Signs that mean something to RE2 and nothing here."""


def translated(pattern: str, ignore_case: bool) -> str:
    """The regular expression of a pattern: `%` escapes, `^`, `$` and `\\` stand for themselves."""
    written: list[str] = []
    inside = False
    signs = iter(pattern)
    for sign in signs:
        if sign == "%":
            escaped = next(signs, "%")
            members = CLASSES.get(escaped)
            written.append(_literal(escaped) if members is None else members if inside else f"[{members}]")
            continue
        if sign in "[]":
            inside = sign == "["
        negates = sign == "^" and written[-1:] == ["["]
        written.append(f"\\{sign}" if sign in LITERAL and not negates else sign)
    return f"{'(?i)' if ignore_case else ''}^(?:{''.join(written)})$"


def _literal(sign: str) -> str:
    return sign if sign.isalnum() or sign == "_" else f"\\{sign}"
