"""What can be kept, sent and counted is plain data: events, metrics and workflows as a whole are not, one of their fields is.

Nor are optional values and types, which only expressions know.
"""

from __future__ import annotations

from engine.cel import TYPE, Checked, ListType, MapType, Node, OptionalType, RecordType, Type
from engine.cel.syntax import Call, Conditional, ListLiteral, Macro, MapLiteral


def whole(checked: Checked) -> Node | None:
    """The first part of an expression whose value would be kept though it is no plain data; None when all of it is."""
    pending = [checked.node]
    while pending:
        node = pending.pop()
        if not is_plain(checked.notes.types.get(node, checked.type)):
            return node
        pending += reversed(_handed_on(node))
    return None


def _handed_on(node: Node) -> tuple[Node, ...]:
    """The parts of a node whose values it hands on as they are."""
    match node:
        case Conditional():
            return node.then, node.otherwise
        case ListLiteral():
            return node.items
        case MapLiteral():
            return tuple(value for _, value in node.entries)
        case Call(target=None, function="dyn"):
            return node.args
        case Macro(kind="bind" | "map" | "transformList" | "transformMap" | "transformMapEntry"):
            return node.bodies[-1:]
    return ()


def is_plain(kind: Type) -> bool:
    """Whether values of a type are data: of records, those that are maps at run time, whatever is in them."""
    if isinstance(kind, ListType):
        return is_plain(kind.item)
    if isinstance(kind, MapType):
        return is_plain(kind.value)
    if kind == TYPE or isinstance(kind, OptionalType):
        return False
    if not isinstance(kind, RecordType):
        return True
    fields = kind.fields.values()
    return (kind.open or bool(fields)) and all(one.access == "item" and is_plain(one.type) for one in fields)
