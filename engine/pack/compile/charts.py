"""Workflows: nested models become a flat chart of named states; every target exists and every state can be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.cel import (
    BOOL,
    DURATION,
    STRING,
    TIMESTAMP,
    Binding,
    EnumType,
    Field,
    RecordType,
    Scope,
    Type,
    compile_expression,
)
from engine.core.program import After, Expression, Requirement, State, StateKind, Transition, Workflow
from engine.pack import bench, names
from engine.pack.bench import Piece, words
from engine.pack.compile.build import Build
from engine.pack.compile.effects import reactions, values
from engine.pack.compile.events import Fields, read_fields, record
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import Workflow as Model
from engine.pack.model import workflow as models
from engine.pack.reading import At, Definition
from engine.pack.scope import NOW
from engine.pack.span import is_span, parse_span

_LIKE_SPAN = re.compile(r"[\d.]+\s*[A-Za-z]+\s*\Z")


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
    """A workflow while it is compiled. `lost`: a target is missing, so that what can be reached is not known."""

    build: Build
    name: str
    model: Model
    at: At
    context: RecordType
    defaults: dict[str, Any]
    nodes: dict[str, Node] = field(default_factory=dict)
    lost: bool = False

    def scope(self, event: str | None) -> Scope:
        """What a transition on an event sees; without one, what enter, exit and deadlines see."""
        vocabulary = self.build.vocabulary
        state = Binding(shown(list(self.nodes.values()), self.model.parallel), "e.state")
        own = {**vocabulary.own(self.model.by), **NOW, "context": Binding(self.context, "e.context"), "state": state}
        if event is None or event.startswith("done.") or event not in vocabulary.events:
            return vocabulary.scope(own)
        return vocabulary.scope(own, vocabulary.event([event], self.model.by))

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


def declare(build: Build, definition: Definition[Model]) -> Chart:
    """The names of a workflow: its states and its context, for its own expressions and those of others."""
    model, at = definition.model, definition.at
    names.identifier(definition.name, at)
    build.scope_name(model.by, at / "by")
    fields = read_fields(model.context, at / "context", build.vocabulary.entities, defaults=True)
    context = record(f"the context of {definition.name}", fields)
    chart = Chart(build, definition.name, model, at, context, _defaults(build, fields, at / "context"))
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
    build.vocabulary.workflows.setdefault(model.by, {})[definition.name] = RecordType(definition.name, members)
    return chart


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


def compile_chart(chart: Chart) -> Workflow:
    """The program of a declared workflow."""
    model, at = chart.model, chart.at
    states = {name: _state(chart, node) for name, node in chart.nodes.items()}
    top = [node.name for node in chart.nodes.values() if node.parent is None]
    initial = _initial(chart, model.initial, model.parallel, top, at)
    starters = frozenset(_starters(states, initial))
    events = frozenset(one.event for state in states.values() for one in state.transitions if one.event is not None)
    if initial and not starters:
        at.key_problem(
            "never_starts", f"the initial state of `{chart.name}` handles no event, so that nothing starts it"
        )
    _check_reached(chart, states, initial)
    outside = frozenset(event for event in events if not event.startswith("done."))
    return Workflow(
        chart.name, words(model.title, chart.name), model.by, states, initial, chart.defaults, starters, outside, at.key
    )


def _initial(chart: Chart, given: Sequence[str], parallel: bool, inside: list[str], at: At) -> tuple[str, ...]:
    if parallel:
        return tuple(name for name in inside if not chart.nodes[name].model.history)
    if not given:
        where = "the workflow" if at is chart.at else "a state with states in it"
        at.key_problem(
            "missing_initial", f"{where} needs `initial`", "there is " + ", ".join(f"`{name}`" for name in inside)
        )
        return ()
    return chart.targets(given, at / "initial")


def _state(chart: Chart, node: Node) -> State:
    model, at, kind = node.model, node.at, kind_of(node.model)
    inside = [one.name for one in chart.nodes.values() if one.parent == node.name]
    initial: tuple[str, ...] = ()
    if kind == "compound":
        initial = _initial(chart, model.initial, False, inside, at)
    elif kind in ("history", "deep_history"):
        initial = chart.targets(model.to, at / "to")
        if not initial:
            at.key_problem("missing_initial", "a history state needs `to`: where to go while there is no history")
    if kind in ("final", "history", "deep_history"):
        _check_bare(node, kind)
    bare = chart.scope(None)
    by = chart.model.by
    return State(
        name=node.name,
        path=node.path,
        kind=kind,
        parent=node.parent,
        order=node.order,
        children=tuple(inside),
        initial=initial,
        transitions=tuple(_transitions(chart, model, at)),
        after=tuple(_after(chart, one, at / "after" / index, index) for index, one in enumerate(model.after)),
        enter=reactions(chart.build, model.enter, at / "enter", bare, by),
        exit=reactions(chart.build, model.exit, at / "exit", bare, by),
        title=words(model.title, node.name),
        place=at.key,
    )


def _check_bare(node: Node, kind: str) -> None:
    model = node.model
    held = {"on": model.on, "always": model.always, "after": model.after, "states": model.states}
    if kind != "final":
        held |= {"enter": model.enter, "exit": model.exit}
    for name, value in held.items():
        if value:
            what = "final" if kind == "final" else "history"
            message = f"`{node.name}` is a {what} state and cannot have `{name}`"
            (node.at / name).key_problem(
                "final_state", message, f"remove `{name}`" + (" or `final`" if what == "final" else "")
            )


def _transitions(chart: Chart, model: models.State, at: At) -> Iterator[Transition]:
    by = chart.model.by
    for event, options in model.on.items():
        spot = at / "on" / event
        if event.startswith("done."):
            if event.removeprefix("done.") not in chart.nodes:
                hint = did_you_mean(event.removeprefix("done."), chart.nodes)
                spot.key_problem("unknown_state", f"there is no state `{event.removeprefix('done.')}`", hint)
        elif event not in chart.build.vocabulary.events:
            hint = did_you_mean(event, chart.build.vocabulary.events)
            spot.key_problem("unknown_event", f"there is no event `{event}`", hint)
        elif not chart.build.vocabulary.events[event].reaches(by):
            message = f"`{event}` does not reach partitions of `{by}`"
            spot.key_problem("other_scope", message, f"add `{by}` to its keys, or tell `{by}` by an emitted event")
        scope = chart.scope(event)
        for index, option in enumerate(options):
            yield transition(chart, event, option, spot / index, scope)
    for index, option in enumerate(model.always):
        yield transition(chart, None, option, at / "always" / index, chart.scope(None))


def transition(
    chart: Chart, event: str | None, model: models.Transition, at: At, scope: Scope, given: Sequence[Expression] = ()
) -> Transition:
    """One transition; what its conditions guarantee is known in all that it does."""
    build = chart.build
    when = build.condition(model.when, at / "when", scope)
    given = [*given, *([when] if when is not None else [])]
    require: list[Requirement] = []
    for index, one in enumerate(model.require):
        spot = at / "require" / index
        held = bench.expression(Piece(one.when, spot / "when"), scope, BOOL, given=given)
        require.append(Requirement(held, one.code, bench.template(one.reason, spot / "reason", scope), spot.place))
        given = [*given, held]
    return Transition(
        event=event,
        targets=chart.targets(model.to, at / "to"),
        when=when,
        require=tuple(require),
        assign=values(model.set, at / "set", scope, chart.context, given),
        effects=reactions(build, model.then, at / "then", scope, chart.model.by, given),
        internal=model.internal,
        place=at.place,
    )


def _after(chart: Chart, model: models.After, at: At, index: int) -> After:
    scope, build = chart.scope(None), chart.build
    when = build.condition(model.when, at / "when", scope)
    given = [when] if when is not None else []
    chosen = [
        name for name in ("for", "working", "until") if getattr(model, "span" if name == "for" else name) is not None
    ]
    if len(chosen) != 1:
        at.problem("bad_deadline", "a deadline has exactly one of `for`, `working` and `until`")
    if model.calendar is not None and model.working is None:
        (at / "in").key_problem("bad_deadline", "`in` goes with `working`")
    span = until = None
    if model.until is not None:
        until = bench.expression(Piece(model.until, at / "until"), scope, TIMESTAMP, given=given)
    elif chosen:
        text = model.span if model.span is not None else model.working
        span = _span(text or "", at / chosen[0], scope, given)
    calendar = build.calendar(model.calendar, at / "in") if model.working is not None else None
    plain = models.Transition.model_construct(to=model.to, set=model.set, then=model.then)
    moved = transition(chart, None, plain, at, scope, given)
    return After(index, span, calendar, until, when, moved)


def _span(text: str, at: At, scope: Scope, given: Sequence[Expression]) -> Expression:
    """A span that is written out, or computed."""
    if is_span(text):
        quoted = bench.expression(Piece(f"duration('{_seconds(text)}s')", at), scope, DURATION)
        return Expression(text, at.place, quoted.run, quoted.checked)
    if _LIKE_SPAN.match(text):
        at.problem("bad_duration", f"`{text}` is not a span of time such as 72h, 7d or 1h30m")
        return bench.expression(Piece("duration('0s')", at), scope, DURATION)
    return bench.expression(Piece(text, at), scope, DURATION, given=given)


def _seconds(text: str) -> str:
    return f"{parse_span(text).total_seconds():.6f}"


def _starters(states: Mapping[str, State], initial: Sequence[str]) -> Iterator[str]:
    """The events that the initial configuration handles."""
    seen: set[str] = set()
    pending = list(initial)
    while pending:
        name = pending.pop()
        if name in seen or name not in states:
            continue
        seen.add(name)
        state = states[name]
        yield from (
            one.event for one in state.transitions if one.event is not None and not one.event.startswith("done.")
        )
        pending += state.initial if state.kind == "compound" else state.children if state.kind == "parallel" else ()
        pending += [state.parent] if state.parent is not None else []


def _check_reached(chart: Chart, states: Mapping[str, State], initial: Sequence[str]) -> None:
    reached: set[str] = set()
    pending = list(initial)
    while pending:
        name = pending.pop()
        if name in reached:
            continue
        reached.add(name)
        state = states[name]
        pending += [target for one in state.transitions for target in one.targets]
        pending += [target for one in state.after for target in one.transition.targets]
        pending += state.initial if state.kind != "parallel" else state.children
        pending += [state.parent] if state.parent is not None else []
        siblings = states[state.parent] if state.parent is not None else None
        if siblings is not None and siblings.kind == "parallel":
            pending += siblings.children
    if chart.lost or not initial:
        return
    for name, state in states.items():
        if name not in reached and state.kind not in ("history", "deep_history"):
            chart.nodes[name].at.key_problem("unreachable_state", f"nothing leads to `{name}`")
