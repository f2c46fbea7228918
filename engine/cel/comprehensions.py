"""The trees of macros: comprehensions over what is charged to the budget, and functions of one value."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.cel import cost, optionals, pyast, values
from engine.cel.lists import by_keys
from engine.cel.syntax import Macro

if TYPE_CHECKING:
    from engine.cel.codegen import Generator

_MAKING = frozenset({"map", "transformList", "transformMap", "transformMapEntry", "sortBy"})


def macro_tree(generator: Generator, node: Macro, names: Sequence[str], target: ast.expr) -> ast.expr:
    """The tree of a macro over a target, when its variables have these names in Python."""
    if node.kind in ("bind", "optMap", "optFlatMap"):
        return _applied(generator, node, names[0], target)
    items = _items(generator, node, target)
    if node.kind in _MAKING:
        return _making(generator, node, names, items)
    return _asking(generator, node, names, items)


def _applied(generator: Generator, node: Macro, variable: str, target: ast.expr) -> ast.expr:
    """The macros that are no loops: a function of one value."""
    budget = generator.budget()
    function = pyast.function_of(variable, generator.value(node.bodies[0]))
    if node.kind == "bind":
        return pyast.call(function, pyast.call(generator.named("once", cost.once), budget, target))
    flat = pyast.constant(node.kind == "optFlatMap")
    return pyast.call(generator.named("mapped", _mapped), budget, target, function, flat)


def _mapped(budget: values.Budget, container: Any, function: Callable[[Any], Any], flat: bool) -> Any:
    return optionals.mapped(cost.once(budget, container), function, flat=flat)


def _items(generator: Generator, node: Macro, target: ast.expr) -> ast.expr:
    """What a macro goes over, charged to the budget."""
    items = pyast.attribute(target, "closed") if node.kind == "streak" else target
    spend = cost.spend if len(node.variables) == 1 else cost.spend_pairs
    return pyast.call(generator.named(spend.__name__, spend), generator.budget(), items)


def _asking(generator: Generator, node: Macro, names: Sequence[str], items: ast.expr) -> ast.expr:
    """The comprehension of a macro that asks a condition of each item."""
    condition = generator.boolean(node.bodies[0])
    if node.kind == "filter":
        return ast.ListComp(pyast.load(names[0]), pyast.rounds(names, items, [condition]))
    if node.kind == "exists_one":
        ones = ast.GeneratorExp(pyast.constant(1), pyast.rounds(names, items, [condition]))
        return pyast.compare(pyast.call(generator.named("sum", sum), ones), "==", pyast.constant(1))
    function = {"exists": any, "all": all, "streak": values.count_while}[node.kind]
    results = ast.GeneratorExp(condition, pyast.rounds(names, items))
    return pyast.call(generator.named(function.__name__, function), results)


def _making(generator: Generator, node: Macro, names: Sequence[str], items: ast.expr) -> ast.expr:
    """The comprehension of a macro that makes a list or a map."""
    rounds = pyast.rounds(names, items, [generator.boolean(body) for body in node.bodies[:-1]])
    made = generator.value(node.bodies[-1])
    if node.kind == "transformMap":
        return ast.DictComp(pyast.load(names[0]), made, rounds)
    if node.kind == "sortBy":
        pair = ast.Tuple([made, pyast.load(names[0])], ast.Load())
        return pyast.call(generator.named("by_keys", by_keys), ast.ListComp(pair, rounds))
    results = ast.ListComp(made, rounds)
    if node.kind == "transformMapEntry":
        return pyast.call(generator.named("merged", values.merged), results)
    return results
