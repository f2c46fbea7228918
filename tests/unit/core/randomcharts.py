"""Random charts, as trees for the reference and as packs for the engine."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.unit.core.reference import Move, Node

EVENTS = ("a", "b", "c")
SIGNAL = "sig"
BUDGET = 4
HISTORIES = ("shallow", "deep")


@st.composite
def charts(draw: st.DrawFn) -> Node:
    """A root whose first child waits for the event `begin`."""
    names = iter(f"s{number}" for number in range(1, 100))
    parallel = draw(st.integers(0, 3)) == 0
    kinds = ("compound", "parallel", "atomic") if parallel else ("compound", "parallel", "atomic", "final")
    top = [draw(states(names, kind, 2)) for kind in ("compound", *draw(st.lists(st.sampled_from(kinds), max_size=2)))]
    idle = Node("idle", "atomic")
    root = Node("root", "root", [idle, *top], ["idle"])
    adopt(root)
    nodes = [node for node in root.below() if node is not idle]
    for node in nodes:
        aim(draw, node)
    for number, node in enumerate(nodes):
        if node.kind not in ("final", *HISTORIES):
            node.moves = [draw_move(draw, f"m{number}.{index}", nodes) for index in range(draw(st.integers(0, 3)))]
    idle.moves = [Move("begin", draw_targets(draw, nodes) or [top[0].name])]
    return root


@st.composite
def states(draw: st.DrawFn, names: Any, kind: str, depth: int) -> Node:
    node = Node(next(names), kind)
    if kind == "compound":
        inner = ("atomic", "atomic", "final", "compound", "parallel") if depth else ("atomic", "final")
        kinds = ["atomic", *draw(st.lists(st.sampled_from(inner), max_size=2))]
        node.children = [draw(states(names, one, depth - 1)) for one in kinds]
    elif kind == "parallel":
        inner = ("compound", "compound", "atomic", "parallel") if depth else ("atomic",)
        kinds = draw(st.lists(st.sampled_from(inner), min_size=2, max_size=3))
        node.children = [draw(states(names, one, depth - 1)) for one in kinds]
    if node.children and draw(st.booleans()):
        node.children.append(Node(next(names), draw(st.sampled_from(HISTORIES))))
    return node


def adopt(node: Node) -> None:
    for child in node.children:
        child.parent = node
        adopt(child)


def aim(draw: st.DrawFn, node: Node) -> None:
    """Choose where a compound state starts, and what a history stands for while it remembers nothing."""
    if node.kind == "compound":
        inside = [one for one in node.below() if one.kind not in HISTORIES]
        own = [one for one in node.children if one.kind in HISTORIES] * 2
        node.targets = draw(st.sampled_from([[one.name] for one in (*inside, *own)]))
    elif node.kind in HISTORIES:
        assert node.parent is not None
        inside = list(node.parent.children) if node.kind == "shallow" else list(node.parent.below())
        node.targets = [draw(st.sampled_from([one.name for one in inside if one.kind not in HISTORIES]))]
    node.begin = draw(st.sampled_from(["", f"i{node.name}"])) if node.targets else ""


def draw_targets(draw: st.DrawFn, nodes: list[Node]) -> list[str]:
    """No target, one, or two in different regions of a parallel state."""
    single = [[node.name] for node in nodes]
    remembering = [[node.name] for node in nodes if node.kind in HISTORIES] * 4
    pairs = [[one.name, other.name] for one, other in combinations(nodes, 2) if side_by_side(one, other)]
    return draw(st.sampled_from([[], *single, *remembering, *pairs[:12]]))


def side_by_side(one: Node, other: Node) -> bool:
    if any(node.kind in HISTORIES for node in (one, other)):
        return False
    common = next(above for above in (one, *one.ancestors()) if above is other or other.within(above))
    return common.kind == "parallel" and common not in (one, other)


def draw_move(draw: st.DrawFn, mark: str, nodes: list[Node]) -> Move:
    ends = [f"done.{node.name}" for node in nodes if node.kind in ("compound", "parallel")]
    event = draw(st.sampled_from([*EVENTS, *EVENTS, None, SIGNAL, *ends[:3]]))
    outside = event in EVENTS
    return Move(
        event=event,
        targets=draw_targets(draw, nodes),
        internal=draw(st.booleans()),
        wants=draw(st.sampled_from([None, None, None, 1])) if outside else None,
        inside=draw(st.sampled_from([None, None, None, draw(st.sampled_from(nodes)).name])),
        spend=event is None or event == SIGNAL,
        mark=mark,
        raises=draw(st.sampled_from([None, None, SIGNAL])),
    )


def pack(root: Node) -> str:
    """The chart as YAML."""
    fields = {"lateness": "7d", "keys": {"job": "data.job"}, "data": {"job": "string", "n": "int"}}
    everywhere = [{"to": node.name, "when": "false"} for node in root.below() if node.kind not in HISTORIES]
    rendered = {node.name: state(node) for node in root.children}
    rendered["idle"]["on"]["never"] = everywhere
    machine = {
        "by": "job",
        "context": {"path": "string = ''", "budget": f"int = {BUDGET}"},
        "signals": {SIGNAL: {}},
        "initial": "idle",
        "states": rendered,
    }
    events = dict.fromkeys(["begin", "never", *EVENTS])
    return yaml.safe_dump(
        {"pack": {"name": "random"}, "events": {name: dict(fields) for name in events}, "workflows": {"job": machine}},
        sort_keys=False,
    )


def state(node: Node) -> dict[str, Any]:
    if node.kind in HISTORIES:
        return {"history": node.kind, "to": node.targets, **marked("then", node.begin)}
    found: dict[str, Any] = {"final": True} if node.kind == "final" else {}
    if node.children:
        found["states"] = {child.name: state(child) for child in node.children}
    if node.kind == "parallel":
        found["parallel"] = True
    elif node.children:
        found["initial"] = {"to": node.targets, **marked("then", node.begin)}
    found |= {**marked("enter", f"+{node.name}"), **marked("exit", f"-{node.name}")}
    for move in node.moves:
        if move.event is None:
            found.setdefault("always", []).append(transition(move))
        else:
            found.setdefault("on", {}).setdefault(move.event, []).append(transition(move))
    return found


def transition(move: Move) -> dict[str, Any]:
    guards = []
    if move.wants is not None:
        guards.append(f"data.n == {move.wants}")
    if move.inside is not None:
        guards.append(f"'{move.inside}' in active")
    if move.spend:
        guards.append("context.budget > 0")
    found: dict[str, Any] = {"to": move.targets, "internal": move.internal, **marked("then", move.mark)}
    if guards:
        found["when"] = " && ".join(guards)
    if move.spend:
        found["set"] = {"budget": "context.budget - 1"}
    if move.raises is not None:
        found.setdefault("then", []).append({"raise": move.raises})
    return found


def marked(key: str, text: str) -> dict[str, Any]:
    return {key: [{"set": {"path": f"context.path + '{text} '"}}]} if text else {}
