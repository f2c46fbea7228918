"""What is known to be present where an expression is read, from the conditions around it."""

from __future__ import annotations

from engine.cel.syntax import Conditional, Has, Index, Key, Literal, Logic, Node, Select, Unary, key

Facts = frozenset[Key]
NOTHING: Facts = frozenset()


def facts(node: Node, truth: bool) -> Facts:
    """The keys of what must be present when the node has this value."""
    return _known(node, truth) or NOTHING


def _known(node: Node, truth: bool) -> Facts | None:
    """The facts, or None when the node never has this value."""
    match node:
        case Literal():
            return NOTHING if node.value is truth else None
        case Has():
            return _chain(node.operand) if truth else NOTHING
        case Unary(op="!"):
            return _known(node.operand, not truth)
        case Logic():
            parts = [_known(operand, truth) for operand in node.operands]
            return _both(parts) if (node.op == "&&") == truth else _either(parts)
        case Conditional():
            chosen = _both([_known(node.condition, True), _known(node.then, truth)])
            other = _both([_known(node.condition, False), _known(node.otherwise, truth)])
            return _either([chosen, other])
    return NOTHING


def _both(parts: list[Facts | None]) -> Facts | None:
    known = [part for part in parts if part is not None]
    return NOTHING.union(*known) if len(known) == len(parts) else None


def _either(parts: list[Facts | None]) -> Facts | None:
    known = [part for part in parts if part is not None]
    return known[0].intersection(*known[1:]) if known else None


def _chain(node: Node) -> Facts:
    """A path and all paths that it goes through: `has(a.b)` says that `a` is there, too."""
    found: set[Key] = set()
    while True:
        found_key = key(node)
        if found_key is not None:
            found.add(found_key)
        if not isinstance(node, (Select, Index)):
            return frozenset(found)
        node = node.operand


def without(known: Facts, name: str) -> Facts:
    """The facts that stay true when a macro's variable takes over a name."""
    return frozenset(fact for fact in known if not _mentions(fact, name))


def _mentions(fact: Key, name: str) -> bool:
    if fact[0] == "name":
        return bool(fact[1] == name)
    return any(isinstance(part, tuple) and _mentions(part, name) for part in fact[1:])
