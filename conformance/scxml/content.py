"""Executable content of SCXML as effects of the pack language, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from conformance.scxml.ecma import Expressions, UnsupportedError, items, literal
from conformance.scxml.suite import NAMESPACE

Effects = list[dict[str, Any]]
INTERNAL = "#_internal"


@dataclass(frozen=True, slots=True)
class Clock:
    """A delayed `send`: a workflow of its own beside the chart waits, and then emits the event."""

    name: str
    event: str
    delay: str
    fields: Mapping[str, str]


@dataclass(slots=True)
class Content:
    """Translates the executable content of one chart, and keeps what has to be declared for it.

    `events` and `signals` are what is sent and raised, with the types of their data; `helpers` are context fields that note which branch
    of an `if` was taken.
    """

    expressions: Expressions
    arrays: Mapping[str, str]
    events: dict[str, dict[str, str]] = field(default_factory=dict)
    signals: dict[str, dict[str, str]] = field(default_factory=dict)
    clocks: list[Clock] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)

    def effects(self, parent: Element | None, guard: str | None = None) -> Effects:
        """The children of an element, one after the other; each only if `guard` holds."""
        found: Effects = []
        for element in parent if parent is not None else ():
            made = self._element(element, guard)
            found += [{**one, "when": guard} if guard is not None and "when" not in one else one for one in made]
        return found

    def _element(self, element: Element, guard: str | None) -> Effects:
        match tag(element):
            case "log":
                return []
            case "assign":
                return [{"set": {element.attrib["location"]: self.expressions.value(element.attrib["expr"])}}]
            case "raise":
                return [self._raise(element.attrib["event"], {}, {})]
            case "send":
                return list(self._send(element))
            case "if":
                return self._if(element, guard)
            case "foreach":
                return self._foreach(element, guard)
        raise UnsupportedError(f"<{tag(element)}> runs ECMAScript: packs hold no code")

    def _raise(self, event: str, data: dict[str, str], types: dict[str, str]) -> dict[str, Any]:
        self.signals.setdefault(event, {}).update(types)
        return {"raise": signal(event), **({"data": data} if data else {})}

    def _send(self, element: Element) -> Iterator[dict[str, Any]]:
        event = element.get("event") or literal(element.get("eventexpr"), "the event that is sent")
        data = dict(self._sent(element))
        values = {name: self.expressions.value(text) for name, text in data.items()}
        types = {name: self.expressions.type_of(text) for name, text in data.items()}
        if element.get("idlocation"):
            yield {"set": {element.attrib["idlocation"]: f"uid('send', key, {event!r}, string(now))"}}
        if element.get("target") == INTERNAL:
            yield self._raise(event, values, types)
            return
        self.events.setdefault(event, {}).update(types)
        delay = element.get("delay") or ("delayexpr" in element.attrib and literal(element.get("delayexpr"), "a delay"))
        if delay:
            event = self._clock(event, delay, types)
        yield {"emit": event, "data": {"machine": "key", **values}}

    def _clock(self, event: str, delay: str, types: dict[str, str]) -> str:
        clock = Clock(f"clock_{len(self.clocks) + 1}", event, delay, types)
        self.clocks.append(clock)
        name = f"{clock.name}.set"
        self.events[name] = dict(types)
        return name

    def _sent(self, element: Element) -> Iterator[tuple[str, str]]:
        yield from ((name, name) for name in element.get("namelist", "").split())
        for child in element:
            if tag(child) == "param":
                yield child.attrib["name"], child.get("expr") or child.attrib["location"]
            elif tag(child) == "content":
                yield "content", child.get("expr") or f"'{(child.text or '').strip()}'"

    def _if(self, element: Element, guard: str | None) -> Effects:
        """The branch is chosen before anything in it happens: what a branch sets must not make another one hold."""
        branches: list[tuple[str | None, Element]] = [(element.attrib["cond"], Element("branch"))]
        for child in element:
            if tag(child) in ("elseif", "else"):
                branches.append((child.get("cond"), Element("branch")))
            else:
                branches[-1][1].append(child)
        helper = f"branch_{len(self.helpers) + 1}"
        self.helpers.append(helper)
        chosen = "0"
        for number, (condition, _) in reversed(list(enumerate(branches, 1))):
            chosen = str(number) if condition is None else f"({self._holds(condition)} ? {number} : {chosen})"
        found: Effects = [{"set": {helper: chosen if guard is None else f"({guard}) ? {chosen} : 0"}, "when": "true"}]
        for number, (_, content) in enumerate(branches, 1):
            found += self.effects(content, f"context.{helper} == {number}")
        return found

    def _holds(self, condition: str) -> str:
        return self.expressions.condition(condition)

    def _foreach(self, element: Element, guard: str | None) -> Effects:
        """A loop over a list that is written out and never changes is written out, too."""
        array = self.arrays.get(element.attrib["array"])
        if array is None:
            raise UnsupportedError(f"a loop over `{element.attrib['array']}`, which is computed")
        found: Effects = []
        for index, item in enumerate(items(array)):
            place = {"set": {element.attrib["item"]: item}}
            if "index" in element.attrib:
                place["set"][element.attrib["index"]] = str(index)
            found += [place, *self.effects(element, guard)]
        return found


def tag(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.removeprefix(NAMESPACE)


def signal(event: str) -> str:
    """How an event that a chart raises is called among the signals of its workflow."""
    return f"raised_{re.sub(r'[^A-Za-z0-9_]', '_', event)}"
