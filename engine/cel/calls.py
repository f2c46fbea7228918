"""The types of calls: functions, methods, and the methods that records bring along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.cel.checked import CallPlan
from engine.cel.errors import CelError
from engine.cel.functions import FUNCTIONS, METHODS
from engine.cel.overloads import Overloads, choose, host
from engine.cel.strings import pattern
from engine.cel.suggestions import did_you_mean
from engine.cel.syntax import Call, Literal, Name, Node
from engine.cel.types import DOUBLE, DYN, INT, RecordType, Type, assignable

if TYPE_CHECKING:
    from engine.cel.checker import Checker


def call_type(checker: Checker, node: Call, qualified: str | None) -> Type:
    """The type of a call of which the parts were visited; what it will call is noted as a CallPlan."""
    name = qualified or node.function
    if qualified is not None or node.target is None:
        return _function_type(checker, node, name, node.args, _named(checker, name))
    target = checker.types[node.target]
    if not checker.typed:
        return _function_type(checker, node, name, (node.target, *node.args), METHODS.get(name, ()))
    record, entity = checker.record(target)
    if record is not None and name in record.methods:
        return _method_type(checker, node, record, entity)
    if isinstance(target, RecordType):
        hint = did_you_mean(name, {*target.methods, *(["streak"] if target.series else [])})
        return checker.report("unknown_function", f"{target} has no method `{name}`", node, hint)
    return _function_type(checker, node, name, (node.target, *node.args), METHODS.get(name, ()))


def qualified(checker: Checker, node: Call, variables: Mapping[str, Type]) -> str | None:
    """`math.abs` for a call of that function, unless `math` is a name of the scope."""
    if not isinstance(node.target, Name) or node.target.name in variables:
        return None
    space = node.target.name
    if space in checker.scope.bindings or not any(name.startswith(f"{space}.") for name in FUNCTIONS):
        return None
    checker.types[node.target] = DYN
    return f"{space}.{node.function}"


def _named(checker: Checker, name: str) -> Overloads:
    function = checker.scope.functions.get(name)
    return FUNCTIONS.get(name, ()) if function is None else host(function)


def _function_type(checker: Checker, node: Call, name: str, args: tuple[Node, ...], overloads: Overloads) -> Type:
    if not checker.typed:
        checker.calls[node] = CallPlan(name, args, overloads)
        return DYN
    if not overloads:
        return _unknown_function(checker, node, name)
    types = [checker.types[arg] for arg in args]
    direct = choose(overloads, types)
    if direct is None and any(_adapted(checker, args, overload.params) for overload in overloads):
        types = [checker.types[arg] for arg in args]
        direct = choose(overloads, types)
    fitting = [overload for overload in overloads if overload.fits(types)]
    if not fitting:
        found = ", ".join(map(str, types))
        forms = " or ".join(dict.fromkeys(f"({', '.join(map(str, form.params))})" for form in overloads))
        return checker.report("no_overload", f"`{name}` does not take ({found})", node, f"it takes {forms}")
    _check_regex(checker, name, args)
    trusted = direct if DYN not in types else None
    checker.calls[node] = CallPlan(name, args, overloads, trusted)
    if direct is not None:
        return direct.result_type(types)
    results = {overload.result_type(types) for overload in fitting}
    return results.pop() if len(results) == 1 else DYN


def _adapted(checker: Checker, args: Sequence[Node], params: Sequence[Type]) -> bool:
    """Take ints that are written in the text as doubles, when that makes the arguments fit."""
    if len(args) != len(params):
        return False
    ints = [
        arg
        for arg, wanted in zip(args, params, strict=True)
        if wanted == DOUBLE and checker.types[arg] == INT and checker.is_fixed(arg)
    ]
    if not all(arg in ints or assignable(checker.types[arg], to) for arg, to in zip(args, params, strict=True)):
        return False
    for arg in ints:
        checker.adapt(arg, DOUBLE)
    return bool(ints)


def _check_regex(checker: Checker, name: str, args: Sequence[Node]) -> None:
    if name != "matches" or not isinstance(args[-1], Literal):
        return
    try:
        pattern(args[-1].value)
    except CelError as error:
        checker.report("wrong_type", error.message, args[-1])


def _unknown_function(checker: Checker, node: Call, name: str) -> Type:
    if node.target is None:
        known = {*FUNCTIONS, *checker.scope.functions, "has"}
        hint = f"write `x.{name}(…)`" if name in METHODS else did_you_mean(name, known)
    else:
        global_form = f"write `{name}({node.target.text}, …)`" if _named(checker, name) else None
        hint = global_form or did_you_mean(name, {*METHODS, *FUNCTIONS})
    return checker.report("unknown_function", f"unknown function `{name}`", node, hint)


def _method_type(checker: Checker, node: Call, record: RecordType, entity: str | None) -> Type:
    declared = record.methods[node.function]
    found = tuple(checker.types[arg] for arg in node.args)
    if len(found) != len(declared.params) or not all(map(assignable, found, declared.params)):
        wanted = ", ".join(map(str, declared.params))
        message = f"`{node.function}` does not take ({', '.join(map(str, found))})"
        return checker.report("no_overload", message, node, f"it takes ({wanted})")
    assert node.target is not None
    checker.calls[node] = CallPlan(node.function, (node.target, *node.args), method=True, entity=entity)
    return declared.result
