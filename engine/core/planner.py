"""What a configuration of a statechart can do and what becomes of it, computed once and then looked up.

Selection and microsteps follow from the chart, the configuration and what its history states remember;
guards and effects are asked by whoever runs the plan.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.core import statechart
from engine.core.program import Reaction, State, Transition, Workflow
from engine.core.statechart import Chosen, Entry, History

MOST_PLANS = 2_000
"""How many plans a chart keeps; parallel charts may have more configurations than anybody wants to hold."""

Active = tuple[str, ...]
Recalled = tuple[tuple[str, Active], ...]
"""What the histories of a chart remember, by their names."""

Option = tuple[str, tuple[Transition, ...]]
"""A state and those of its transitions that an event may cause, in their order."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A state that is entered: what happens after its own `enter`, and which done events follow from it."""

    state: State
    begin: tuple[Reaction, ...]
    ended: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One microstep: what is left and entered, in order, what histories then remember, and the configuration after it."""

    moves: bool
    before: str
    left: tuple[State, ...]
    remembered: dict[str, tuple[str, ...]]
    active: Active
    shown: str
    entered: tuple[Entered, ...]


class Planner:
    """The plans of one chart."""

    def __init__(self, chart: Workflow) -> None:
        self.chart = chart
        self._options: dict[tuple[Active, str | None], tuple[tuple[Option, ...], ...]] = {}
        self._plans: dict[tuple[Active, tuple[Chosen, ...], Recalled], Plan] = {}
        self._shown: dict[Active, str] = {}
        self._moving: dict[Active, tuple[State, ...]] = {}
        self._recalls = any(state.kind in statechart.HISTORIES for state in chart.states.values())

    def options(self, active: Active, event: str | None) -> tuple[tuple[Option, ...], ...]:
        """For each active atomic state: the states, innermost first, that have transitions on the event; None: without one."""
        found = self._options.get((active, event))
        if found is None:
            if len(self._options) >= MOST_PLANS:
                self._options.clear()
            found = self._options[active, event] = self._find_options(active, event)
        return found

    def _find_options(self, active: Active, event: str | None) -> tuple[tuple[Option, ...], ...]:
        chart, found = self.chart, []
        for leaf in active:
            chain: list[Option] = []
            for name in (leaf, *statechart.ancestors(chart, leaf)):
                transitions = tuple(one for one in chart.states[name].transitions if one.event == event)
                if transitions:
                    chain.append((name, transitions))
            if chain:
                found.append(tuple(chain))
        return tuple(found)

    def without_conflicts(self, active: Active, history: History, enabled: list[Chosen]) -> tuple[Chosen, ...]:
        """Of enabled transitions those that can be taken together."""
        configuration = statechart.with_ancestors(self.chart, active)
        return statechart.without_conflicts(self.chart, history, configuration, enabled)

    def start(self, history: History) -> Plan:
        """The entry of the initial configuration."""
        chart = self.chart
        entry = Entry(chart, history)
        entry.add(chart.initial, None)
        names = entry.ordered()
        active = statechart.leaves(chart, names)
        return Plan(True, "", (), {}, active, self.shown(active), self._entered(names, active, entry))

    def plan(self, active: Active, chosen: tuple[Chosen, ...], history: History) -> Plan:
        """The microstep of transitions that do not conflict."""
        recalled = tuple(sorted(history.items())) if self._recalls else ()
        found = self._plans.get((active, chosen, recalled))
        if found is None:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            found = self._plans[active, chosen, recalled] = self._made(active, chosen, history)
        return found

    def _made(self, active: Active, chosen: tuple[Chosen, ...], history: History) -> Plan:
        chart = self.chart
        configuration = statechart.with_ancestors(chart, active)
        leaving: set[str] = set()
        for source, one in chosen:
            leaving |= statechart.exit_set(chart, history, configuration, source, one)
        remembered = statechart.remembered(chart, configuration, leaving)
        known = {**history, **remembered}
        entry = Entry(chart, known)
        for source, one in chosen:
            if one.targets:
                effective = statechart.targets(chart, known, one.targets)
                entry.add(one.targets, statechart.domain(chart, one, source, effective))
        after = statechart.leaves(chart, (set(configuration) - leaving) | entry.states)
        return Plan(
            moves=any(one.targets for _, one in chosen),
            before=self.shown(active),
            left=tuple(chart.states[name] for name in sorted(leaving, key=lambda name: -chart.states[name].order)),
            remembered=remembered,
            active=after,
            shown=self.shown(after),
            entered=self._entered(entry.ordered(), after, entry),
        )

    def _entered(self, names: list[str], active: Active, entry: Entry) -> tuple[Entered, ...]:
        chart = self.chart
        configuration = set(statechart.with_ancestors(chart, active))
        return tuple(
            Entered(
                chart.states[name],
                entry.begin.get(name, ()),
                self._ended(chart.states[name], configuration.difference(names[position + 1 :])),
            )
            for position, name in enumerate(names)
        )

    def _ended(self, state: State, configuration: set[str]) -> tuple[str, ...]:
        """The parent of a final state has ended, and with the last of its regions a parallel state, however these are nested.

        States that are still to be entered are not active yet: of regions that end together only the last one finds all ended.
        """
        if state.kind != "final" or state.parent is None:
            return ()
        chart, found = self.chart, list[str]()
        above: str | None = state.parent
        if chart.states[state.parent].kind == "compound":
            found.append(f"done.{state.parent}")
            above = chart.states[state.parent].parent
        while above is not None and chart.states[above].kind == "parallel":
            if not statechart.finished(chart, configuration, above):
                break
            found.append(f"done.{above}")
            above = chart.states[above].parent
        return tuple(found)

    def shown(self, active: Active) -> str:
        """How the configuration is written in records."""
        found = self._shown.get(active)
        if found is None:
            if len(self._shown) >= MOST_PLANS:
                self._shown.clear()
            found = self._shown[active] = statechart.shown(self.chart, active)
        return found

    def moving(self, active: Active) -> tuple[State, ...]:
        """The active states with a deadline that follows the context."""
        found = self._moving.get(active)
        if found is None:
            if len(self._moving) >= MOST_PLANS:
                self._moving.clear()
            states = (self.chart.states[name] for name in statechart.with_ancestors(self.chart, active))
            moving = (
                state for state in states if any(one.until is not None or one.when is not None for one in state.after)
            )
            found = self._moving[active] = tuple(moving)
        return found

    def done(self, active: Active) -> bool:
        """Whether the whole chart has ended."""
        return all(
            self.chart.states[name].kind == "final" and self.chart.states[name].parent is None for name in active
        )
