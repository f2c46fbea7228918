"""Targets that cannot be: several that exclude each other, a beginning outside the state that begins, a memory of other states."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core import statechart
from engine.core.program import State, Workflow
from engine.pack.compile.charts import Chart
from engine.pack.reading import At


def check_targets(chart: Chart, made: Workflow) -> None:
    """Report every target that no configuration of the chart can have."""
    if not chart.model.parallel:
        _together(made, made.initial, chart.at / "initial" / "to")
    for name, state in made.states.items():
        at, model = chart.nodes[name].at, chart.nodes[name].model
        for event, options in model.on.items():
            for index, option in enumerate(options):
                _together(made, option.to, at / "on" / event / index / "to")
        for index, option in enumerate(model.always):
            _together(made, option.to, at / "always" / index / "to")
        for index, deadline in enumerate(model.after):
            _together(made, deadline.to, at / "after" / index / "to")
        _inside(made, state, at)


def _together(made: Workflow, names: Sequence[str], at: At) -> None:
    """Several targets must lie in different regions of parallel states."""
    nested = any(one in statechart.ancestors(made, other) for one in names for other in names)
    if len(names) > 1 and (nested or not statechart.together(made, names)):
        at.problem(
            "bad_target", f"{', '.join(f'`{name}`' for name in names)} cannot be active together", "parallel states can"
        )


def _inside(made: Workflow, state: State, at: At) -> None:
    """A state begins with one inside it; a history stands for states inside its parent."""
    if state.kind == "compound":
        _together(made, state.initial, at / "initial" / "to")
        for name in state.initial:
            if state.name not in statechart.ancestors(made, name):
                message = f"`{state.name}` cannot begin with `{name}`, which is not inside it"
                (at / "initial" / "to").problem("bad_target", message)
    elif state.kind in statechart.HISTORIES:
        _together(made, state.initial, at / "to")
        for name in state.initial:
            if state.parent is not None and state.parent not in statechart.ancestors(made, name):
                message = f"`{state.name}` cannot stand for `{name}`, which is not in `{state.parent}`"
                (at / "to").problem("bad_target", message)
