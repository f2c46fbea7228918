"""Short ways to build Python syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

_COMPARE: dict[str, ast.cmpop] = {
    "==": ast.Eq(),
    "!=": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
    "in": ast.In(),
    "is": ast.Is(),
    "is not": ast.IsNot(),
}
_OPERATORS: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult()}


def load(name: str) -> ast.expr:
    """A variable that is read."""
    return ast.Name(name, ast.Load())


def store(name: str, value: ast.expr) -> ast.stmt:
    """`name = value`."""
    return ast.Assign([ast.Name(name, ast.Store())], value)


def constant(value: object) -> ast.expr:
    """A constant of a type that code objects can hold."""
    return ast.Constant(value)  # type: ignore[arg-type]


def attribute(owner: ast.expr, name: str) -> ast.expr:
    """`owner.name`."""
    return ast.Attribute(owner, name, ast.Load())


def subscript(owner: ast.expr, position: ast.expr) -> ast.expr:
    """`owner[position]`."""
    return ast.Subscript(owner, position, ast.Load())


def call(function: ast.expr, *args: ast.expr) -> ast.expr:
    """`function(args)`."""
    return ast.Call(function, list(args), [])


def compare(left: ast.expr, op: str, right: ast.expr) -> ast.expr:
    """`left op right`."""
    return ast.Compare(left, [_COMPARE[op]], [right])


def operate(left: ast.expr, op: str, right: ast.expr) -> ast.expr:
    """`left + right`, or with `-` or `*`."""
    return ast.BinOp(left, _OPERATORS[op], right)


def chain(op: str, operands: Sequence[ast.expr]) -> ast.expr:
    """`a and b …` for `&&`, `a or b …` for `||`."""
    return ast.BoolOp(ast.And() if op == "&&" else ast.Or(), list(operands))


def function_of(parameter: str, body: ast.expr) -> ast.expr:
    """`lambda parameter: body`."""
    args = ast.arguments(posonlyargs=[], args=[ast.arg(parameter)], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(args, body)


def rounds(variables: Sequence[str], items: ast.expr, conditions: Sequence[ast.expr] = ()) -> list[ast.comprehension]:
    """`for variables in items if conditions`."""
    names: list[ast.expr] = [ast.Name(variable, ast.Store()) for variable in variables]
    target = names[0] if len(names) == 1 else ast.Tuple(names, ast.Store())
    return [ast.comprehension(target=target, iter=items, ifs=list(conditions), is_async=0)]


def attempt(body: Sequence[ast.stmt], handler: Sequence[ast.stmt]) -> ast.stmt:
    """`try: body` with `except Exception: handler`."""
    caught = ast.ExceptHandler(load("Exception"), None, list(handler))
    return ast.Try(list(body), [caught], [], [])


def function(name: str, body: Sequence[ast.stmt], params: Sequence[str] = ("e",)) -> ast.FunctionDef:
    """`def name(params): body`."""
    args = [ast.arg(param) for param in params]
    arguments = ast.arguments(posonlyargs=[], args=args, kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.FunctionDef(name=name, args=arguments, body=list(body), decorator_list=[])


def compiled(definition: ast.FunctionDef, names: dict[str, Any], label: str = "") -> Callable[..., Any]:
    """The function of a definition, whose globals are `names` and nothing else; `label` is what profiles and tracebacks call it."""
    names["__builtins__"] = {}
    module = ast.fix_missing_locations(ast.Module([definition], []))
    exec(compile(module, f"<{label or definition.name}>".replace("\0", " "), "exec"), names)
    made: Callable[..., Any] = names[definition.name]
    return made
