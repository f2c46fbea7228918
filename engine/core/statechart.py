"""Statecharts with the semantics of SCXML (W3C, 2015): nested and parallel states, history, entry and exit order, run to completion.

An event is taken whole or not at all: when a guard, an assignment or an effect fails to evaluate, the instance is as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from engine.core.program import Reaction, State, Transition, Workflow

MAX_MICROSTEPS = 1000

History = Mapping[str, tuple[str, ...]]
"""What history states remember."""

Chosen = tuple[str, Transition]
"""A transition that is to be taken, and the state that it belongs to."""

HISTORIES = frozenset({"history", "deep_history"})


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


def names_in(shown: str) -> list[str]:
    """Every active state, those that contain others too, of a configuration as it is written in records."""
    return list(dict.fromkeys(shown.replace("+", ".").split("."))) if shown else []


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


def together(chart: Workflow, names: Iterable[str]) -> bool:
    """Whether states can be active at once: those outside parallel states exclude each other."""
    chosen: dict[str | None, str] = {}
    for name in names:
        for one in (name, *ancestors(chart, name)):
            parent = chart.states[one].parent
            side_by_side = chart.parallel if parent is None else chart.states[parent].kind == "parallel"
            if not side_by_side and chosen.setdefault(parent, one) != one:
                return False
    return True


def targets(chart: Workflow, history: History, names: Iterable[str]) -> list[str]:
    """Where a transition leads: a history state stands for what it remembers, as far as that still exists, or for its default."""
    found: list[str] = []
    for name in names:
        state = chart.states[name]
        if state.kind in HISTORIES:
            remembered = recalled(chart, history, name)
            found.extend(targets(chart, history, remembered or state.initial))
        else:
            found.append(name)
    return found


def recalled(chart: Workflow, history: History, name: str) -> tuple[str, ...]:
    """What a history state remembers; nothing where that does not exist any more."""
    remembered = history.get(name, ())
    return remembered if all(one in chart.states for one in remembered) else ()


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


def exit_set(chart: Workflow, history: History, configuration: list[str], source: str, one: Transition) -> set[str]:
    """The active states that a transition leaves; none for one without targets."""
    if not one.targets:
        return set()
    within = domain(chart, one, source, targets(chart, history, one.targets))
    if within is None:
        return set(configuration)
    return {name for name in configuration if within in ancestors(chart, name)}


def without_conflicts(
    chart: Workflow, history: History, configuration: list[str], enabled: Sequence[Chosen]
) -> tuple[Chosen, ...]:
    """Of transitions that would leave the same state, the one of the deeper source wins, else the earlier one."""
    kept: list[tuple[Chosen, set[str]]] = []
    for chosen in enabled:
        source, one = chosen
        leaving = exit_set(chart, history, configuration, source, one)
        preempted = False
        beaten: list[tuple[Chosen, set[str]]] = []
        for other in kept:
            if leaving & other[1]:
                if other[0][0] in ancestors(chart, source):
                    beaten.append(other)
                else:
                    preempted = True
                    break
        if not preempted:
            kept = [other for other in kept if other not in beaten]
            kept.append((chosen, leaving))
    return tuple(chosen for chosen, _ in kept)


def remembered(chart: Workflow, configuration: list[str], leaving: set[str]) -> dict[str, tuple[str, ...]]:
    """What the histories of the states that are left remember: what was active inside them."""
    found: dict[str, tuple[str, ...]] = {}
    for name in leaving:
        for child in chart.states[name].children:
            kind = chart.states[child].kind
            if kind == "history":
                found[child] = tuple(one for one in configuration if chart.states[one].parent == name)
            elif kind == "deep_history":
                inside = (one for one in leaves(chart, configuration) if name in ancestors(chart, one))
                found[child] = tuple(inside)
    return found


class Entry:
    """The states that a set of transitions enters: every compound has one active child, every parallel state all.

    `begin` has, by state, what is to happen after its own `enter`: the effects of its `initial` where it is entered by that, and
    those of the default of a history below it.
    """

    def __init__(self, chart: Workflow, history: History) -> None:
        self._chart = chart
        self._history = history
        self.states: set[str] = set()
        self.begin: dict[str, tuple[Reaction, ...]] = {}

    def add(self, names: Iterable[str], within: str | None) -> None:
        """Enter targets, all that they stand for, and what lies between them and the state that is not left."""
        effective = self._resolved(names)
        for target in effective:
            self._down(target)
        for target in effective:
            self._up(target, within)

    def ordered(self) -> list[str]:
        """The states in document order, which is the order of entry."""
        return sorted(self.states, key=lambda name: self._chart.states[name].order)

    def _resolved(self, names: Iterable[str]) -> list[str]:
        chart = self._chart
        for name in names:
            state = chart.states[name]
            if state.kind in HISTORIES and state.begin and not recalled(chart, self._history, name):
                parent = state.parent or ""
                self.begin[parent] = self.begin.get(parent, ()) + state.begin
        return targets(chart, self._history, names)

    def _down(self, name: str) -> None:
        state = self._chart.states[name]
        self.states.add(name)
        if state.kind == "compound":
            if state.begin:
                self.begin[name] = state.begin + self.begin.get(name, ())
            self.add(state.initial, name)
        elif state.kind == "parallel":
            self._regions(state)

    def _up(self, name: str, within: str | None) -> None:
        for above in ancestors(self._chart, name):
            if above == within:
                return
            self.states.add(above)
            if self._chart.states[above].kind == "parallel":
                self._regions(self._chart.states[above])

    def _regions(self, state: State) -> None:
        chart = self._chart
        for child in state.children:
            entered = (child == one or child in ancestors(chart, one) for one in self.states)
            if chart.states[child].kind not in HISTORIES and not any(entered):
                self._down(child)


def finished(chart: Workflow, configuration: set[str], name: str) -> bool:
    """Whether a state has reached its end: a final one by being active."""
    state = chart.states[name]
    if state.kind == "compound":
        return any(chart.states[child].kind == "final" and child in configuration for child in state.children)
    if state.kind == "parallel":
        regions = [child for child in state.children if chart.states[child].kind not in HISTORIES]
        return all(finished(chart, configuration, child) for child in regions)
    return state.kind == "final" and name in configuration
