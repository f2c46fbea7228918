"""What a picture of a workflow shows: boxes for its states, arrows for what moves it, each with its label, in one language.

A drawing knows no notation; `engine.interop.mermaid` and `engine.interop.dot` write it down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.core import statechart
from engine.core.program import After, Assign, Do, Emit, Program, Raise, Reaction, State, Transition, Workflow
from engine.errors import RulewrightError

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "for": "{span} 后",
        "working": "工作时间 {span} 后",
        "until": "到 {span}",
        "roles": "由 {roles}",
        "refuse": "可拒绝：{codes}",
        "enter": "进入 / {effects}",
        "exit": "离开 / {effects}",
        "done": "{state} 结束",
    },
    "en": {
        "for": "after {span}",
        "working": "after {span} of working time",
        "until": "at {span}",
        "roles": "by {roles}",
        "refuse": "may refuse: {codes}",
        "enter": "enter / {effects}",
        "exit": "exit / {effects}",
        "done": "{state} ends",
    },
}


@dataclass(frozen=True, slots=True)
class Box:
    """A state: its title, and what it does without being left, a line each."""

    state: State
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrow:
    """From a state to a state, with the lines of its label. `within` is the innermost state that holds both; None: the chart.

    `source` None: the dot at which the chart, or the state `within`, starts.
    """

    source: str | None
    target: str
    lines: tuple[str, ...]
    within: str | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A workflow to be drawn. Boxes are in the order of the document and know their parents and children."""

    name: str
    title: str
    boxes: Mapping[str, Box]
    arrows: tuple[Arrow, ...]

    def inside(self, parent: str | None) -> list[Box]:
        """The boxes directly inside a state, or directly in the chart."""
        return [box for box in self.boxes.values() if box.state.parent == parent]


def workflows(program: Program) -> dict[str, Workflow]:
    """The workflows of a pack by name, in the order of names."""
    found = [chart for scope in program.scopes.values() for chart in scope.workflows]
    return {chart.name: chart for chart in sorted(found, key=lambda chart: chart.name)}


def find(program: Program, name: str) -> Workflow:
    """A workflow by name. Raises `RulewrightError` `unknown_workflow` with the names that there are."""
    known = workflows(program)
    if name not in known:
        hint = "there is " + ", ".join(f"`{one}`" for one in known) if known else "the pack has no workflow at all"
        raise RulewrightError("unknown_workflow", f"`{program.name}` has no workflow `{name}`", hint=hint)
    return known[name]


def draw(program: Program, chart: Workflow, language: str | None = None) -> Drawing:
    """The drawing of a workflow; titles and words in `language` (`zh`, `en`), the pack's own when none is named."""
    chosen = language or program.language
    pen = _Pen(chart, chosen, {name: one.title.pick(chosen) for name, one in program.events.items()})
    boxes = {name: pen.box(state) for name, state in chart.states.items()}
    return Drawing(chart.name, chart.title.pick(pen.language), boxes, tuple(pen.arrows()))


@dataclass(frozen=True, slots=True)
class _Pen:
    """Writes labels of one chart in one language. `titled` are the titles of events; one that several share names none of them."""

    chart: Workflow
    language: str
    titled: Mapping[str, str]

    def say(self, word: str, **parts: str) -> str:
        return WORDS[self.language][word].format(**parts)

    def box(self, state: State) -> Box:
        lines = [
            self.say(word, effects=self.effects(effects))
            for word, effects in (("enter", state.enter), ("exit", state.exit))
            if self.effects(effects)
        ]
        lines += [" ".join(self.label(one)) for one in state.transitions if not one.targets]
        lines += [" ".join(self.deadline(one)) for one in state.after if not one.transition.targets]
        return Box(state, state.title.pick(self.language), tuple(lines))

    def arrows(self) -> Iterator[Arrow]:
        for target in self.chart.initial:
            yield Arrow(None, target, (), None)
        for name, state in self.chart.states.items():
            yield from self.starts(state)
            for one in state.transitions:
                for target in one.targets:
                    yield Arrow(name, target, self.label(one), self.around(name, target))
            for after in state.after:
                for target in after.transition.targets:
                    yield Arrow(name, target, self.deadline(after), self.around(name, target))

    def starts(self, state: State) -> Iterator[Arrow]:
        if state.kind == "compound":
            for target in state.initial:
                yield Arrow(None, target, (), state.name)
        elif state.kind.endswith("history"):
            for target in state.initial:
                yield Arrow(state.name, target, (), self.around(state.name, target))

    def around(self, one: str, other: str) -> str | None:
        holding = list(statechart.ancestors(self.chart, other))
        return next((name for name in statechart.ancestors(self.chart, one) if name in holding), None)

    def label(self, one: Transition) -> tuple[str, ...]:
        return self.lines(self.event(one.event) if one.event is not None else "", one)

    def deadline(self, one: After) -> tuple[str, ...]:
        word = "until" if one.until is not None else "working" if one.calendar is not None else "for"
        span = one.until or one.span
        head = self.say(word, span=_flat(span.text) if span is not None else "")
        return self.lines(head, one.transition, _flat(one.when.text) if one.when is not None else None)

    def lines(self, head: str, one: Transition, when: str | None = None) -> tuple[str, ...]:
        guard = when if when is not None else _flat(one.when.text) if one.when is not None else None
        found = [head] if head else []
        if guard is not None:
            found.append(f"[{guard}]")
        if one.roles:
            found.append(self.say("roles", roles=", ".join(one.roles)))
        if one.require:
            found.append(self.say("refuse", codes=", ".join(dict.fromkeys(held.code for held in one.require))))
        if self.effects(one.effects):
            found.append("/ " + self.effects(one.effects))
        return tuple(found)

    def effects(self, effects: tuple[Reaction, ...]) -> str:
        """What the chart tells others, or itself; what it sets is its own affair."""
        names = [self.effect(one) for one in effects if not isinstance(one, Assign)]
        return ", ".join(dict.fromkeys(names))

    def effect(self, one: Emit | Do | Raise) -> str:
        if isinstance(one, Emit):
            return self.event(one.type)
        return one.do if isinstance(one, Do) else one.signal

    def event(self, name: str) -> str:
        if name.startswith("done."):
            return self.say("done", state=self.chart.states[name.removeprefix("done.")].title.pick(self.language))
        title = self.titled.get(name, name)
        return title if list(self.titled.values()).count(title) < 2 else name


def _flat(text: str) -> str:
    """An expression on one line."""
    return " ".join(text.split())
