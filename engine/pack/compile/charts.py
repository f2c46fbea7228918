"""Workflows: nested models become a flat chart of named states; every target exists and every state can be reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.cel import (
    STRING,
    Binding,
    EnumType,
    Field,
    ListType,
    RecordType,
    Scope,
    Type,
    compile_expression,
)
from engine.core.program import StateKind
from engine.pack import bench, names
from engine.pack.bench import Piece
from engine.pack.compile.build import Build
from engine.pack.compile.events import BUILTIN, Fields, read_fields, record
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import Workflow as Model
from engine.pack.model import workflow as models
from engine.pack.reading import At, Definition
from engine.pack.scope import NOW


@dataclass(frozen=True, slots=True)
class Node:
    """A state while the chart is built. `path` is how records show it."""

    name: str
    path: str
    parent: str | None
    model: models.State
    at: At
    order: int


@dataclass(slots=True)
class Chart:
    """A workflow while it is compiled. `lost`: a target is missing, so that what can be reached is not known.

    `revision` is the earlier one that it is held from; empty: it is the pack's own.
    """

    build: Build
    name: str
    model: Model
    at: At
    context: RecordType
    defaults: dict[str, Any]
    signals: dict[str, RecordType] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    lost: bool = False
    revision: str = ""

    def scope(self, events: Sequence[str] = ()) -> Scope:
        """What a transition on one of these events, or on a signal, sees; without any, what enter, exit and deadlines see."""
        vocabulary = self.build.vocabulary
        nodes = list(self.nodes.values())
        own = {
            **vocabulary.own(self.model.by),
            **NOW,
            "context": Binding(self.context, "e.context"),
            "state": Binding(shown(nodes, self.model.parallel), "e.state"),
            "active": Binding(ListType(EnumType(tuple(self.nodes))), "e.active"),
        }
        if events and events[0] in self.signals:
            return vocabulary.scope(own, {"data": Binding(self.signals[events[0]], "e.data")})
        known = [name for name in events if name in vocabulary.events]
        return vocabulary.scope(own, vocabulary.event(known, self.model.by)) if known else vocabulary.scope(own)

    def matching(self, pattern: str) -> tuple[str, ...]:
        """The events that `quote.*`, or `*`, stands for: those that reach the workflow's scope, but the engine's own."""
        prefix = pattern.removesuffix("*")
        return tuple(
            name
            for name, shape in self.build.vocabulary.events.items()
            if name not in BUILTIN and f"{name}.".startswith(prefix) and shape.reaches(self.model.by)
        )

    def targets(self, to: Sequence[str], at: At) -> tuple[str, ...]:
        """The states of `to`; unknown ones are reported."""
        for index, name in enumerate(to):
            if name not in self.nodes:
                hint = did_you_mean(name, self.nodes)
                (at / index).problem("unknown_state", f"there is no state `{name}` in `{self.name}`", hint)
                self.lost = True
        return tuple(name for name in to if name in self.nodes)


def shown(nodes: Sequence[Node], parallel: bool) -> Type:
    """The type of `state`: the paths of atomic states; any text when several can be active at once."""
    if parallel or any(node.model.parallel for node in nodes):
        return STRING
    return EnumType(tuple(node.path for node in nodes if kind_of(node.model) in ("atomic", "final")))


def kind_of(model: models.State) -> StateKind:
    """What kind of state a model describes."""
    if model.history:
        return "deep_history" if model.history == "deep" else "history"
    if model.final:
        return "final"
    if model.parallel:
        return "parallel"
    return "compound" if model.states else "atomic"


def walk(states: Mapping[str, models.State], at: At, parent: Node | None = None) -> Iterator[Node]:
    """All states below, in document order."""
    for name, model in states.items():
        path = name if parent is None else f"{parent.path}.{name}"
        node = Node(name, path, parent.name if parent else None, model, at / name, 0)
        yield node
        yield from walk(model.states, at / name / "states", node)


def declare(build: Build, definition: Definition[Model], revision: str = "") -> Chart:
    """The names of a workflow: its states and its context, for its own expressions and those of others.

    With the `revision` that it is held from it does not take the name from the pack's own.
    """
    model, at = definition.model, definition.at
    names.identifier(definition.name, at)
    build.scope_name(model.by, at / "by")
    fields = read_fields(model.context, at / "context", build.vocabulary.entities, defaults=True)
    context = record(f"the context of {definition.name}", fields)
    chart = Chart(
        build, definition.name, model, at, context, _defaults(build, fields, at / "context"), revision=revision
    )
    chart.signals.update(_signals(build, model, at / "signals"))
    for order, node in enumerate(walk(model.states, at / "states")):
        if node.name in chart.nodes:
            node.at.key_problem("duplicate_name", f"`{definition.name}` has another state `{node.name}`")
            continue
        names.identifier(node.name, node.at)
        chart.nodes[node.name] = Node(node.name, node.path, node.parent, node.model, node.at, order)
    outside = {name: Field(one.type, optional=True) for name, one in context.fields.items()}
    state = shown(list(chart.nodes.values()), model.parallel)
    state = EnumType((*state.values, "")) if isinstance(state, EnumType) else state
    members = {
        "state": Field(state, access="attr"),
        "context": Field(RecordType(context.name, outside), access="attr"),
    }
    named = build.vocabulary.workflows.setdefault(model.by, {})
    if not revision or definition.name not in named:
        named[definition.name] = RecordType(definition.name, members)
    return chart


def _signals(build: Build, model: Model, at: At) -> Iterator[tuple[str, RecordType]]:
    for name, types in model.signals.items():
        names.identifier(name, at / name)
        if name in build.vocabulary.events:
            (at / name).key_problem(
                "duplicate_name", f"`{name}` is an event already: a signal stays inside the instance"
            )
        yield name, record(f"the signal {name}", read_fields(types, at / name, build.vocabulary.entities))


def _defaults(build: Build, fields: Fields, at: At) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, one in fields.items():
        if one.default is None:
            continue
        text = (at / name).document.values[(at / name).path].text or ""
        offset = text.find(one.default, text.find("=")) if "=" in text else 0
        value = bench.expression(Piece(one.default, at / name, offset), build.vocabulary.scope(), one.cel)
        if not value.checked.problems:
            found[name] = compile_expression(value.checked)(None)
    return found
