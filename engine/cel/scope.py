"""What names mean in an expression, and how generated code reads them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from engine.cel.types import RecordType, Type


class _Unset:
    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


@dataclass(frozen=True, slots=True)
class Binding:
    """A root name.

    `source` is Python text over the single name `e`, the environment that is passed at evaluation; only
    names, attributes, subscripts, constants and calls may occur. A `constant` is inlined instead. An `optional`
    root is None when absent. `ticks` marks the root that is the current instant.
    """

    type: Type
    source: str
    constant: Any = UNSET
    optional: bool = False
    ticks: bool = False


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A pure function of the embedding program. What it raises becomes a CelError `bad_argument`."""

    params: tuple[Type, ...]
    result: Type
    call: Callable[..., Any]


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """Roots, the entities that references walk to (by `e.ref(entity, id)`), and functions of the host.

    The name of a root may have dots; names are looked up in `container` and its parents first.
    """

    bindings: Mapping[str, Binding]
    entities: Mapping[str, RecordType] = field(default_factory=dict)
    functions: Mapping[str, HostFunction] = field(default_factory=dict)
    container: str = ""


_READS = (ast.Expression, ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Call, ast.Load)


@lru_cache(maxsize=1024)
def source_tree(source: str) -> ast.expr:
    """The Python tree of a binding's source. Raises ValueError for what is not a plain reading of `e`."""
    tree = ast.parse(source, mode="eval")
    for part in ast.walk(tree):
        if not isinstance(part, _READS) or (isinstance(part, ast.Name) and part.id != "e"):
            raise ValueError(f"not a reading of `e`: {source}")
    return tree.body


@lru_cache(maxsize=1024)
def reader(source: str) -> Callable[[Any], Any]:
    """A function from the environment to the value of a binding's source."""
    parameter = ast.arguments(posonlyargs=[], args=[ast.arg("e")], kwonlyargs=[], kw_defaults=[], defaults=[])
    body = ast.Expression(ast.Lambda(parameter, source_tree(source)))
    code = compile(ast.fix_missing_locations(body), "<binding>", "eval")
    read: Callable[[Any], Any] = eval(code, {"__builtins__": {}})
    return read
