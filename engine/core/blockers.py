"""Why an instance does not move: what its active states could take next, and what stands in the way of each transition."""

from __future__ import annotations

from collections.abc import Iterator

from engine.cel import CelError
from engine.cel.syntax import Name, walk
from engine.core import statechart
from engine.core.env import Env
from engine.core.partition import Instance
from engine.core.program import Expression, Requirement, Transition, Workflow
from engine.core.turn import Turn

OF_THE_EVENT = frozenset({"data", "event"})


def ask(turn: Turn, chart: Workflow, env: Env, aim: str | None = None) -> None:
    """Tell it of every transition of the active states; with `aim`, of those on that event or to that state."""
    tracer, held = turn.tracer, turn.partition.workflows.instances.get(chart.name)
    assert tracer is not None
    if held is None:
        tracer.told(chart.name, "state", chart.place, f"not started; starts with {', '.join(sorted(chart.starters))}")
        return
    env.context, env.state = held.context, statechart.shown(chart, held.active)
    lost = statechart.gone(chart, held.active)
    pinned = f", by the machine of revision {chart.revision}, with which it began" if chart.revision else ""
    gone = ", which the pack has no more" if lost else ""
    tracer.told(chart.name, "state", chart.place, f"in {env.state}{gone}{pinned}")
    if lost:
        return
    found = [one for one in _transitions(chart, held) if aim in (None, one.event, *one.targets)]
    for one in found:
        _tell(turn, chart, one, env)
    if aim is not None and not found:
        tracer.told(chart.name, "takes", chart.place, f"in {env.state} nothing leads to `{aim}`, and nothing takes it")


def _transitions(chart: Workflow, held: Instance) -> Iterator[Transition]:
    for name in reversed(statechart.with_ancestors(chart, held.active)):
        yield from chart.states[name].transitions


def _tell(turn: Turn, chart: Workflow, one: Transition, env: Env) -> None:
    tracer = turn.tracer
    assert tracer is not None
    tracer.told(chart.name, "takes", one.place, f"{one.event or 'at once'} → {', '.join(one.targets) or 'stays'}")
    known = one.event in (None, turn.event.type)
    guards = [("when", one.when)] if one.when is not None else []
    for role, guard in [*guards, *(("require", requirement.when) for requirement in one.require)]:
        if known or not _reads_event(guard):
            tracer.asked(chart.name, role, guard, env)
        else:
            tracer.told(chart.name, role, guard.place, f"asked of the event when it comes: {guard.text}")
    blocked = list(_blockers(turn, one, env, known=known))
    tracer.told(
        chart.name,
        "blocked" if blocked else "free",
        one.place,
        "; ".join(blocked) or "nothing that is known stands in the way",
    )


def _blockers(turn: Turn, one: Transition, env: Env, *, known: bool) -> Iterator[str]:
    """What stands in the way, in words. What a condition reads of an event that has not come is not known."""
    if one.roles:
        yield f"only for {', '.join(one.roles)}"
    if one.when is not None and (known or not _reads_event(one.when)) and not _holds(one.when, env):
        yield f"`{one.when.text}` does not hold"
    for requirement in one.require:
        if (known or not _reads_event(requirement.when)) and not _holds(requirement.when, env):
            yield _refusal(turn, requirement, env)


def _refusal(turn: Turn, requirement: Requirement, env: Env) -> str:
    try:
        return f"{requirement.code}: {requirement.reason.render(env, turn.program.language)}"
    except CelError:
        return requirement.code


def _holds(condition: Expression, env: Env) -> bool:
    """Whether it holds; one that cannot be computed does not."""
    try:
        return bool(condition.run(env))
    except CelError:
        return False


def _reads_event(condition: Expression) -> bool:
    return any(isinstance(node, Name) and node.name in OF_THE_EVENT for node in walk(condition.checked.node))
