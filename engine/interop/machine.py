"""Machines of the library `transitions` as the text of a pack. A machine is read as it stands: the library itself is not imported.

Conditions become fields of the events: whoever sends one says for each condition whether it holds, since a pack has no code to
ask. Callbacks become emitted events `called.NAME`: whoever listens does what the callback did. Two things differ: the engine enters
the initial state when the first event comes, so that its `on_enter` is called; and a nested transition leaves and enters by SCXML's
rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import yaml

from engine.errors import PackError
from engine.interop.names import Names, fitted
from engine.pack.names import RESERVED_EVENTS, is_identifier

KEY = "id"
"""The field of the events that names the instance."""

UNREAD = ("prepare_event", "before_state_change", "after_state_change", "finalize_event", "on_exception", "on_final")
"""Callbacks of a whole machine, for which a workflow has no place."""


def from_transitions(machine: Any, name: str = "machine") -> str:
    """The text of a pack with one workflow `name`, and one instance a `data.id`, that does what `machine` does.

    `machine` is a `Machine` or a `HierarchicalMachine`. States that nothing leads to are left out, and named in a comment. Raises
    `PackError`: `no_counterpart` for what a pack cannot say, `bad_name` for a name that no expression can have, `never_starts`
    when nothing moves the machine.
    """
    if not is_identifier(name):
        raise PackError("bad_name", f"`{name}` cannot be the name of a workflow", hint="use letters, digits and `_`")
    reader = _Reader(machine, name)
    reader.read()
    return reader.text()


@dataclass(slots=True)
class Found:
    """A state of the machine, and the transitions that leave it with their whole targets, in the order in which they are tried."""

    state: Any
    children: dict[str, Found] = field(default_factory=dict)
    moves: list[tuple[str, Any, tuple[str, ...] | None]] = field(default_factory=list)


class _Reader:
    def __init__(self, machine: Any, name: str) -> None:
        self.machine = machine
        self.name = name
        self.separator: str = getattr(machine.state_cls, "separator", "")
        self.top: dict[str, Found] = {}
        self.states = Names()
        self.conditions = Names()
        self.triggers: dict[str, str] = {}
        self.calls = Names()
        self.asked: dict[str, set[str]] = {}

    # --- reading ---------------------------------------------------------------------------------

    def read(self) -> None:
        for name in UNREAD:
            if getattr(self.machine, name, None):
                raise _refuse(f"callbacks for every transition (`{name}`)")
        if not self.machine.initial:
            raise _refuse("machine without an initial state")
        self.top = self.level(self.machine.states, self.machine.events, ())

    def level(self, states: Mapping[Any, Any], events: Mapping[str, Any], prefix: tuple[str, ...]) -> dict[str, Found]:
        """The states of one level with everything that is declared there; what is declared inside is tried first."""
        found: dict[str, Found] = {}
        for key, one in states.items():
            inner = getattr(one, "states", {})
            path = (*prefix, _text(key))
            self.states.of(path, path[-1])
            found[path[-1]] = Found(one, self.level(inner, one.events, path) if inner else {})
        for trigger, event in events.items():
            if not self.is_automatic(trigger, event):
                for listed in event.transitions.values():
                    for one in listed:
                        self.move(found, trigger, one, prefix)
        return found

    def is_automatic(self, trigger: str, event: Any) -> bool:
        """Whether a trigger is one that the library adds by itself: from everywhere to one state."""
        if not getattr(self.machine, "auto_transitions", False) or not trigger.startswith("to_"):
            return False
        return all(one.dest == trigger.removeprefix("to_") for listed in event.transitions.values() for one in listed)

    def move(self, level: dict[str, Found], trigger: str, one: Any, prefix: tuple[str, ...]) -> None:
        found, inside = None, level
        for part in self.path(one.source):
            found = inside[part]
            inside = found.children
        assert found is not None
        found.moves.append((trigger, one, None if one.dest is None else (*prefix, *self.path(one.dest))))

    def path(self, name: str) -> tuple[str, ...]:
        return tuple(name.split(self.separator)) if self.separator else (name,)

    # --- writing ---------------------------------------------------------------------------------

    def text(self) -> str:
        reached = self.reached()
        left_out = [".".join(path) for path in self.states.fit if isinstance(path, tuple) and path not in reached]
        workflow: dict[str, Any] = {"by": self.name}
        start = self.start(self.machine.initial)
        workflow |= {"parallel": True} if isinstance(self.machine.initial, list) else {"initial": start[0]}
        workflow["states"] = self.written(self.top, (), reached)
        pack = {
            "pack": {"name": self.name, "version": "1"},
            "events": self.events(),
            "workflows": {self.name: workflow},
        }
        comment = [f"# Left out, for nothing leads there: {', '.join(left_out)}.\n"]
        return "".join(comment if left_out else []) + yaml.safe_dump(pack, allow_unicode=True, sort_keys=False)

    def start(self, initial: Any) -> list[str]:
        names = initial if isinstance(initial, (list, tuple)) else [initial]
        return [self.states.fit[self.path(_text(one))] for one in names]

    def reached(self) -> set[tuple[str, ...]]:
        """The states that something leads to. Raises `PackError` `never_starts` when nothing leaves the first ones."""
        initial = self.machine.initial if isinstance(self.machine.initial, (list, tuple)) else [self.machine.initial]
        pending = [self.path(_text(one)) for one in initial]
        reached: set[tuple[str, ...]] = set()
        while pending:
            path = pending.pop()
            if not path or path in reached:
                continue
            reached.add(path)
            found = self.at(path)
            pending += [path[:-1], *((*path, child) for child in self.entered(found))]
            pending += [dest for _, _, dest in found.moves if dest is not None]
        if not any(self.at(path).moves for path in reached):
            raise PackError("never_starts", "no trigger moves the machine from where it starts")
        return reached

    def at(self, path: tuple[str, ...]) -> Found:
        found = self.top[path[0]]
        for part in path[1:]:
            found = found.children[part]
        return found

    def entered(self, found: Found) -> Iterable[str]:
        """The children that entering a state enters."""
        if not found.children:
            return ()
        if not found.state.initial:
            raise _refuse(f"state that may be active without one inside it (`{found.state.name}`)")
        initial = found.state.initial
        names = initial if isinstance(initial, (list, tuple)) else [initial]
        firsts = [self.path(_text(name))[0] for name in names]
        if len(firsts) > 1 and set(firsts) != set(found.children):
            raise _refuse(f"state that starts in some of its states at once (`{found.state.name}`)")
        return firsts

    def written(
        self, level: dict[str, Found], prefix: tuple[str, ...], reached: set[tuple[str, ...]]
    ) -> dict[str, Any]:
        return {
            self.states.fit[*prefix, name]: self.state(found, (*prefix, name), reached)
            for name, found in level.items()
            if (*prefix, name) in reached
        }

    def state(self, found: Found, path: tuple[str, ...], reached: set[tuple[str, ...]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self.states.fit[path] != path[-1]:
            made["title"] = path[-1]
        if found.children:
            firsts = list(self.entered(found))
            made |= {"parallel": True} if len(firsts) > 1 else {"initial": self.states.fit[*path, firsts[0]]}
            made["states"] = self.written(found.children, path, reached)
        for key, callbacks in (("enter", found.state.on_enter), ("exit", found.state.on_exit)):
            if callbacks:
                made[key] = list(self.called(callbacks))
        if getattr(found.state, "on_final", None):
            raise _refuse(f"callback for the end of a state (`{found.state.name}`)")
        if getattr(found.state, "timeout", 0):
            made["after"] = [self.deadline(found)]
        on: dict[str, list[dict[str, Any]]] = {}
        for trigger, one, dest in found.moves:
            on.setdefault(self.event(trigger), []).append(self.transition(trigger, one, dest))
        if on:
            made["on"] = on
        elif found.state.final and not found.children:
            made["final"] = True
        return made

    def transition(self, trigger: str, one: Any, dest: tuple[str, ...] | None) -> dict[str, Any]:
        if one.prepare:
            raise _refuse(f"callback before the conditions (`prepare` of `{trigger}`)")
        made: dict[str, Any] = {} if dest is None else {"to": self.states.fit[dest]}
        guards = [self.condition(trigger, condition) for condition in one.conditions]
        if guards:
            made["when"] = " && ".join(guards)
        effects = list(self.called([*one.before, *one.after]))
        if effects:
            made["then"] = effects
        return made

    def condition(self, trigger: str, condition: Any) -> str:
        name = self.conditions.of(condition.func, _name_of(condition.func))
        if name == KEY:
            raise PackError("bad_name", f"a condition cannot be called `{KEY}`: that names the instance")
        self.asked.setdefault(trigger, set()).add(name)
        return f"data.{name}" if condition.target else f"!data.{name}"

    def deadline(self, found: Found) -> dict[str, Any]:
        """A timeout: it takes the transition of the trigger that it pulls, or calls what it calls."""
        made: dict[str, Any] = {"for": f"{round(found.state.timeout * 1000)}ms"}
        effects: list[dict[str, Any]] = []
        for callback in found.state.on_timeout:
            pulled = [(one, dest) for trigger, one, dest in found.moves if trigger == callback]
            if not pulled:
                effects += self.called([callback])
            elif pulled[0][0].conditions or pulled[0][1] is None or "to" in made:
                raise _refuse(f"timeout that pulls a guarded trigger, or several (`{found.state.name}`)")
            else:
                one, dest = pulled[0]
                made["to"] = self.states.fit[dest]
                effects += self.called([*one.before, *one.after])
        return {**made, **({"then": effects} if effects else {})}

    def called(self, callbacks: Iterable[Any]) -> Iterator[dict[str, Any]]:
        for callback in callbacks:
            yield {"emit": f"called.{self.calls.of(callback, _name_of(callback))}", "data": {KEY: "key"}}

    def event(self, trigger: str) -> str:
        """The event of a trigger, called like it where that is a name."""
        if trigger not in self.triggers:
            parts = [fitted(part) for part in trigger.split(".")]
            found = ".".join(parts)
            while found in self.triggers.values() or found.startswith((*RESERVED_EVENTS, "called.")):
                found = f"_{found}"
            self.triggers[trigger] = found
        return self.triggers[trigger]

    def events(self) -> dict[str, Any]:
        def declared(fields: Iterable[str]) -> dict[str, Any]:
            types = {KEY: "string", **dict.fromkeys(sorted(fields), "bool")}
            return {"keys": {self.name: f"data.{KEY}"}, "data": types}

        made = {
            name: {**({"title": trigger} if name != trigger else {}), **declared(self.asked.get(trigger, ()))}
            for trigger, name in self.triggers.items()
        }
        return made | {f"called.{name}": declared(()) for name in self.calls.fit.values()}


def _text(name: Any) -> str:
    """A state is called by a text or by a member of an enumeration."""
    return name.name if isinstance(name, Enum) else str(name)


def _name_of(callback: Any) -> str:
    """What a callback or a condition is called: names are kept, functions go by theirs."""
    if isinstance(callback, str):
        return callback.rpartition(".")[2]
    name: str = getattr(callback, "__name__", type(callback).__name__)
    return name if name != "<lambda>" else "unnamed"


def _refuse(what: str) -> PackError:
    return PackError("no_counterpart", f"a workflow has no {what}")
