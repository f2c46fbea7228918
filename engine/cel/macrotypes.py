"""The types of macros: what their variables are, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.cel.guards import Facts, without
from engine.cel.syntax import Macro, MapLiteral
from engine.cel.types import BOOL, DYN, INT, ListType, MapType, OptionalType, RecordType, Type

if TYPE_CHECKING:
    from engine.cel.checker import Checker

_OVER_OPTIONALS = frozenset({"optMap", "optFlatMap"})
_CONDITIONS = frozenset({"all", "exists", "exists_one", "filter", "streak"})


def macro_type(checker: Checker, node: Macro, target: Type, known: Facts, variables: Mapping[str, Type]) -> Type:
    """The type of a macro over a target of this type; its bodies are visited here."""
    items = _variable_types(checker, node, target)
    inner = {**variables, **dict(zip(node.variables, items, strict=True))}
    for name in node.variables:
        known = without(known, name)
    for body in node.bodies[:-1]:
        checker.boolean(body, known, inner)
        known = known | checker.guards.facts(body, True)
    if node.kind in _CONDITIONS:
        checker.boolean(node.bodies[-1], known, inner)
        return {"filter": ListType(items[0]), "streak": INT}.get(node.kind, BOOL)
    return _result_type(checker, node, items, checker.visit(node.bodies[-1], known, inner))


def _variable_types(checker: Checker, node: Macro, target: Type) -> tuple[Type, ...]:
    if node.kind == "bind":
        return (target,)
    if node.kind == "streak":
        return (_series(checker, node, target),)
    if node.kind in _OVER_OPTIONALS:
        return (_optional(checker, node, target),)
    if isinstance(target, ListType):
        return (target.item,) if len(node.variables) == 1 else (INT, target.item)
    if isinstance(target, MapType):
        return (target.key, target.value)[: len(node.variables)]
    if target != DYN:
        checker.report("wrong_type", f"`{node.kind}` goes over a list, found {target}", node.target)
    return (DYN,) * len(node.variables)


def _optional(checker: Checker, node: Macro, target: Type) -> Type:
    if isinstance(target, OptionalType):
        return target.item
    if target != DYN:
        hint = "read a field that may be absent as `x.?field`"
        checker.report("wrong_type", f"`{node.kind}` takes an optional value, found {target}", node.target, hint)
    return DYN


def _series(checker: Checker, node: Macro, target: Type) -> Type:
    if isinstance(target, RecordType) and target.series is not None:
        return target.series
    if target != DYN:
        return checker.report("unknown_function", f"{target} has no `streak`", node)
    if checker.faulty(node.target):
        return DYN
    return checker.report("wrong_type", "`streak` needs a metric", node.target)


def _result_type(checker: Checker, node: Macro, items: tuple[Type, ...], body: Type) -> Type:
    match node.kind:
        case "sortBy":
            return ListType(items[0])
        case "bind":
            return body
        case "optMap":
            return OptionalType(body)
        case "optFlatMap":
            if body != DYN and not isinstance(body, OptionalType):
                checker.report("wrong_type", f"`optFlatMap` gives an optional value, found {body}", node.bodies[-1])
            return body
        case "transformMap":
            return MapType(items[0], body)
        case "transformMapEntry":
            return _entry_type(checker, node, body)
    return ListType(body)


def _entry_type(checker: Checker, node: Macro, body: Type) -> Type:
    entry = node.bodies[-1]
    if not isinstance(entry, MapLiteral):
        checker.report("wrong_type", "`transformMapEntry` gives one entry: `{key: value}`", entry)
    return body
