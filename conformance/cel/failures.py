"""Every way in which some part of an expression fails, also where its value is not asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.cel import CelError, Checked, Node
from engine.cel.exact import Evaluator
from engine.cel.macros import rounds
from engine.cel.syntax import Macro, children


def codes(checked: Checked, values: Mapping[str, Any]) -> frozenset[str]:
    """The codes of all errors of all parts, in all rounds of macros."""
    found: set[str] = set()
    _collect(checked, checked.node, values, {}, found)
    return frozenset(found)


def _collect(
    checked: Checked, node: Node, values: Mapping[str, Any], variables: Mapping[str, Any], found: set[str]
) -> None:
    try:
        Evaluator(checked, values).value(node, variables)
    except CelError as error:
        found.add(error.code)
    if not isinstance(node, Macro):
        for child in children(node):
            _collect(checked, child, values, variables, found)
        return
    _collect(checked, node.target, values, variables, found)
    try:
        items = rounds(node, Evaluator(checked, values).value(node.target, variables))
    except CelError:
        return
    for item in items:
        for body in node.bodies:
            _collect(checked, body, values, {**variables, **dict(zip(node.variables, item, strict=True))}, found)
