"""Drawings as Mermaid state diagrams (https://mermaid.js.org/syntax/stateDiagram.html).

An arrow stands inside the innermost state that holds both its ends; Mermaid needs it there to keep its ends where they belong.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from engine.interop.diagram import Arrow, Box, Drawing

RESERVED = frozenset(
    {
        "accdescr", "acctitle", "as", "class", "classdef", "click", "default", "direction", "end", "hide", "note", "scale",
        "state", "style",
    }
)  # fmt: skip
"""Words that Mermaid reads as its own where a state could stand."""

ESCAPED = {ord(sign): f"#{ord(sign)};" for sign in '#;:"<>{}%\\`'}
"""Signs that end or change a label, as the codes by which Mermaid spells them."""

HISTORY = {"history": "H", "deep_history": "H*"}


def mermaid(drawing: Drawing) -> str:
    """The text of a diagram, title included, ending with a newline."""
    page = _Page(drawing)
    head = ["---", f"title: {_quoted(drawing.title)}", "---", "stateDiagram-v2"]
    return "\n".join([*head, *page.content(None, 1)]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _safe(text: str) -> str:
    return text.translate(ESCAPED)


class _Page:
    """Writes one drawing; `ids` are the names by which Mermaid knows the states."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        self.ids: dict[str, str] = {}
        for name in drawing.boxes:
            self.ids[name] = self._id(name)

    def _id(self, name: str) -> str:
        found = name
        while found.lower() in RESERVED or (found != name and found in self.drawing.boxes):
            found += "_"
        return found

    def content(self, parent: str | None, depth: int) -> Iterator[str]:
        """What stands in a state, or in the chart: boxes, then the arrows among them."""
        indent = "    " * depth
        boxes = self.drawing.inside(parent)
        regions = parent is not None and self.drawing.boxes[parent].state.kind == "parallel"
        for position, box in enumerate(boxes):
            if regions and position:
                yield f"{indent}--"
            yield from self.box(box, depth)
        yield from (indent + line for line in self.arrows(parent))

    def box(self, box: Box, depth: int) -> Iterator[str]:
        indent, known = "    " * depth, self.ids[box.state.name]
        title = HISTORY.get(box.state.kind, _safe(box.title))
        if box.state.children:
            label = "<br>".join([title, *map(_safe, box.lines)])
            yield f'{indent}state "{label}" as {known} {{'
            yield from self.content(box.state.name, depth + 1)
            yield f"{indent}}}"
            return
        yield f'{indent}state "{title}" as {known}'
        for line in box.lines:
            yield f"{indent}{known} : {_safe(line)}"

    def arrows(self, parent: str | None) -> Iterator[str]:
        ends = (
            f"{self.ids[box.state.name]} --> [*]" for box in self.drawing.inside(parent) if box.state.kind == "final"
        )
        return chain((self.arrow(one) for one in self.drawing.arrows if one.within == parent), ends)

    def arrow(self, one: Arrow) -> str:
        source = "[*]" if one.source is None else self.ids[one.source]
        label = "<br>".join(map(_safe, one.lines))
        return f"{source} --> {self.ids[one.target]}" + (f" : {label}" if label else "")
