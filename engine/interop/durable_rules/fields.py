"""What rules look at in a message, as typed fields: the matcher's indexes need types, and JSON has none to declare.

A property that rules compare is taken out of the message under a name for each way of looking at it. As `number` and as `text` it
is there only where it is one. As `same` it is a text that two values have in common exactly when they are equal: that one is
joined on and looked up by.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from engine.interop.names import Names

Way = Literal["number", "text", "same"]
TYPES: Mapping[Way, str] = {"number": "double?", "text": "string?", "same": "string?"}


def sameness(value: Any) -> str:
    """A text that is equal for equal JSON values, and for no others; 5 and 5.0 are equal, 1 and true are not."""
    if isinstance(value, bool):
        return f"b{int(value)}"
    if isinstance(value, (int, float)):
        return f"n{int(value)}" if isinstance(value, int) or value.is_integer() else f"n{value}"
    if isinstance(value, str):
        return f"s{value}"
    return "j" + json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


class Fields:
    """The properties that are looked at, each with the name of its field."""

    def __init__(self) -> None:
        self._names = Names()
        self._ways: dict[str, tuple[str, Way]] = {}

    def name(self, path: str, way: Way) -> str:
        """The field of a property (`invoice.amount`) in one of the ways."""
        found = self._names.of((path, way), f"{path}_{way}")
        self._ways[found] = (path, way)
        return found

    def has(self, path: str) -> bool:
        """Whether a property is looked at."""
        return any(known == path for known, _ in self._ways.values())

    def declared(self) -> dict[str, str]:
        """The fields with their types, as an event declares them."""
        return {name: TYPES[way] for name, (_, way) in self._ways.items()}

    def values(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a message; what it has not, or not in that way, is absent."""
        found = {name: _seen(_at(message, path), way) for name, (path, way) in self._ways.items()}
        return {name: value for name, value in found.items() if value is not None}


def _at(message: Mapping[str, Any], path: str) -> Any:
    if path in message:
        return message[path]
    value: Any = message
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _seen(value: Any, way: Way) -> Any:
    if value is None:
        return None
    if way == "same":
        return sameness(value)
    if way == "text":
        return value if isinstance(value, str) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
