"""Statecharts and flowcharts as rules: each trigger asks where the chart stands, and says where it stands then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.interop.durable_rules.reading import Rule, Run, malformed, rule, runs, unsupported

Chart = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Flow:
    """A chart: where it starts, what runs there, and its rules; those of an inner state go before those of the outer one."""

    start: str
    run: Run
    rules: tuple[Rule, ...]


def statechart(name: str, definition: Chart) -> Flow:
    """A statechart. A state without triggers that lead to it is the first one. Raises `PackError`."""
    found = [one for _, listed in _leaves(definition, "", {}) for one in _read(listed, definition)]
    return Flow(_enter(definition, _first(name, definition), ""), None, tuple(found))


Triggers = dict[str, tuple[str, str, Mapping[str, Any]]]
"""By their whole name: the state that holds them, the chart that their target is in, and what they say."""


def _leaves(chart: Chart, prefix: str, above: Triggers) -> Iterator[tuple[str, Triggers]]:
    """The innermost states with all triggers that hold there, their own first."""
    for name, state in chart.items():
        if name.startswith("$"):
            continue
        whole = prefix + name
        own = {f"{whole}.{key}": (whole, prefix, one) for key, one in state.items() if key != "$chart"}
        inherited = {f"{whole}.{key}": (whole, outer, one) for key, (_, outer, one) in above.items()}
        if "$chart" in state:
            yield from _leaves(state["$chart"], f"{whole}.", {**own, **inherited})
        else:
            yield whole, {**own, **inherited}


def _read(triggers: Triggers, definition: Chart) -> Iterator[Rule]:
    for name, (place, prefix, one) in triggers.items():
        if "to" not in one:
            raise malformed("a trigger needs `to`", name)
        yield rule(name, one, runs(one, name), place, _enter(definition, one["to"], prefix))


def _enter(definition: Chart, target: str, prefix: str) -> str:
    """The innermost state in which one is after entering `target`, a state of the chart at `prefix`."""
    whole = prefix + target
    chart = definition
    state: Any = None
    for part in whole.split("."):
        state = chart.get(part)
        if state is None:
            raise malformed(f"there is no state `{target}`", whole)
        chart = state.get("$chart", {})
    return _enter(definition, _first(whole, chart), f"{whole}.") if chart else whole


def _first(name: str, chart: Chart) -> str:
    led_to = {
        one.get("to")
        for state in chart.values()
        if isinstance(state, Mapping)
        for key, one in state.items()
        if key != "$chart"
    }
    found = [state for state in chart if not state.startswith("$") and state not in led_to]
    if len(found) != 1:
        raise malformed(f"a chart starts in one state, where no trigger leads; here in {found or 'none'}", name)
    return found[0]


def flowchart(name: str, definition: Chart) -> Flow:
    """A flowchart: the action of a stage runs when it is entered. Raises `PackError`."""
    found: list[Rule] = []
    led_to: set[str] = set()
    stages = {stage: one for stage, one in definition.items() if not stage.startswith("$")}
    for stage, one in stages.items():
        for target, condition in _switches(one, stage).items():
            if target not in stages:
                raise malformed(f"there is no stage `{target}`", stage)
            led_to.add(target)
            whole = f"{stage}.{target}"
            found.append(rule(whole, condition, runs(stages[target], target), stage, target))
    first = [stage for stage in stages if stage not in led_to]
    if len(first) != 1:
        raise malformed(f"a chart starts in one stage, where no condition leads; here in {first or 'none'}", name)
    return Flow(first[0], runs(stages[first[0]], first[0]), tuple(found))


def _switches(stage: Mapping[str, Any], where: str) -> Mapping[str, Mapping[str, Any]]:
    to = stage.get("to", {})
    if isinstance(to, str):
        return {to: {}}
    if not isinstance(to, Mapping):
        raise unsupported("a `to` that is neither a stage nor conditions", where)
    return to
