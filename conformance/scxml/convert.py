"""From an SCXML chart to a pack: one workflow that a `begin` event starts, and the events of its script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

import yaml

from conformance.scxml.content import Clock, Content, signal, tag
from conformance.scxml.ecma import Expressions, UnsupportedError
from conformance.scxml.suite import Case
from engine.pack.names import is_identifier

BEGIN = "begin"
IDLE = "not_begun"
"""The state before the chart's own initial one: it lets what SCXML does when a chart is loaded happen at an event."""

NEVER = "never"
"""An event that nobody sends, with a transition to every state: charts of the suite have states that nothing leads to, packs must not."""

STATES = ("state", "parallel", "final", "history")


class Converter:
    """Converts one case. `states` maps the ids of the chart to the names of the pack's states."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._chart = case.chart
        self.states = _names(case.chart)
        self._data = {one.attrib["id"]: one.get("expr") for one in _all(case.chart, "data")}
        self._expressions = Expressions(self._types(), self._absent(), self._named)
        arrays = {name: text for name, text in self._data.items() if text is not None and text.lstrip().startswith("[")}
        self._content = Content(self._expressions, arrays)
        self._heard = frozenset(step.event for step in case.steps)
        self._sent = frozenset(_sent(case.chart))

    def pack(self) -> str:
        """The YAML. Raises `UnsupportedError` for what packs cannot hold."""
        everywhere = [{"to": name, "when": "false"} for name in self.states.values()]
        states: dict[str, Any] = {IDLE: {"on": {BEGIN: self._initial(self._chart), NEVER: everywhere}}}
        states |= self._children(self._chart)
        machine = {
            "by": "machine",
            "context": self._context(),
            "signals": {signal(name): fields for name, fields in self._signals().items()},
            "initial": IDLE,
            "states": states,
        }
        clocks = {clock.name: _waiting(clock) for clock in self._content.clocks}
        found = {
            "pack": {"name": "scxml"},
            "events": {name: _event(fields) for name, fields in self._events().items()},
            "workflows": {"machine": machine, **clocks},
        }
        return yaml.safe_dump(found, sort_keys=False, allow_unicode=True)

    # --- states ----------------------------------------------------------------------------------

    def _children(self, element: Element) -> dict[str, Any]:
        return {self.states[_id(child)]: self._state(child) for child in element if tag(child) in STATES}

    def _state(self, element: Element) -> dict[str, Any]:
        kind = tag(element)
        if kind == "history":
            return self._history(element)
        found: dict[str, Any] = {"final": True} if kind == "final" else {}
        inside = self._children(element)
        if inside:
            found["states"] = inside
        if kind == "parallel" and inside:
            found["parallel"] = True
        elif inside:
            found["initial"] = self._initial(element)
        for name, wanted in (("enter", "onentry"), ("exit", "onexit")):
            effects = [effect for one in element if tag(one) == wanted for effect in self._content.effects(one)]
            if effects:
                found[name] = effects
        return found | self._transitions(element)

    def _history(self, element: Element) -> dict[str, Any]:
        found: dict[str, Any] = {"history": element.get("type", "shallow")}
        for transition in element:
            found["to"] = self._targets(transition.attrib["target"])
            effects = self._content.effects(transition)
            if effects:
                found["then"] = effects
        return found

    def _initial(self, element: Element) -> dict[str, Any]:
        """Where a state starts: its attribute, its element, or the first state in it."""
        if "initial" in element.attrib:
            return {"to": self._targets(element.attrib["initial"])}
        for child in element:
            if tag(child) == "initial":
                effects = self._content.effects(child[0])
                return {"to": self._targets(child[0].attrib["target"]), **({"then": effects} if effects else {})}
        first = next(child for child in element if tag(child) in STATES and tag(child) != "history")
        return {"to": [self.states[_id(first)]]}

    def _transitions(self, element: Element) -> dict[str, Any]:
        events: dict[str, list[dict[str, Any]]] = {}
        always: list[dict[str, Any]] = []
        for transition in element:
            if tag(transition) != "transition":
                continue
            made = self._transition(transition)
            if "event" not in transition.attrib:
                always.append(made)
            for name in self._matching(transition.get("event", "")):
                events.setdefault(name, []).append(made)
        return {**({"on": events} if events else {}), **({"always": always} if always else {})}

    def _transition(self, element: Element) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "target" in element.attrib:
            found["to"] = self._targets(element.attrib["target"])
        if "cond" in element.attrib:
            found["when"] = self._expressions.condition(element.attrib["cond"])
        if element.get("type") == "internal":
            found["internal"] = True
        effects = self._content.effects(element)
        return found | ({"then": effects} if effects else {})

    def _targets(self, text: str) -> list[str]:
        return [self._named(name) for name in text.split()]

    def _named(self, name: str) -> str:
        return self.states.get(name, name)

    # --- events and data -------------------------------------------------------------------------

    def _matching(self, descriptors: str) -> Iterator[str]:
        """The names that a transition's descriptors stand for here, each once: events, signals and done events."""
        raised = {name: signal(name) for name in _raised(self._chart)}
        done = {f"done.state.{one}": f"done.{self.states[one]}" for one in self._ending()}
        known = {**{name: name for name in sorted(self._heard | self._sent)}, **done}
        for prefix in (one.removesuffix("*").removesuffix(".") for one in descriptors.split()):
            for names in (known, raised):
                yield from (own for name, own in names.items() if not prefix or f"{name}.".startswith(f"{prefix}."))

    def _ending(self) -> Iterator[str]:
        """The states that can end: those with a final state in them, and parallel ones."""
        for element in self._chart.iter():
            if tag(element) == "parallel" or (tag(element) == "state" and any(tag(one) == "final" for one in element)):
                yield _id(element)

    def _events(self) -> dict[str, dict[str, str]]:
        known = {name: dict[str, str]() for name in (BEGIN, NEVER, *sorted(self._heard | self._sent))}
        return {**known, **self._content.events}

    def _signals(self) -> dict[str, dict[str, str]]:
        return {**{name: dict[str, str]() for name in _raised(self._chart)}, **self._content.signals}

    def _context(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, text in self._data.items():
            kind = self._expressions.types[name]
            found[name] = f"{kind}?" if text is None else f"{kind} = {self._expressions.value(text)}"
        return {**found, **dict.fromkeys(self._content.helpers, "int = 0")}

    def _types(self) -> dict[str, str]:
        """The types of the data: of what they begin with, else of what is first assigned to them."""
        assigned = {one.attrib["location"]: one.attrib["expr"] for one in reversed(list(_all(self._chart, "assign")))}
        guess = Expressions(dict.fromkeys(self._data, "int"), frozenset(), str)
        texts = {name: text if text is not None else assigned.get(name, "0") for name, text in self._data.items()}
        return {name: guess.type_of(text) for name, text in texts.items()}

    def _absent(self) -> frozenset[str]:
        return frozenset(name for name, text in self._data.items() if text is None)


def _names(chart: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, element in enumerate(one for one in chart.iter() if tag(one) in STATES):
        name = element.attrib.setdefault("id", f"unnamed_{number}")
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
        found[name] = plain if is_identifier(plain) and plain not in found.values() else f"{plain}_{number}"
    return found


def _id(element: Element) -> str:
    return element.attrib["id"]


def _all(chart: Element, name: str) -> Iterator[Element]:
    return (element for element in chart.iter() if tag(element) == name)


def _raised(chart: Element) -> list[str]:
    internal = (one for one in _all(chart, "send") if one.get("target") == "#_internal")
    names = (one.get("event") or (one.get("eventexpr") or "").strip("'") for one in (*_all(chart, "raise"), *internal))
    return list(dict.fromkeys(names))


def _sent(chart: Element) -> Iterable[str]:
    outside = (one for one in _all(chart, "send") if one.get("target") != "#_internal")
    return (one.get("event") or (one.get("eventexpr") or "").strip("'") for one in outside)


def _event(fields: Mapping[str, str]) -> dict[str, Any]:
    return {"keys": {"machine": "data.machine"}, "data": {"machine": "string", **fields}}


def _waiting(clock: Clock) -> dict[str, Any]:
    """A workflow that emits an event some time after it was told to."""
    blank = {"int": "0", "string": "''", "bool": "false"}
    set_it = {name: f"data.{name}" for name in clock.fields}
    emit = {"emit": clock.event, "data": {"machine": "key", **{name: f"context.{name}" for name in clock.fields}}}
    armed = {"to": "armed", **({"set": set_it} if set_it else {})}
    return {
        "by": "machine",
        "context": {name: f"{kind} = {blank[kind]}" for name, kind in clock.fields.items()},
        "initial": "idle",
        "states": {
            "idle": {"on": {f"{clock.name}.set": armed}},
            "armed": {"after": [{"for": clock.delay, "to": "idle", "then": [emit]}]},
        },
    }


def converted(case: Case) -> tuple[str, Mapping[str, str]]:
    """The pack of a case, and how its states are called there. Raises `UnsupportedError`."""
    if case.scripted:
        raise UnsupportedError("it runs ECMAScript: packs hold no code")
    converter = Converter(case)
    return converter.pack(), converter.states
