"""What names mean before anything else is known: roots with dots, namespaces, and types that are named as values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from engine.cel.denotation import NAMES, Denotation
from engine.cel.scope import Scope
from engine.cel.syntax import Literal, Macro, Name, Node, Select

_TYPE_PREFIX = "google"


def resolve(node: Node, scope: Scope) -> Node:
    """The tree with every root under the name that the scope has for it, and types as literals.

    A tree in which nothing has to be changed is returned as it is, down to its smallest part.
    """
    return _Resolver(scope).visit(node, frozenset())


class _Resolver:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.dotted = bool(scope.container) or any("." in name for name in scope.bindings)

    def visit(self, node: Node, variables: frozenset[str]) -> Node:
        found = self.root(node, variables)
        if found is not None:
            return found
        if isinstance(node, Macro):
            return self.macro(node, variables)
        return self.rebuilt(node, variables)

    def root(self, node: Node, variables: frozenset[str]) -> Node | None:
        """What a name, or a selection that is one, stands for; None when its parts have to be looked at."""
        if isinstance(node, Name):
            if node.name in variables:
                return node
        elif not isinstance(node, Select):
            return None
        names = _plain_path(node)
        if names is None or names[0] in variables or not (len(names) == 1 or self.dotted or names[0] == _TYPE_PREFIX):
            return None
        whole = ".".join(names)
        if names[0].startswith(".") and names[0][1:] in variables:
            return node if isinstance(node, Name) else None
        for candidate in self.candidates(whole):
            if candidate in self.scope.bindings:
                same = isinstance(node, Name) and candidate == node.name
                return node if same else Name(node.source, node.start, node.end, candidate)
        if whole in NAMES:
            return Literal(node.source, node.start, node.end, Denotation(whole))
        return node if isinstance(node, Name) else None

    def candidates(self, name: str) -> Iterator[str]:
        """The name in the container and in each of its parents."""
        if name.startswith("."):
            yield name[1:]
            return
        parts = self.scope.container.split(".") if self.scope.container else []
        for size in range(len(parts), -1, -1):
            yield ".".join([*parts[:size], name])

    def macro(self, node: Macro, variables: frozenset[str]) -> Node:
        target = self.visit(node.target, variables)
        inner = variables | set(node.variables)
        bodies = tuple(self.visit(body, inner) for body in node.bodies)
        if target is node.target and all(map(_same, bodies, node.bodies)):
            return node
        return replace(node, target=target, bodies=bodies)

    def rebuilt(self, node: Node, variables: frozenset[str]) -> Node:
        """A node with its parts resolved."""
        changed: dict[str, Any] = {}
        for each in fields(node)[3:]:
            value = getattr(node, each.name)
            found = self.part(value, variables)
            if found is not value:
                changed[each.name] = found
        return replace(node, **changed) if changed else node

    def part(self, value: Any, variables: frozenset[str]) -> Any:
        if isinstance(value, Node):
            return self.visit(value, variables)
        if isinstance(value, tuple):
            parts = tuple(self.part(one, variables) for one in value)
            return value if all(map(_same, parts, value)) else parts
        return value


def _plain_path(node: Node) -> tuple[str, ...] | None:
    names = []
    while isinstance(node, Select):
        names.append(node.field)
        node = node.operand
    return (node.name, *reversed(names)) if isinstance(node, Name) else None


def _same(one: Any, other: Any) -> bool:
    return one is other
