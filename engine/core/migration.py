"""Instances that an earlier pack left in states that are gone: they move to the states that stand for those now."""

from __future__ import annotations

from engine.core import statechart
from engine.core.chartrun import FIRED, Run, arm, rearm, without
from engine.core.program import Workflow
from engine.core.statechart import Entry


def leads_on(chart: Workflow, active: tuple[str, ...]) -> bool:
    """Whether the pack says for every state that is gone where its instances go, and these can be active together."""
    if any(statechart.gone(chart, (name,)) and name not in chart.migrate for name in active):
        return False
    names = [name if not statechart.gone(chart, (name,)) else chart.migrate[name] for name in active]
    return statechart.together(chart, names)


def move(run: Run) -> None:
    """Move an instance. Nothing happens on the way, because nothing has happened: no effects, but new deadlines begin now."""
    chart, instance = run.chart, run.instance
    before = instance.active
    kept = [name for name in before if not statechart.gone(chart, (name,))]
    entry = Entry(chart, instance.history)
    entry.add(dict.fromkeys(name if name in kept else chart.migrate[name] for name in before), None)
    instance.active = statechart.leaves(chart, entry.states)
    instance.context = {**chart.defaults, **instance.context}
    to = statechart.shown(chart, instance.active)
    run.turn.record("transition", chart.name, {"from": statechart.shown(chart, before), "to": to})
    _forget(run, entry.states)
    run.refresh(to)
    known = set(statechart.with_ancestors(chart, kept))
    states = [chart.states[name] for name in entry.ordered()]
    for state in states:
        if state.name not in known:
            for after in state.after:
                arm(run, state, after)
    rearm(run, states)
    instance.done = all(
        chart.states[name].kind == "final" and not chart.states[name].parent for name in instance.active
    )


def _forget(run: Run, entered: set[str]) -> None:
    """The deadlines of states that are gone end."""
    for timer, due in run.instance.timers.items():
        if timer.rpartition("/")[0] not in entered:
            run.instance.timers = without(run.instance.timers, timer)
            if due != FIRED:
                run.turn.timer(f"workflow/{run.chart.name}/{timer}", None)
