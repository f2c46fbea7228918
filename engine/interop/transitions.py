"""Workflows and machines of the library `transitions` (https://github.com/pytransitions/transitions), both ways.

`to_transitions` gives the keyword arguments of a `Machine`, or of a `HierarchicalMachine` where states have states in them;
`from_transitions` (in `engine.interop.machine`) reads such a machine into the text of a pack.

What goes over: states, transitions, guards, refusals, self-transitions that stay and those that leave. A guard `data.x` or
`!data.x` is the condition, or the `unless`, of that name; any other guard stands there as its text, which the model must answer
under that name. A deadline is a trigger `after.STATE.INDEX` that somebody must pull when it is due. Effects and assignments are the
engine's own and stay behind. What `transitions` cannot say is refused: history, eventless transitions, `done` events, signals, roles,
several targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.cel import Node, conjuncts
from engine.cel.syntax import Unary, path
from engine.core import statechart
from engine.core.program import Expression, Raise, Reaction, State, Transition, Workflow, effects_of
from engine.errors import PackError, Place
from engine.interop.machine import from_transitions

__all__ = ["from_transitions", "to_transitions"]


def to_transitions(workflow: Workflow, separator: str = "_") -> dict[str, Any]:
    """The keyword arguments of a machine that behaves like `workflow` on the same sequence of events.

    `separator` is that of the machine's nested states (`NestedState.separator`). Raises `PackError` `no_counterpart`, with the
    place, for what cannot be said there.
    """
    return _Export(workflow, separator).machine()


def _refuse(what: str, place: Place) -> PackError:
    return PackError("no_counterpart", f"`transitions` has no {what}", place=place)


@dataclass(frozen=True, slots=True)
class _Export:
    chart: Workflow
    separator: str

    @property
    def nested(self) -> bool:
        return any(state.children for state in self.chart.states.values())

    def machine(self) -> dict[str, Any]:
        top = [state for state in self.chart.states.values() if state.parent is None]
        first = self.chart.initial
        for effect in (*self.chart.begin, *(one for state in top for one in self.effects(state))):
            if isinstance(effect, Raise):
                raise _refuse("signals", effect.place)
        return {
            "states": [self.state(state) for state in top],
            "transitions": [made for state in self.chart.states.values() for made in self.transitions(state)],
            "initial": self.name(first[0]) if len(first) == 1 else [self.name(one) for one in first],
            "auto_transitions": False,
            "ignore_invalid_triggers": True,
        }

    def effects(self, state: State) -> Iterator[Reaction]:
        """What a state and the states inside it can do."""
        yield from effects_of(state)
        for child in state.children:
            yield from self.effects(self.chart.states[child])

    def state(self, state: State) -> dict[str, Any]:
        if state.kind.endswith("history"):
            raise _refuse("history", state.place)
        if self.nested and self.separator in state.name:
            hint = "choose a separator that is in no name, and give it to `NestedState.separator` as well"
            message = f"the separator `{self.separator}` is part of the name `{state.name}`"
            raise PackError("bad_separator", message, place=state.place, hint=hint)
        made: dict[str, Any] = {"name": state.name}
        if state.kind == "final":
            made["final"] = True
        if state.children:
            inside = [self.state(self.chart.states[name]) for name in state.children]
            made |= {"parallel": inside} if state.kind == "parallel" else self.compound(state, inside)
        return made

    def compound(self, state: State, inside: list[dict[str, Any]]) -> dict[str, Any]:
        if len(state.initial) > 1:
            raise _refuse("way to start in several states", state.place)
        start = self.name(state.initial[0]).removeprefix(self.name(state.name) + self.separator)
        return {"children": inside, "initial": start}

    def name(self, state: str) -> str:
        """The whole name of a state."""
        return self.separator.join([*reversed(list(statechart.ancestors(self.chart, state))), state])

    def transitions(self, state: State) -> Iterator[dict[str, Any]]:
        for position, one in enumerate(state.transitions):
            if one.event is None:
                raise _refuse("eventless transitions", one.place)
            if one.event.startswith("done."):
                raise _refuse("event for the end of a state", one.place)
            if one.roles:
                raise _refuse("roles", one.place)
            if one.require and self.has_another(state, one, position):
                raise _refuse("refusal: the next transition on the event would be tried", one.place)
            guards = [*([one.when] if one.when is not None else []), *(held.when for held in one.require)]
            yield self.transition(state, one.event, one, guards)
        for after in state.after:
            guards = [after.when] if after.when is not None else []
            yield self.transition(state, f"after.{state.name}.{after.index}", after.transition, guards)

    def has_another(self, state: State, one: Transition, position: int) -> bool:
        """Whether a later option, or a state around, handles the event as well."""
        above = [self.chart.states[name] for name in statechart.ancestors(self.chart, state.name)]
        later = [*state.transitions[position + 1 :], *(other for outer in above for other in outer.transitions)]
        return any(other.event == one.event for other in later)

    def transition(self, state: State, trigger: str, one: Transition, guards: list[Expression]) -> dict[str, Any]:
        if len(one.targets) > 1:
            raise _refuse("transition to several states", one.place)
        if one.internal and state.children and one.targets:
            raise _refuse("transition into a state that does not leave it", one.place)
        made: dict[str, Any] = {
            "trigger": trigger,
            "source": self.name(state.name),
            "dest": self.name(one.targets[0]) if one.targets else None,
        }
        for key, wanted in (("conditions", True), ("unless", False)):
            names = [name for guard in guards for name, held in _conditions(guard) if held is wanted]
            if names:
                made[key] = names
        return made


def _conditions(guard: Expression) -> list[tuple[str, bool]]:
    """A guard as names and whether they must hold; as its text where it is not made of flags of the event."""
    found = [_flag(node) for node in conjuncts(guard.checked.node)]
    flags = [one for one in found if one is not None]
    return flags if len(flags) == len(found) else [(" ".join(guard.text.split()), True)]


def _flag(node: Node) -> tuple[str, bool] | None:
    inner, held = (node.operand, False) if isinstance(node, Unary) and node.op == "!" else (node, True)
    names = path(inner)
    return (names[1], held) if names is not None and len(names) == 2 and names[0] == "data" else None
