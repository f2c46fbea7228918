"""Statecharts with the semantics of SCXML (W3C, 2015): nested and parallel states, history, entry and exit order, run to completion.

An event is taken whole or not at all: when a guard, an assignment or an effect fails to evaluate, the instance is as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.core.partition import Instance
from engine.core.program import State, Transition, Workflow

MAX_MICROSTEPS = 1000


def ancestors(chart: Workflow, name: str) -> Iterator[str]:
    """The states that contain a state, innermost first; the state itself is not among them."""
    parent = chart.states[name].parent
    while parent is not None:
        yield parent
        parent = chart.states[parent].parent


def with_ancestors(chart: Workflow, active: Iterable[str]) -> list[str]:
    """The whole configuration of a set of active atomic states, in document order."""
    found = set(active)
    for name in list(found):
        found.update(ancestors(chart, name))
    return sorted(found, key=lambda name: chart.states[name].order)


def leaves(chart: Workflow, configuration: Iterable[str]) -> tuple[str, ...]:
    """The atomic and final states of a configuration, in document order."""
    chosen = [name for name in configuration if chart.states[name].kind in ("atomic", "final")]
    return tuple(sorted(chosen, key=lambda name: chart.states[name].order))


def shown(chart: Workflow, active: tuple[str, ...]) -> str:
    """How a configuration is written in records: the paths of its active states, joined by `+`; a state that is gone by its name."""
    if len(active) == 1:
        return _path(chart, active[0])
    return "+".join([_path(chart, name) for name in active])


def _path(chart: Workflow, name: str) -> str:
    state = chart.states.get(name)
    return state.path if state is not None else name


def gone(chart: Workflow, active: tuple[str, ...]) -> str | None:
    """An active state of an instance that an earlier pack left, and that the chart has not, or not as one without states in it."""
    for name in active:
        state = chart.states.get(name)
        if state is None or (state.kind != "atomic" and state.kind != "final"):
            return name
    return None


def targets(chart: Workflow, instance: Instance, names: Iterable[str]) -> list[str]:
    """Where a transition leads: a history state stands for what it remembers, as far as that still exists, or for its default."""
    found: list[str] = []
    for name in names:
        state = chart.states[name]
        if state.kind in ("history", "deep_history"):
            remembered = instance.history.get(name, ())
            known = bool(remembered) and all(one in chart.states for one in remembered)
            found.extend(targets(chart, instance, remembered if known else state.initial))
        else:
            found.append(name)
    return found


def domain(chart: Workflow, transition: Transition, source: str, effective: list[str]) -> str | None:
    """The innermost compound state that holds the source and every target; None: the root of the chart.

    An internal transition of a compound state to its own descendants stays inside that state.
    """
    if (
        transition.internal
        and chart.states[source].kind == "compound"
        and all(source in ancestors(chart, target) for target in effective)
    ):
        return source
    for candidate in ancestors(chart, source):
        if chart.states[candidate].kind == "compound" and all(
            candidate in ancestors(chart, target) for target in effective
        ):
            return candidate
    return None


def exit_set(chart: Workflow, instance: Instance, configuration: list[str], source: str, one: Transition) -> set[str]:
    """The active states that a transition leaves; none for one without targets."""
    if not one.targets:
        return set()
    effective = targets(chart, instance, one.targets)
    within = domain(chart, one, source, effective)
    if within is None:
        return set(configuration)
    return {name for name in configuration if within in ancestors(chart, name)}


def without_conflicts(
    chart: Workflow, instance: Instance, configuration: list[str], enabled: list[tuple[str, Transition]]
) -> list[tuple[str, Transition]]:
    """Of transitions that would leave the same state, the one of the deeper source wins, else the earlier one."""
    kept: list[tuple[str, Transition, set[str]]] = []
    for source, one in enabled:
        leaving = exit_set(chart, instance, configuration, source, one)
        preempted = False
        beaten: list[tuple[str, Transition, set[str]]] = []
        for other in kept:
            if leaving & other[2]:
                if other[0] in ancestors(chart, source):
                    beaten.append(other)
                else:
                    preempted = True
                    break
        if not preempted:
            kept = [other for other in kept if other not in beaten]
            kept.append((source, one, leaving))
    return [(source, one) for source, one, _ in kept]


def remember(chart: Workflow, instance: Instance, configuration: list[str], leaving: set[str]) -> None:
    """Let the histories of the states that are left remember what was active inside them."""
    for name in leaving:
        for child in chart.states[name].children:
            kind = chart.states[child].kind
            if kind == "history":
                inside = [one for one in configuration if chart.states[one].parent == name]
            elif kind == "deep_history":
                inside = [one for one in leaves(chart, configuration) if name in ancestors(chart, one)]
            else:
                continue
            instance.history[child] = tuple(inside)


def entry_set(chart: Workflow, instance: Instance, effective: list[str], within: str | None) -> list[str]:
    """The states to enter, in document order, so that every compound has one active child and every parallel all."""
    entered: set[str] = set()
    for target in effective:
        _enter_down(chart, instance, target, entered)
    for target in effective:
        _enter_up(chart, instance, target, within, entered)
    return sorted(entered, key=lambda name: chart.states[name].order)


def _enter_down(chart: Workflow, instance: Instance, name: str, entered: set[str]) -> None:
    state = chart.states[name]
    entered.add(name)
    if state.kind == "compound":
        for child in targets(chart, instance, state.initial):
            _enter_down(chart, instance, child, entered)
            _enter_up(chart, instance, child, name, entered)
    elif state.kind == "parallel":
        _enter_regions(chart, instance, state, entered)


def _enter_up(chart: Workflow, instance: Instance, name: str, within: str | None, entered: set[str]) -> None:
    for above in ancestors(chart, name):
        if above == within:
            return
        entered.add(above)
        if chart.states[above].kind == "parallel":
            _enter_regions(chart, instance, chart.states[above], entered)


def _enter_regions(chart: Workflow, instance: Instance, state: State, entered: set[str]) -> None:
    for child in state.children:
        region = chart.states[child]
        if region.kind in ("history", "deep_history"):
            continue
        if not any(child == one or child in ancestors(chart, one) for one in entered):
            _enter_down(chart, instance, child, entered)


def finished(chart: Workflow, configuration: set[str], name: str) -> bool:
    """Whether a state has reached its end: a final one by being active."""
    state = chart.states[name]
    if state.kind == "compound":
        return any(chart.states[child].kind == "final" and child in configuration for child in state.children)
    if state.kind == "parallel":
        regions = [child for child in state.children if not chart.states[child].kind.endswith("history")]
        return all(finished(chart, configuration, child) for child in regions)
    return state.kind == "final" and name in configuration
