"""Conditions of durable_rules as CEL over the typed fields of messages.

A property that is not there, or not of the type that is asked for, makes a comparison false: each asks with `has` first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.interop.durable_rules.dialect import translated
from engine.interop.durable_rules.fields import Fields, Way, sameness
from engine.interop.durable_rules.reading import Condition, malformed, unsupported

ORDERS: Mapping[str, str] = {"$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">="}
SUMS: Mapping[str, str] = {"$add": "+", "$sub": "-", "$mul": "*", "$div": "/"}
LOGIC: Mapping[str, str] = {"$and": " && ", "$or": " || "}


def literal(value: str) -> str:
    """A text as CEL spells it."""
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that is compared, in one way: what must hold so that it can be, and its expression."""

    guards: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Element:
    """What a pattern matched: the expression for its fields, that for its whole message, and its fields."""

    fields_at: str
    body_at: str
    fields: Fields

    def seen(self, path: str, way: Way) -> Seen:
        """A property in one way."""
        text = f"{self.fields_at}.{self.fields.name(path, way)}"
        return Seen((f"has({text})",), text)


@dataclass(slots=True)
class Writer:
    """Writes conditions on `own`. `others` are the elements before it, by name; None: nothing is known of them, and only what a
    comparison with them asks of `own` is written."""

    rule: str
    own: Element
    others: Mapping[str, Element] | None
    items: list[str] = field(default_factory=list)

    def condition(self, one: Condition) -> str:
        """A condition, `true` where nothing is asked. Raises `PackError` for what cannot be read."""
        if not isinstance(one, Mapping) or len(one) != 1:
            raise malformed(f"a condition has one operator or property, not {json.dumps(one, default=str)}", self.rule)
        ((operator, content),) = one.items()
        if operator == "$s":
            return "true"
        if operator in LOGIC:
            parts = [self.condition(part) for part in content]
            return self._joined(LOGIC[operator], [part for part in parts if part != "true" or operator == "$or"])
        return self._test(operator, content)

    def _joined(self, sign: str, parts: list[str]) -> str:
        if not parts or "true" in parts:
            return "true"
        return sign.join(f"({part})" for part in parts) if len(parts) > 1 else parts[0]

    def _test(self, operator: str, content: Any) -> str:
        if operator in ("$ex", "$nex"):
            (path,) = content
            return ("" if operator == "$ex" else "!") + f"has({self.own.seen(path, 'same').text})"
        if operator in ("$iall", "$iany"):
            ((path, inner),) = content.items()
            return self._array(operator, path, inner)
        if operator in ("$mt", "$imt"):
            ((path, pattern),) = content.items()
            left = self._left(path, "text")
            wanted = literal(translated(pattern, operator == "$imt"))
            return self._guarded((*left.guards, f"{left.text}.matches({wanted})"))
        if operator in ORDERS:
            ((path, right),) = content.items()
            return self._ordered(path, ORDERS[operator], right)
        if operator == "$neq":
            ((path, right),) = content.items()
            return self._equal(path, "!=", right)
        if operator.startswith("$") and not operator.startswith("$i"):
            raise unsupported(f"`{operator}`", self.rule)
        return self._equal(operator, "==", content)

    # --- comparisons -----------------------------------------------------------------------------

    def _equal(self, path: str, sign: str, right: Any) -> str:
        if _is_sum(right):
            return self._compared(path, sign, right, "number")
        if path.startswith("$i"):
            item = self._item(path)
            return self._guarded((*self._parents(item), f"{item} {sign} {self._plain(right)}"))
        left = self.own.seen(path, "same")
        if isinstance(right, Mapping):
            return self._against(left, sign, self._reference(right, "same"))
        return self._against(left, sign, Seen((), literal(sameness(self._scalar(right)))))

    def _ordered(self, path: str, sign: str, right: Any) -> str:
        if isinstance(right, str):
            return self._compared(path, sign, right, "text")
        if not isinstance(right, Mapping) or _is_sum(right):
            return self._compared(path, sign, right, "number")
        ways: tuple[Way, ...] = ("number", "text")
        return " || ".join(f"({self._compared(path, sign, right, way)})" for way in ways)

    def _compared(self, path: str, sign: str, right: Any, way: Way) -> str:
        return self._against(self._left(path, way), sign, self._operand(right, way))

    def _against(self, left: Seen, sign: str, right: Seen | None) -> str:
        if right is None:
            return self._guarded(left.guards)
        return self._guarded((*left.guards, *right.guards, f"{left.text} {sign} {right.text}"))

    def _guarded(self, parts: tuple[str, ...]) -> str:
        return " && ".join(dict.fromkeys(parts))

    def _left(self, path: str, way: Way) -> Seen:
        if not path.startswith("$i"):
            return self.own.seen(path, way)
        item = self._item(path)
        if way == "text":
            return Seen((*self._parents(item), f"type({item}) == type('')"), item)
        return Seen(
            (*self._parents(item), f"(type({item}) == type(1) || type({item}) == type(1.0))"), f"double({item})"
        )

    def _operand(self, right: Any, way: Way) -> Seen | None:
        """The right side; None where it reads what is not known."""
        if _is_sum(right):
            return self._sum(right)
        if isinstance(right, Mapping):
            return self._reference(right, way)
        value = self._scalar(right)
        if isinstance(value, str) and way == "text":
            return Seen((), literal(value))
        if isinstance(value, (bool, str)):
            raise malformed(f"{json.dumps(value)} is no number", self.rule)
        return Seen((), repr(float(value)))

    def _sum(self, right: Mapping[str, Any]) -> Seen | None:
        ((operator, parts),) = right.items()
        one, other = self._operand(parts["$l"], "number"), self._operand(parts["$r"], "number")
        if one is None or other is None:
            return None
        return Seen((*one.guards, *other.guards), f"({one.text} {SUMS[operator]} {other.text})")

    def _reference(self, right: Mapping[str, Any], way: Way) -> Seen | None:
        ((name, path),) = right.items()
        if not isinstance(path, str):
            raise unsupported("a reference to the state of another `sid`", self.rule)
        if name == "$m":
            return self.own.seen(path, way)
        if self.others is None:
            return None
        if name not in self.others:
            raise malformed(f"nothing before this pattern is called `{name}`", self.rule)
        return self.others[name].seen(path, way)

    def _scalar(self, value: Any) -> Any:
        if value is None or isinstance(value, (list, Mapping)):
            raise unsupported(f"comparing with {json.dumps(value, default=str)}", self.rule)
        return value

    def _plain(self, value: Any) -> str:
        value = self._scalar(value)
        return literal(value) if isinstance(value, str) else json.dumps(value)

    # --- arrays ----------------------------------------------------------------------------------

    def _array(self, operator: str, path: str, inner: Condition) -> str:
        """`$iall` wants at least one item, as durable_rules does."""
        whole = self._item(path) if path.startswith("$i") else f"{self.own.body_at}.{path}"
        guards = (*self._parents(whole), f"type({whole}) == type([])")
        self.items.append(f"_item{len(self.items)}")
        try:
            tested = self.condition(inner)
        finally:
            name = self.items.pop()
        if operator == "$iany":
            return self._guarded((*guards, f"{whole}.exists({name}, {tested})"))
        return self._guarded((*guards, f"size({whole}) > 0", f"{whole}.all({name}, {tested})"))

    def _item(self, path: str) -> str:
        if not self.items:
            raise malformed("`$i` stands for an item of an array, inside `$iall` or `$iany`", self.rule)
        return self.items[-1] + path.removeprefix("$i")

    def _parents(self, text: str) -> tuple[str, ...]:
        """That every step of a walk into a message of unknown shape is there."""
        base = self.own.body_at if text.startswith(self.own.body_at) else text.partition(".")[0]
        steps = text.removeprefix(base).split(".")[1:]
        found, at = [], base
        for step in steps:
            if at != self.own.body_at:
                found.append(f"type({at}) == type({{}})")
            at = f"{at}.{step}"
            found.append(f"has({at})")
        return tuple(found)


def _is_sum(right: Any) -> bool:
    return isinstance(right, Mapping) and next(iter(right), None) in SUMS
