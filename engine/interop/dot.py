"""Drawings as DOT, the language of Graphviz: a state with states in it is a cluster, one of several at once a dashed one.

An arrow from or to a cluster is one from or to a state inside it that is cut at the border (`ltail`, `lhead`).
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from textwrap import wrap

from engine.interop.diagram import Arrow, Box, Drawing

WIDTH = 40
"""Signs to a line of a label; longer ones are wrapped."""

HISTORY = {"history": "H", "deep_history": "H*"}

HEAD = (
    "compound=true",
    "rankdir=TB",
    'fontname="sans-serif"',
    'node [shape=box, style="rounded,filled", fillcolor="#f6f8fa", color="#57606a", fontname="sans-serif", fontsize=12]',
    'edge [color="#57606a", fontname="sans-serif", fontsize=10]',
)


def dot(drawing: Drawing) -> str:
    """The text of a directed graph, ending with a newline."""
    page = _Page(drawing)
    lines = [f"digraph {_quoted(drawing.name)} {{", f"    label={_quoted(drawing.title)}", "    labelloc=t"]
    lines += [f"    {line}" for line in HEAD]
    lines += [*page.content(None, 1), *(f"    {page.arrow(one)}" for one in drawing.arrows), "}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _wrapped(lines: tuple[str, ...]) -> list[str]:
    return [part for line in lines for part in wrap(line, WIDTH)]


def _markup(box: Box) -> str:
    """A label with the title in bold and the lines below it."""
    rows = [f"<b>{escape(box.title)}</b>", *map(escape, _wrapped(box.lines))]
    return f"<{'<br/>'.join(rows)}>"


class _Page:
    """Writes one drawing."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing

    def content(self, parent: str | None, depth: int) -> Iterator[str]:
        """What stands in a cluster, or in the graph."""
        if any(one.source is None and one.within == parent for one in self.drawing.arrows):
            yield f'{"    " * depth}{self.start(parent)} [shape=point, width=0.15, fillcolor="#57606a"]'
        for box in self.drawing.inside(parent):
            yield from self.box(box, depth)

    def box(self, box: Box, depth: int) -> Iterator[str]:
        indent, name = "    " * depth, box.state.name
        if not box.state.children:
            yield f"{indent}{_quoted(name)} [{self.look(box)}]"
            return
        style = "rounded,dashed" if box.state.kind == "parallel" else "rounded"
        yield f"{indent}subgraph {_quoted('cluster_' + name)} {{"
        yield f'{indent}    label={_markup(box)}; style="{style}"; color="#57606a"'
        yield from self.content(name, depth + 1)
        yield f"{indent}}}"

    def look(self, box: Box) -> str:
        kind = box.state.kind
        if kind in HISTORY:
            return f"shape=circle, label={_quoted(HISTORY[kind])}"
        return f"label={_markup(box)}" + (", peripheries=2" if kind == "final" else "")

    def start(self, parent: str | None) -> str:
        return _quoted(f"start {parent}" if parent is not None else "start")

    def arrow(self, one: Arrow) -> str:
        tail = self.start(one.within) if one.source is None else _quoted(self.anchor(one.source))
        marks = [f"label={_quoted(chr(10).join(_wrapped(one.lines)))}"] if one.lines else []
        if one.source is not None and self.clipped(one.source, one.target):
            marks.append(f"ltail={_quoted('cluster_' + one.source)}")
        if self.clipped(one.target, one.source):
            marks.append(f"lhead={_quoted('cluster_' + one.target)}")
        return f"{tail} -> {_quoted(self.anchor(one.target))}" + (f" [{', '.join(marks)}]" if marks else "")

    def anchor(self, name: str) -> str:
        """A state without states in it that stands for `name`."""
        children = self.drawing.boxes[name].state.children
        return self.anchor(children[0]) if children else name

    def clipped(self, name: str, other: str | None) -> bool:
        """Whether an arrow is cut at the border of a state: Graphviz cannot where its other end is inside."""
        return bool(self.drawing.boxes[name].state.children) and not (other is not None and self.holds(name, other))

    def holds(self, outer: str, inner: str) -> bool:
        """Whether a state is, or is inside, another one."""
        parent = self.drawing.boxes[inner].state.parent
        return outer == inner or (parent is not None and self.holds(outer, parent))
