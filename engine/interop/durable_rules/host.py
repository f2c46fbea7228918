"""Runs rulesets: each is a pack of its own on an engine in memory; what fires calls actions, in the order of the firings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.errors import RulewrightError
from engine.interop.durable_rules.fields import sameness
from engine.interop.durable_rules.pack import Ruleset
from engine.interop.durable_rules.play import Content, Context, ObservedError
from engine.interop.durable_rules.reading import Run
from engine.pack import restore
from engine.runtime.engine import Engine
from engine.store import open_store

Actions = Mapping[str, Callable[[Context], Any]]
Message = Mapping[str, Any]

MOST_ACTIONS = 10_000
"""How many actions one call may set off before it counts as a runaway."""


@dataclass(frozen=True, slots=True)
class Firing:
    """A firing whose action has not run yet."""

    ruleset: str
    rule: str
    sid: str
    match: tuple[Mapping[str, Any], ...]


@dataclass(slots=True)
class Running:
    """A ruleset on its engine, with the states and the known facts of each `sid`."""

    ruleset: Ruleset
    engine: Engine
    states: dict[str, Content] = field(default_factory=dict)
    facts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    sent: int = 0


class Host:
    """Rulesets and the actions that they name.

    >>> host = Host({"test": {"r_0": {"all": [{"m": {"subject": "World"}}], "run": "hello"}}}, {"hello": lambda c: print(c.m.subject)})
    >>> host.post("test", {"subject": "World"})
    World
    ['r_0']

    `rulesets` are as `Host.set_rulesets` of durable_rules takes them; a `run` is the name of an action, or a function. Every verb
    answers the names of the rules that fired, in their order. `clock` gives the time of what comes in.
    Raises `PackError`: `bad_ruleset`, `unsupported`, or `unknown_action` for a name that `actions` has not.
    """

    def __init__(
        self,
        rulesets: Mapping[str, Mapping[str, Any]],
        actions: Actions | None = None,
        *,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._actions = dict(actions or {})
        self._clock = clock or (lambda: datetime.now(UTC))
        self._running: dict[str, Running] = {}
        self._queue: list[Firing] = []
        self._busy = False
        for name, definition in rulesets.items():
            ruleset = Ruleset.read(name, definition)
            self._check_actions(ruleset)
            program = restore({f"{ruleset.name}.yaml": ruleset.text()})
            self._running[ruleset.name] = Running(ruleset, Engine(program, open_store("memory:")))

    def post(self, ruleset: str, message: Message | Sequence[Message]) -> list[str]:
        """Post an event, or a batch of events that are taken together: each is seen by one firing, and kept until then."""
        running = self._find(ruleset)
        events = [message] if isinstance(message, Mapping) else list(message)
        self._begin(running, events)
        return self._feed(
            running, [self._told(running, "post", one, f"e{running.sent + n}") for n, one in enumerate(events)]
        )

    def assert_fact(self, ruleset: str, fact: Message | Sequence[Message]) -> list[str]:
        """Assert a fact, or several, to be seen by every rule until it is retracted. Raises `ObservedError` for a known one."""
        running = self._find(ruleset)
        facts = [fact] if isinstance(fact, Mapping) else list(fact)
        fresh = {_identity(one): dict(one) for one in facts}
        if len(fresh) < len(facts) or not running.facts.keys().isdisjoint(fresh):
            raise ObservedError("observed", "the fact is known already")
        running.facts |= fresh
        self._begin(running, facts)
        return self._feed(running, [self._told(running, "assert", one, _identity(one)[1]) for one in facts])

    def retract_fact(self, ruleset: str, fact: Message | Sequence[Message]) -> list[str]:
        """Retract a fact, or several: those that have the same `id`, or the same content; what is not known is left alone."""
        running = self._find(ruleset)
        facts = [fact] if isinstance(fact, Mapping) else list(fact)
        known = [one for one in facts if running.facts.pop(_identity(one), None) is not None]
        return self._feed(running, [("retract", _sid(one), {"id": _identity(one)[1]}) for one in known])

    def update_state(self, ruleset: str, state: Message) -> list[str]:
        """Replace the state of a `sid`; rules look at it anew, also where it is what it was."""
        running = self._find(ruleset)
        self._begin(running, [state])
        return self._feed(running, [self._put(running, _sid(state), Content(deepcopy(dict(state))))])

    def delete_state(self, ruleset: str, sid: object = "0") -> None:
        """Forget the state of a `sid`."""
        running = self._find(ruleset)
        running.states.pop(str(sid), None)
        self._feed(running, [("drop", str(sid), {})])

    def get_state(self, ruleset: str, sid: object = "0") -> Content:
        """A copy of the state of a `sid`."""
        return deepcopy(self._find(ruleset).states.get(str(sid), Content()))

    def get_facts(self, ruleset: str, sid: object = "0") -> list[dict[str, Any]]:
        """The known facts of a `sid`, in the order in which they were asserted."""
        return [deepcopy(fact) for (whose, _), fact in self._find(ruleset).facts.items() if whose == str(sid)]

    def start_timer(self, ruleset: str, sid: object, name: str, seconds: float) -> None:
        """Let a timer ring after so many seconds, from anew when it runs already."""
        due = self._clock() + timedelta(seconds=seconds)
        stamped = {"name": name, "due": due.isoformat()}
        self._feed(self._find(ruleset), [("untimed", str(sid), {"name": name}), ("timed", str(sid), stamped)])

    def cancel_timer(self, ruleset: str, sid: object, name: str) -> None:
        """Stop a timer."""
        self._feed(self._find(ruleset), [("untimed", str(sid), {"name": name})])

    def tick(self) -> list[str]:
        """Let the timers ring that are due by the clock."""
        for running in self._running.values():
            if running.engine.now is not None:
                self._gather(running, running.engine.advance(self._clock()).records)
        return self._run()

    # --- what goes in ----------------------------------------------------------------------------

    def _find(self, ruleset: str) -> Running:
        if ruleset not in self._running:
            known = ", ".join(f"`{name}`" for name in self._running)
            raise RulewrightError("unknown_ruleset", f"there is no ruleset `{ruleset}`", hint=f"there is {known}")
        return self._running[ruleset]

    def _begin(self, running: Running, messages: Sequence[Message]) -> None:
        """Where a chart or a state is looked at, it is there before the first message of a `sid` is seen."""
        for sid in dict.fromkeys(map(_sid, messages)):
            if sid in running.begun:
                continue
            running.begun.add(sid)
            flow = running.ruleset.flow
            if running.ruleset.wants_state and sid not in running.states:
                self._send(running, [self._put(running, sid, Content())])
            if flow is not None:
                if flow.run is not None:
                    self._queue.append(Firing(running.ruleset.name, "", sid, ({},)))
                self._send(running, [("begin", sid, {})])

    def _told(self, running: Running, kind: str, message: Message, identity: str) -> tuple[str, str, dict[str, Any]]:
        data = {"id": identity, "body": dict(message), **running.ruleset.fields.values(message)}
        return kind, _sid(message), data

    def _put(self, running: Running, sid: str, state: Content) -> tuple[str, str, dict[str, Any]]:
        running.states[sid] = state
        return "put", sid, {"body": deepcopy(dict(state)), **running.ruleset.state_fields.values(state)}

    def _feed(self, running: Running, told: Sequence[tuple[str, str, dict[str, Any]]]) -> list[str]:
        self._send(running, told)
        return self._run()

    def _send(self, running: Running, told: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
        lines = [self._line(running, *one) for one in told]
        self._gather(running, running.engine.handle_many(lines).records)

    def _line(self, running: Running, kind: str, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        running.sent += 1
        numbered = {"number": running.sent} if "body" in data else {}
        moment = self._clock()
        now = running.engine.now
        stamp = (max(moment, now) if now is not None else moment).isoformat()
        envelope = {"id": str(running.sent), "source": "host", "type": kind, "time": stamp}
        return {**envelope, "data": {"sid": sid, **numbered, **data}}

    # --- what comes out --------------------------------------------------------------------------

    def _gather(self, running: Running, records: Sequence[Mapping[str, Any]]) -> None:
        for record in records:
            if record["kind"] == "emit":
                told = record["data"]
                self._queue.append(Firing(running.ruleset.name, told["rule"], told["sid"], tuple(told["match"])))
        for record in records:
            if record["kind"] in ("reject", "error"):
                raise RulewrightError(record["code"], f"{running.ruleset.name}: {record['reason']}")

    def _run(self) -> list[str]:
        """Run actions until none is left; an action that posts does not run others by itself.

        Where one raises, those that wait run with the next call.
        """
        if self._busy:
            return []
        self._busy, fired = True, []
        try:
            while self._queue:
                chosen = self._next()
                fired += [one.rule for one in chosen if one.rule]
                if len(fired) > MOST_ACTIONS:
                    self._queue.clear()
                    raise RulewrightError("runaway", f"more than {MOST_ACTIONS} actions follow from one another")
                self._act(chosen)
        finally:
            self._busy = False
        return fired

    def _next(self) -> list[Firing]:
        """The next firing; with a `cap`, those that follow it and are of the same rule."""
        first = self._queue.pop(0)
        rule = self._running[first.ruleset].ruleset.rules.get(first.rule)
        chosen = [first]
        while rule is not None and len(chosen) < rule.cap and self._queue and _alike(self._queue[0], first):
            chosen.append(self._queue.pop(0))
        return chosen

    def _act(self, firings: list[Firing]) -> None:
        first = firings[0]
        running = self._running[first.ruleset]
        rule = running.ruleset.rules.get(first.rule)
        flow = running.ruleset.flow
        action = self._action(rule.run if rule is not None else flow.run if flow is not None else None)
        if action is None:
            return
        before = running.states.get(first.sid, Content())
        match = [part for one in firings for part in one.match]
        many = rule is not None and (rule.count > 1 or rule.cap > 0)
        context = Context(self, first.ruleset, first.sid, match, deepcopy(before), many=many)
        try:
            action(context)
        except Exception as failure:
            if not running.ruleset.looks_at_exceptions:
                raise
            context.s.exception = f"{type(failure).__name__}: {failure}"
        if context.deleted:
            running.states.pop(first.sid, None)
            self._send(running, [("drop", first.sid, {})])
        elif context.s != running.states.get(first.sid, Content()):
            self._send(running, [self._put(running, first.sid, context.s)])

    def _action(self, run: Run) -> Callable[[Context], Any] | None:
        return self._actions[run] if isinstance(run, str) else run

    def _check_actions(self, ruleset: Ruleset) -> None:
        runs = [rule.run for rule in ruleset.rules.values()]
        runs += [ruleset.flow.run] if ruleset.flow is not None else []
        for run in runs:
            if isinstance(run, str) and run not in self._actions:
                raise RulewrightError("unknown_action", f"`{ruleset.name}` runs `{run}`, which is no action here")


def _sid(message: Message) -> str:
    return str(message.get("sid", "0"))


def _identity(message: Message) -> tuple[str, str]:
    """The `sid` and the identity of a fact: its `id`, else its content."""
    named = message.get("id")
    return _sid(message), sameness(named if named is not None else dict(message))


def _alike(one: Firing, other: Firing) -> bool:
    return (one.ruleset, one.rule, one.sid) == (other.ruleset, other.rule, other.sid)
