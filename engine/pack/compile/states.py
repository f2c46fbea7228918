"""States: a declared chart becomes the program of a workflow; whatever nothing leads to is reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.core.program import State, Workflow
from engine.pack.bench import words
from engine.pack.compile.charts import Chart, Node, kind_of
from engine.pack.compile.effects import reactions
from engine.pack.compile.transitions import after, transitions
from engine.pack.reading import At


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
        transitions=tuple(transitions(chart, model, at)),
        after=tuple(after(chart, one, at / "after" / index, index) for index, one in enumerate(model.after)),
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
