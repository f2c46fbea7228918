"""The syntax tree. Every node knows its source text and the range of characters that it covers.

Nodes compare by identity, so that the checker can attach what it finds to each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Base of all nodes: `source[start:end]` is the text of this one."""

    source: str = field(repr=False)
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters that this node was read from."""
        return self.source[self.start : self.end]


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Node):
    """A constant written in the text; the Python value tells its type (`UInt` for `1u`)."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    """A root of the scope, or a variable of a macro."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Select(Node):
    """`operand.field`."""

    operand: Node
    field: str


@dataclass(frozen=True, slots=True, eq=False)
class OptionalSelect(Node):
    """`operand.?field`: an optional value, without one where the field is absent."""

    operand: Node
    field: str


@dataclass(frozen=True, slots=True, eq=False)
class OptionalIndex(Node):
    """`operand[?index]`: an optional value, without one where there is no such item."""

    operand: Node
    index: Node


@dataclass(frozen=True, slots=True, eq=False)
class Has(Node):
    """`has(operand)`, where the operand is a `Select`, or a `Name` for a root that may be absent."""

    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Index(Node):
    """`operand[index]`."""

    operand: Node
    index: Node


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """`function(args)`, or `target.function(args)`, which may also be a qualified name such as `math.abs`."""

    target: Node | None
    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Node):
    """`!operand` or `-operand`."""

    op: str
    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    """Arithmetic, comparison, equality or `in`."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class Logic(Node):
    """A chain of `&&` or of `||`, kept flat: long chains must not make deep trees."""

    op: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Conditional(Node):
    """`condition ? then : otherwise`."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True, eq=False)
class ListLiteral(Node):
    """`[item, …]`. The items at the positions of `optional` were written `?item`: the value, or nothing."""

    items: tuple[Node, ...]
    optional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class MapLiteral(Node):
    """`{key: value, …}`. The entries at the positions of `optional` were written `?key: value`."""

    entries: tuple[tuple[Node, Node], ...]
    optional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Macro(Node):
    """`target.kind(variables, body…)`: `map` and its kin have two bodies when the first one filters.

    Two variables are the position and the item of a list, or the key and the value of a map. `cel.bind(v, x, body)`
    is a macro over `x` alone.
    """

    kind: str
    target: Node
    variables: tuple[str, ...]
    bodies: tuple[Node, ...]


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of a node, in the order of the text."""
    match node:
        case Select() | OptionalSelect() | Has() | Unary():
            return (node.operand,)
        case Index() | OptionalIndex():
            return (node.operand, node.index)
        case Call():
            return (*(() if node.target is None else (node.target,)), *node.args)
        case Binary():
            return (node.left, node.right)
        case Logic():
            return node.operands
        case Conditional():
            return (node.condition, node.then, node.otherwise)
        case ListLiteral():
            return node.items
        case MapLiteral():
            return tuple(part for entry in node.entries for part in entry)
        case Macro():
            return (node.target, *node.bodies)
    return ()


def walk(node: Node) -> Iterator[Node]:
    """A node and all that is below it, without recursion."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))


Key = tuple[Any, ...]


def key(node: Node) -> Key | None:
    """What two equal readings have in common, wherever they are written; None for what has no such identity."""
    match node:
        case Name():
            return ("name", node.name)
        case Literal():
            return ("literal", type(node.value).__name__, node.value)
        case Select():
            return _combine("select", (node.operand,), node.field)
        case Index():
            if isinstance(node.index, Literal) and isinstance(node.index.value, str):
                return _combine("select", (node.operand,), node.index.value)
            return _combine("index", (node.operand, node.index))
        case Call():
            return _combine("call", children(node), node.function)
    return None


def _combine(kind: str, parts: tuple[Node, ...], *more: Any) -> Key | None:
    keys = tuple(key(part) for part in parts)
    return None if None in keys else (kind, *more, *keys)


def path(node: Node) -> tuple[str, ...] | None:
    """The names of `a.b.c` (or `a["b"].c`), or None when the node is anything else."""
    names: list[str] = []
    while True:
        match node:
            case Name(name=name):
                return (name, *reversed(names))
            case Select(operand=operand, field=name) | Index(operand=operand, index=Literal(value=str(name))):
                names.append(name)
                node = operand
            case _:
                return None
