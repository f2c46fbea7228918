"""What is known to be present where an expression is read, from the conditions around it."""

from __future__ import annotations

from engine.cel.syntax import Conditional, Has, Index, Key, Literal, Logic, Node, Select, Unary, key

Facts = frozenset[Key]
NOTHING: Facts = frozenset()


class Guards:
    """The guards of one tree. Answers are remembered: nested conditions would ask for them exponentially often."""

    def __init__(self) -> None:
        self._answers: dict[tuple[Node, bool], Facts | None] = {}

    def facts(self, node: Node, truth: bool) -> Facts:
        """The keys of what must be present when the node has this value."""
        return self._known(node, truth) or NOTHING

    def _known(self, node: Node, truth: bool) -> Facts | None:
        """The facts, or None when the node never has this value."""
        question = (node, truth)
        if question not in self._answers:
            self._answers[question] = self._derive(node, truth)
        return self._answers[question]

    def _derive(self, node: Node, truth: bool) -> Facts | None:
        match node:
            case Literal():
                return NOTHING if node.value is truth else None
            case Has():
                return _chain(node.operand) if truth else NOTHING
            case Unary(op="!"):
                return self._known(node.operand, not truth)
            case Logic():
                parts = [self._known(operand, truth) for operand in node.operands]
                return _both(parts) if (node.op == "&&") == truth else _either(parts)
            case Conditional():
                chosen = _both([self._known(node.condition, True), self._known(node.then, truth)])
                other = _both([self._known(node.condition, False), self._known(node.otherwise, truth)])
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
