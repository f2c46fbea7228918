"""What an expression reads: selections that begin at a root."""

from __future__ import annotations

from collections.abc import Mapping

from engine.cel.checked import CallPlan
from engine.cel.scope import Scope
from engine.cel.syntax import Call, Macro, Node, children, path

Path = tuple[str, ...]


def reads(node: Node, scope: Scope, calls: Mapping[Node, CallPlan]) -> frozenset[Path]:
    """The longest selections from roots, e.g. `("rep", "manager", "name")`; a record's methods count as fields."""
    found: set[Path] = set()
    pending: list[tuple[Node, frozenset[str]]] = [(node, frozenset())]
    while pending:
        current, hidden = pending.pop()
        whole = path(current)
        if whole is not None and whole[0] in scope.bindings and whole[0] not in hidden:
            found.add(whole)
            continue
        member = _member(current, calls)
        target = path(current.target) if member and isinstance(current, (Call, Macro)) and current.target else None
        parts = children(current)
        if target is not None and target[0] in scope.bindings and target[0] not in hidden:
            found.add((*target, str(member)))
            parts = parts[1:]
        if isinstance(current, Macro):
            bodies = [(body, hidden.union(current.variables)) for body in current.bodies]
            pending += [*bodies, *((part, hidden) for part in parts if part is current.target)]
        else:
            pending += [(part, hidden) for part in parts]
    return frozenset(found)


def _member(node: Node, calls: Mapping[Node, CallPlan]) -> str | None:
    """The name of a record's own method that is called here."""
    if isinstance(node, Macro):
        return node.kind if node.kind == "streak" else None
    plan = calls.get(node)
    return plan.name if plan is not None and plan.method else None
