"""Which names may be used for what."""

from __future__ import annotations

import re

from engine.pack.reading import At

RESERVED_ROOTS = frozenset(
    {"data", "event", "metrics", "workflows", "context", "state", "active", "key", "now", "params", "value"}
)
RESERVED_EVENTS = ("timer.", "action.", "pack.", "entity.", "done.")
_KEYWORDS = frozenset(
    {
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    }
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\Z")


def is_identifier(name: str) -> bool:
    """Whether a name can be written in an expression."""
    return bool(_IDENTIFIER.match(name)) and name not in _KEYWORDS


def identifier(name: str, at: At) -> None:
    """Report a name that cannot be written in an expression."""
    if not is_identifier(name):
        at.key_problem("bad_name", f"`{name}` cannot be written in an expression", "use letters, digits and `_`")


def root(name: str, at: At) -> None:
    """Report a name that expressions already use for something else."""
    identifier(name, at)
    if name in RESERVED_ROOTS:
        at.key_problem("reserved_name", f"`{name}` already means something in expressions")


def event(name: str, at: At) -> None:
    """Report an event type that is no name, or that belongs to the engine."""
    if not _DOTTED.match(name):
        at.key_problem("bad_name", f"`{name}` is not an event type", "write it as `visit.closed`")
    elif name.startswith(RESERVED_EVENTS):
        at.key_problem("reserved_name", f"events `{name.partition('.')[0]}.*` belong to the engine")
