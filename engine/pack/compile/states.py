"""States: a declared chart becomes the program of a workflow; whatever nothing leads to is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.core.program import Reaction, State, Workflow
from engine.pack.bench import words
from engine.pack.compile.charts import Chart, Node, kind_of
from engine.pack.compile.machineform import form_of
from engine.pack.compile.reactions import reactions
from engine.pack.compile.targets import check_targets
from engine.pack.compile.transitions import after, transitions
from engine.pack.model import workflow as models
from engine.pack.reading import At


def compile_chart(chart: Chart) -> Workflow:
    """The program of a declared workflow."""
    model, at = chart.model, chart.at
    states = {name: _state(chart, node) for name, node in chart.nodes.items()}
    top = [node.name for node in chart.nodes.values() if node.parent is None]
    initial = _initial(chart, model.initial, model.parallel, top, at)
    begin = _begin(chart, model.initial, at)
    starters = frozenset(_starters(chart, states, initial))
    events = frozenset(one.event for state in states.values() for one in state.transitions if one.event is not None)
    if initial and not starters:
        at.key_problem(
            "never_starts", f"the initial state of `{chart.name}` handles no event, so that nothing starts it"
        )
    _check_reached(chart, states, initial)
    made = Workflow(
        name=chart.name,
        title=words(model.title, chart.name),
        scope=model.by,
        states=states,
        parallel=model.parallel,
        initial=initial,
        begin=begin,
        defaults=chart.defaults,
        starters=starters,
        events=frozenset(event for event in events if _is_outside(chart, event)),
        migrate=_migrate(chart),
        moves="migrate" in model.model_fields_set,
        form=form_of(model),
        revision=chart.revision,
        place=at.key,
    )
    if not chart.lost:
        check_targets(chart, made)
    return made


def _is_outside(chart: Chart, event: str) -> bool:
    return not event.startswith("done.") and event not in chart.signals


def _migrate(chart: Chart) -> dict[str, str]:
    """Where instances go that an earlier pack left in states that are gone."""
    at = chart.at / "migrate"
    for old, new in chart.model.migrate.items():
        if old in chart.nodes and not chart.nodes[old].model.states:
            (at / old).key_problem("bad_migrate", f"`{old}` still is a state of `{chart.name}`: nothing moves from it")
        chart.targets([new], at / old)
    return {old: new for old, new in chart.model.migrate.items() if new in chart.nodes}


def _begin(chart: Chart, model: models.Initial | None, at: At) -> tuple[Reaction, ...]:
    if model is None:
        return ()
    return reactions(chart, model.then, at / "initial" / "then", chart.scope())


def _initial(chart: Chart, model: models.Initial | None, parallel: bool, inside: list[str], at: At) -> tuple[str, ...]:
    if parallel:
        return tuple(name for name in inside if not chart.nodes[name].model.history)
    if model is None or not model.to:
        where = "the workflow" if at is chart.at else "a state with states in it"
        at.key_problem(
            "missing_initial", f"{where} needs `initial`", "there is " + ", ".join(f"`{name}`" for name in inside)
        )
        return ()
    return chart.targets(model.to, at / "initial" / "to")


def _state(chart: Chart, node: Node) -> State:
    model, at, kind = node.model, node.at, kind_of(node.model)
    inside = [one.name for one in chart.nodes.values() if one.parent == node.name]
    initial: tuple[str, ...] = ()
    begin: tuple[Reaction, ...] = ()
    if kind == "compound":
        initial = _initial(chart, model.initial, False, inside, at)
        begin = _begin(chart, model.initial, at)
    elif kind in ("history", "deep_history"):
        initial = chart.targets(model.to, at / "to")
        begin = reactions(chart, model.then, at / "then", chart.scope())
        if not initial:
            at.key_problem("missing_initial", "a history state needs `to`: where to go while there is no history")
    if kind not in ("history", "deep_history"):
        _check_no_history(node)
    if kind in ("final", "history", "deep_history"):
        _check_bare(node, kind)
    bare = chart.scope()
    return State(
        name=node.name,
        path=node.path,
        kind=kind,
        parent=node.parent,
        order=node.order,
        children=tuple(inside),
        initial=initial,
        begin=begin,
        transitions=tuple(transitions(chart, model, at)),
        after=tuple(after(chart, one, at / "after" / index, index) for index, one in enumerate(model.after)),
        enter=reactions(chart, model.enter, at / "enter", bare),
        exit=reactions(chart, model.exit, at / "exit", bare),
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


def _check_no_history(node: Node) -> None:
    for name in ("to", "then"):
        if getattr(node.model, name):
            (node.at / name).key_problem(
                "unknown_key",
                f"`{name}` belongs to a history state",
                "transitions stand under `on`, `always` and `after`",
            )


def _starters(chart: Chart, states: Mapping[str, State], initial: Sequence[str]) -> Iterator[str]:
    """The events that the initial configuration handles."""
    seen: set[str] = set()
    pending = list(initial)
    while pending:
        name = pending.pop()
        if name in seen or name not in states:
            continue
        seen.add(name)
        state = states[name]
        yield from (one.event for one in state.transitions if one.event is not None and _is_outside(chart, one.event))
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
