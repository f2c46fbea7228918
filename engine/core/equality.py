"""When two values are one value: keys for hash look-ups that agree with equality in expressions.

A boolean is no number there, though Python has `True == 1`; lists and maps are equal by content, though they cannot be hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from datetime import UTC, datetime
from typing import Any

_BOOL, _LIST, _MAP = "\x00bool", "\x00list", "\x00map"


def hashed(value: Any) -> Hashable:
    """A key that two values share exactly when they are equal."""
    kind = value.__class__
    if kind is bool:
        return _BOOL, value
    if kind is list or kind is tuple:
        return _LIST, *map(hashed, value)
    if kind is dict:
        return _MAP, frozenset([(hashed(name), hashed(item)) for name, item in value.items()])
    found: Hashable = value
    return found


_STORABLE = frozenset((str, int, float, bool, bytes, datetime, type(None)))


def stored(value: Any) -> Hashable:
    """The same as a key of a map that can be written: what is no text, number or instant becomes sixteen bytes (BLAKE2b)."""
    if value.__class__ in _STORABLE:
        found: Hashable = value
        return found
    if isinstance(value, int):
        return int(value)
    return hashlib.blake2b(written(value).encode(), digest_size=16).digest()


def written(value: Any) -> str:
    """A text that two values share exactly when they are equal."""
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(sorted(f'{written(name)}:{written(item)}' for name, item in value.items()))}}}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1:
        return str(int(value))
    return repr(value)
