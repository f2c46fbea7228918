"""The general interpreter of statecharts: nested and parallel states, history, eventless and done events."""

from __future__ import annotations

from engine.cel import CelError
from engine.core import statechart
from engine.core.chartrun import FailedError, Run, act, arm, assign, first, leave, rearm
from engine.core.program import Transition


def start(run: Run) -> None:
    """Enter the initial configuration."""
    chart, instance = run.chart, run.instance
    run.refresh()
    entered = statechart.entry_set(chart, instance, statechart.targets(chart, instance, chart.initial), None)
    instance.active = statechart.leaves(chart, entered)
    to = statechart.shown(chart, instance.active)
    run.turn.record("transition", chart.name, {"from": None, "to": to})
    _enter(run, entered)


def advance(run: Run, event: str) -> None:
    """Run an event to completion; `run.took` says whether any transition took it."""
    enabled = _enabled(run, event)
    if run.refused or not enabled:
        return
    run.took = True
    microstep(run, enabled)
    settle(run)


def settle(run: Run) -> None:
    """Eventless transitions and raised done events, until nothing more happens."""
    for _ in range(statechart.MAX_MICROSTEPS):
        run.refresh()
        enabled = _enabled(run, None)
        if not enabled:
            if not run.raised:
                break
            enabled = _enabled(run, run.raised.pop(0))
        if enabled:
            microstep(run, enabled)
    else:
        raise FailedError(CelError("endless_chart", "eventless transitions do not come to rest"), None, run.chart)
    run.instance.done = all(
        run.chart.states[name].kind == "final" and run.chart.states[name].parent is None for name in run.instance.active
    )
    chart = run.chart
    rearm(run, [chart.states[name] for name in statechart.with_ancestors(chart, run.instance.active)])


def _enabled(run: Run, event: str | None) -> list[tuple[str, Transition]]:
    chart, found = run.chart, []
    for leaf in run.instance.active:
        for name in (leaf, *statechart.ancestors(chart, leaf)):
            chosen = first(run, [one for one in chart.states[name].transitions if one.event == event])
            if run.refused:
                return []
            if chosen is not None:
                if (name, chosen) not in found:
                    found.append((name, chosen))
                break
    if len(found) > 1:
        configuration = statechart.with_ancestors(chart, run.instance.active)
        found = statechart.without_conflicts(chart, run.instance, configuration, found)
    return found


def microstep(run: Run, enabled: list[tuple[str, Transition]]) -> None:
    """Take a set of transitions that do not conflict: exit, act, enter."""
    chart, instance = run.chart, run.instance
    before = statechart.shown(chart, instance.active)
    configuration = statechart.with_ancestors(chart, instance.active)
    leaving: set[str] = set()
    entering: set[str] = set()
    for source, one in enabled:
        leaving |= statechart.exit_set(chart, instance, configuration, source, one)
    statechart.remember(chart, instance, configuration, leaving)
    for source, one in enabled:
        if one.targets:
            effective = statechart.targets(chart, instance, one.targets)
            within = statechart.domain(chart, one, source, effective)
            entering.update(statechart.entry_set(chart, instance, effective, within))
    moved = any(one.targets for _, one in enabled)
    entered = sorted(entering, key=lambda name: chart.states[name].order)
    after = statechart.leaves(chart, (set(configuration) - leaving) | entering)
    if moved:
        run.turn.record("transition", chart.name, {"from": before, "to": statechart.shown(chart, after)})
    for name in sorted(leaving, key=lambda name: -chart.states[name].order):
        leave(run, chart.states[name])
    for _, one in enabled:
        assign(run, one)
        act(run, one.effects)
    instance.active = after
    run.refresh()
    _enter(run, entered)


def _enter(run: Run, entered: list[str]) -> None:
    chart = run.chart
    for position, name in enumerate(entered):
        state = chart.states[name]
        act(run, state.enter)
        for after in state.after:
            arm(run, state, after)
        if state.kind == "final" and state.parent is not None:
            _raise_done(run, state.parent, entered[position + 1 :])


def _raise_done(run: Run, parent: str, still: list[str]) -> None:
    """The parent of a final state has ended, and with the last of its regions a parallel state, however these are nested.

    States that are `still` to be entered are not active yet: of regions that end together only the last one finds all others ended.
    """
    chart = run.chart
    configuration = set(statechart.with_ancestors(chart, run.instance.active)).difference(still)
    above: str | None = parent
    if chart.states[parent].kind == "compound":
        run.raised.append(f"done.{parent}")
        above = chart.states[parent].parent
    while above is not None and chart.states[above].kind == "parallel":
        if not statechart.finished(chart, configuration, above):
            return
        run.raised.append(f"done.{above}")
        above = chart.states[above].parent
