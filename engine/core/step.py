"""The step: one delivery to one partition in, everything that follows from it out.

The order inside a step is fixed: workflows, metrics, experiments, pop-ups, feedback, rules, and at the end alerts, which so see
all that the delivery changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from engine.cel import CelError
from engine.core import absence, adoption, alerts, blockers, experiments, items, matcher, popups, windows, workflow
from engine.core.alpha import AlphaIndex
from engine.core.env import Env, Shared
from engine.core.event import Event, Step
from engine.core.items import OpenView
from engine.core.partition import Instance, OpenState, Partition, Remembered, WindowState
from engine.core.pinning import Pinned, Ready
from engine.core.program import (
    Experiment,
    OpenMetric,
    Popup,
    Program,
    ScopeProgram,
    WindowMetric,
    Workflow,
)
from engine.core.trace import Tracer
from engine.core.turn import Turn
from engine.core.windows import WindowView

ENGINE_EVENTS = frozenset({"timer.fired", "timer.moved", "entity.put"})
"""Events of the engine itself that a partition always looks at."""


@dataclass(frozen=True, slots=True)
class Concern:
    """What one event type concerns in one scope; `idle`: nothing at all; `further`: more than workflows, metrics and rules."""

    workflows: tuple[tuple[Workflow, workflow.Machine, str], ...]
    windows: tuple[WindowMetric, ...]
    opens: tuple[OpenMetric, ...]
    experiments: tuple[Experiment, ...]
    popups: tuple[Popup, ...]
    ratings: tuple[Popup, ...]
    rules: bool
    retain: int | None
    pinned: tuple[tuple[Workflow, workflow.Machine, str], ...] = ()
    idle: bool = False
    further: bool = False


class Scope:
    """A scope's program with its dispatch tables."""

    def __init__(self, program: ScopeProgram) -> None:
        self.program = program
        self.alpha = AlphaIndex(program.rules)
        self.windows = {one.name: one for one in program.windows}
        self.opens = {one.name: one for one in program.opens}
        self.charts = {one.name: one for one in program.workflows}
        self.tables = {one.name: workflow.machine(one) for one in program.workflows}
        self.pinned = Pinned(program.pinned, self.charts)
        self.alerts = {one.name: one for one in program.alerts}
        watched = {depend for alert in program.alerts for depend in alert.depends} | self.alpha.watched
        self.awaited = frozenset(
            one.name
            for one in program.windows
            if one.roster is not None or f"closed:{one.name}" in watched or f"now:{one.name}" in watched
        )
        self.rostered = tuple(one for one in program.windows if one.roster is not None)
        self.absences = _absences(program)
        self.concerns: dict[str, Concern] = {}

    def concern(self, event_type: str) -> Concern:
        """What an event type concerns here; found once, then looked up."""
        found = self.concerns.get(event_type)
        if found is None:
            found = self.concerns[event_type] = self._find(event_type)
        return found

    def _find(self, name: str) -> Concern:
        program = self.program
        found = Concern(
            workflows=tuple(
                (one, self.tables[one.name], f"workflow:{one.name}") for one in program.workflows if name in one.events
            ),
            windows=tuple(one for one in program.windows if name in one.of or name in one.den),
            opens=tuple(one for one in program.opens if name in (one.start, one.until)),
            experiments=tuple(one for one in program.experiments if one.expose_on == name),
            popups=tuple(one for one in program.popups if one.on == name),
            ratings=tuple(one for one in program.ratings if one.feedback is not None and one.feedback.event == name),
            rules=self.alpha.reads(name),
            retain=program.retained.get(name),
            pinned=self.pinned.taking(name),
        )
        busy = (
            found.workflows,
            found.pinned,
            found.windows,
            found.opens,
            found.experiments,
            found.popups,
            found.ratings,
        )
        idle = not any(busy) and not found.rules and found.retain is None and name not in ENGINE_EVENTS
        further = found.retain is not None or any((found.experiments, found.popups, found.ratings))
        return replace(found, idle=idle, further=further)

    def metrics(self, partition: Partition, now: int) -> dict[str, Any]:
        """The metrics of a partition as expressions read them: name → view."""
        return _MetricViews(self, partition, now)

    def machine(self, name: str, held: Instance | None) -> Ready | None:
        """The machine that an instance of a workflow runs on; None where there is none any more."""
        pinned = self.pinned.of(name, held) if self.pinned else None
        return pinned or ((self.charts[name], self.tables[name]) if name in self.charts else None)

    def workflows(self, partition: Partition) -> dict[str, Any]:
        """The workflow instances of a partition as expressions read them: name → view."""
        return _WorkflowViews(self, partition)


class Stepper:
    """A program made ready to step: `step` is a pure function of its arguments.

    `begun` says since when metrics have been counted as they are, where that is not always.
    """

    def __init__(self, program: Program, begun: Mapping[str, int] | None = None) -> None:
        self.program = program
        self.begun = begun or {}
        self._asking = frozenset(one.on for scope in program.scopes.values() for one in scope.popups)
        self._mark = object()
        self._scopes = {name: Scope(one) for name, one in program.scopes.items()}
        self._seen: Env | None = None

    def step(self, partition: Partition, shared: Shared, event: Event, tracer: Tracer | None = None) -> Step:
        """Apply one delivery. The partition is changed in place; what else follows is in the answer."""
        if partition.stepper is not self._mark:
            self.adopt(partition, event.now)
        scope = self._scopes[partition.scope]
        seen = self._seen
        if seen is None or seen.event is not event or seen.shared is not shared:
            seen = self._seen = Env(shared, partition, event, event.keys, event.now, event.at, scope)
        else:
            seen.enter(partition, scope)
        turn = Turn(self.program, partition, shared, event, tracer, scope, seen)
        if event.type == "timer.fired":
            turn.now = event.at  # a deadline is taken as of its instant, however far time had gone when it was appended
            _fire(turn, scope, str(event.data["name"]))
        elif event.type == "entity.put" and event.data["entity"] in scope.absences:
            _absent(turn, scope, event.data["entity"], event.data["id"])
        elif event.type == "timer.moved":
            workflow.postpone(turn, str(event.data["name"]), int(event.data["due"]))
        elif event.type == "entity.put":
            _known(turn, scope)
        else:
            _deliver(turn, scope)
        return turn.step

    def adopt(self, partition: Partition, now: int) -> None:
        """Make a partition that another program may have stepped one of this program's own."""
        adoption.adopt(self.program.scopes[partition.scope], partition, now, self.begun)
        partition.stepper = self._mark

    def shown(self, partition: Partition, now: int) -> Partition:
        """The partition as this program sees it: itself, or a copy where another program has stepped it last."""
        if partition.stepper is self._mark:
            return partition
        copy = partition.copy()
        self.adopt(copy, now)
        return copy

    def concerns(self, scope: str, event_type: str) -> bool:
        """Whether a delivery of that type can do anything in that scope; one that cannot need not be stepped at all."""
        found = self._scopes.get(scope)
        return found is not None and not found.concern(event_type).idle

    def asks(self, event_type: str) -> bool:
        """Whether a pop-up is decided at events of that type."""
        return event_type in self._asking

    def watched(self, scope: str) -> frozenset[tuple[str, str]]:
        """What is decided anew when the entity changes that a key of the scope names: metrics with their forms, alerts, and the rules."""
        found = self._scopes[scope]
        names = {(one.name, one.form) for one in found.rostered}
        names |= {(one.name, "") for one in found.program.alerts if "entity" in one.depends}
        return frozenset(names | ({("", "rules")} if "entity" in found.alpha.watched else set()))

    @property
    def absences(self) -> dict[str, dict[str, str]]:
        """By the entities by which absences become known: the scopes that they concern, and the field that names the key there."""
        found: dict[str, dict[str, str]] = {}
        for name, scope in self._scopes.items():
            for entity, (field, _) in scope.absences.items():
                found.setdefault(entity, {})[name] = field
        return found

    def machine(self, partition: Partition, name: str) -> Workflow | None:
        """The workflow that the instance of a partition runs on; None where it is gone, and nothing stands for it."""
        found = self._scopes[partition.scope].machine(name, partition.workflows.instances.get(name))
        return None if found is None else found[0]

    def views(self, partition: Partition, now: int) -> dict[str, Any]:
        """The metrics of a partition as people ask for them: name → view."""
        scope = self._scopes[partition.scope]
        views = _MetricViews(scope, partition, now)
        return {name: views[name] for name in (*scope.windows, *scope.opens)}

    def ask(
        self,
        partition: Partition,
        shared: Shared,
        name: str,
        now: int,
        last: Event | None,
        tracer: Tracer,
        aim: str | None = None,
    ) -> None:
        """Ask every condition that `name` (an alert, a rule, a workflow, an experiment) stands on, and change nothing.

        `last` is the event that the partition saw last; conditions over an event are asked of it. Of a workflow, `aim` chooses the
        transitions on that event, or to that state.
        """
        scope = self._scopes[partition.scope]
        event = last or Event(id="", source="", type="", at=now, data={})
        asked = msgspec.structs.replace(event, now=now)
        env = Env(shared, partition, asked, ((partition.scope, partition.key),), now, now, scope)
        turn = Turn(self.program, partition, shared, asked, tracer, scope, env)
        for alert in scope.program.alerts:
            if alert.name == name:
                for level, condition in alert.levels:
                    tracer.asked(name, level, condition, env)
        machine = scope.machine(name, partition.workflows.instances.get(name))
        if machine is not None:
            blockers.ask(turn, machine[0], env, aim)
        for rule in scope.program.rules:
            if rule.name == name:
                matcher.ask(turn, scope.alpha, rule, Env(shared, partition, asked, asked.keys, now, asked.at, scope))
        for experiment in scope.program.experiments:
            if experiment.name == name and experiment.eligible is not None:
                tracer.asked(name, "eligible", experiment.eligible, env)


def _deliver(turn: Turn, scope: Scope) -> None:
    event, env = turn.event, turn.seen
    concern = scope.concerns.get(event.type) or scope.concern(event.type)
    changes: set[str] = set()
    if scope.pinned:
        _deliver_pinned(turn, scope, concern, env, changes)
    elif concern.workflows and event.refusal is None:
        for chart, table, change in concern.workflows:
            if workflow.deliver(turn, chart, table, env):
                changes.add(change)
    if concern.windows or concern.opens:
        _measure(turn, scope, concern, env, changes)
    if changes:
        env.changed()
    if concern.further:
        _go_on(turn, concern, event, env)
    if concern.rules or not scope.alpha.watched.isdisjoint(changes):
        matcher.run(turn, scope.alpha, env, changes)
    if changes:
        _judge(turn, scope, changes)


def _deliver_pinned(turn: Turn, scope: Scope, concern: Concern, env: Env, changes: set[str]) -> None:
    """Each instance takes the event on its own machine; what one of an earlier revision decides says which revision that is."""
    if turn.event.refusal is not None:
        return
    for chart, ready, change in (*concern.workflows, *concern.pinned):
        found = scope.machine(chart.name, turn.partition.workflows.instances.get(chart.name))
        if found is not None and found[0] is chart:
            mark = len(turn.step.records)
            if workflow.deliver(turn, chart, ready, env):
                changes.add(change)
            _mark_pinned(turn, chart, mark)


def _mark_pinned(turn: Turn, chart: Workflow, mark: int) -> None:
    if chart.revision:
        for record in turn.step.records[mark:]:
            record.fields["pinned"] = chart.revision


def _go_on(turn: Turn, concern: Concern, event: Event, env: Env) -> None:
    for experiment in concern.experiments:
        experiments.expose(turn, experiment, env)
    if concern.retain is not None:
        _retain(turn, event, concern.retain)
    for popup in concern.popups:
        popups.decide(turn, popup, env)
    for popup in concern.ratings:
        popups.rate(turn, popup, env)


def _measure(turn: Turn, scope: Scope, concern: Concern, env: Env, changes: set[str]) -> None:
    for window in concern.windows:
        if window.where is not None and not turn.holds(window.name, "where", window.where, env):
            continue
        state = _window_state(turn.partition, window)
        turn.changed("metrics")
        try:
            aspects = windows.record(window, state, env, turn.now)
        except CelError as failure:
            turn.error(window.name, failure, window.argument, env)
            continue
        for aspect in aspects:
            changes.add(f"{aspect}:{window.name}")
        if "published" in aspects:
            value = popups.published_value(state.owners, window.aggregate)
            turn.publish(window.scope, turn.partition.key, f"metric/{window.name}", value)
        if window.name in scope.awaited:
            _await(turn, window, state)
    for waiting in concern.opens:
        if waiting.where is not None and not turn.holds(waiting.name, "where", waiting.where, env):
            continue
        opened = turn.partition.metrics.opens.get(waiting.name)
        if opened is None:
            opened = turn.partition.metrics.opens[waiting.name] = OpenState(form=waiting.form)
        turn.changed("metrics")
        try:
            if items.record(waiting, opened, env, turn.now):
                changes.add(f"open:{waiting.name}")
        except CelError as failure:
            turn.error(waiting.name, failure, waiting.per, env)


def _window_state(partition: Partition, metric: WindowMetric) -> WindowState:
    state = partition.metrics.windows.get(metric.name)
    if state is None:
        state = partition.metrics.windows[metric.name] = WindowState(form=metric.form)
    return state


def _await(turn: Turn, metric: WindowMetric, state: WindowState) -> None:
    """Set the deadline at which the metric changes by time alone; one that is due at this very instant is still to fire."""
    if metric.roster is not None and turn.partition.metrics.known is None:
        return
    if state.due is not None and state.due <= turn.now:
        return
    due = windows.next_due(metric, state, turn.now)
    if due != state.due:
        state.due = due
        turn.timer(f"window/{metric.name}", due)
        turn.changed("metrics")


def _known(turn: Turn, scope: Scope) -> None:
    """An entity of this scope has become known, or has changed."""
    metrics = turn.partition.metrics
    at = turn.event.at
    if metrics.known is None or at < metrics.known:
        metrics.known = at
        turn.changed("metrics")
    for metric in scope.rostered:
        _await(turn, metric, _window_state(turn.partition, metric))
    if "entity" in scope.alpha.watched:
        matcher.review(turn, scope.alpha, turn.as_of_now(), scope.alpha.moved("", {"entity"}))
    _judge(turn, scope, {"entity"})


def _absences(program: ScopeProgram) -> dict[str, tuple[str, tuple[WindowMetric, ...]]]:
    """By the entities by which absences become known: the field that says whose one is, and the metrics that heed it."""
    found: dict[str, tuple[str, tuple[WindowMetric, ...]]] = {}
    for metric in program.windows:
        if metric.roster is not None and metric.roster.absence is not None:
            told = metric.roster.absence
            found[told.entity] = told.of, (*found.get(told.entity, ("", ()))[1], metric)
    return found


def _absent(turn: Turn, scope: Scope, entity: str, number: str) -> None:
    """An absence of the key has become known, has changed, or is another one's now."""
    metrics = turn.partition.metrics
    field, heeding = scope.absences[entity]
    found = turn.shared.get(entity, number, turn.now)
    held = metrics.absences.setdefault(entity, {})
    held.pop(number, None)
    if found is not None and found[field] == turn.partition.key:
        held[number] = absence.span(found)
    turn.changed("metrics")
    changes: set[str] = set()
    for metric in heeding:
        if absence.leave_out(metric, _window_state(turn.partition, metric), held.values()):
            changes.add(f"closed:{metric.name}")
    if not scope.alpha.watched.isdisjoint(changes):
        matcher.review(turn, scope.alpha, turn.as_of_now(), scope.alpha.moved("", changes))
    _judge(turn, scope, changes)


def _fire(turn: Turn, scope: Scope, name: str) -> None:
    """A deadline of this partition has come. The name says whose it is."""
    owner, _, rest = name.partition("/")
    changes: set[str] = set()
    env = turn.as_of_now()
    if owner == "workflow":
        chart_name, _, timer = rest.partition("/")
        found = scope.machine(chart_name, turn.partition.workflows.instances.get(chart_name))
        if found is not None:
            mark = len(turn.step.records)
            workflow.due(turn, *found, timer, env)
            _mark_pinned(turn, found[0], mark)
            changes.add(f"workflow:{chart_name}")
    elif owner == "window" and rest in scope.windows:
        _close(turn, scope.windows[rest], env, changes)
    elif owner == "alert" and rest in scope.alerts:
        state = turn.partition.decisions.alerts.get(rest)
        if state is not None and state.wake == turn.now:
            state.wake = None
            turn.changed("decisions")
            changes.add(f"alert:{rest}")
    elif owner == "entity":
        _, _, which = rest.partition("/")
        kind, _, number = which.partition("/")
        if which:
            _absent(turn, scope, kind, number)
        else:
            _known(turn, scope)
    elif owner == "rules":
        turn.partition.memory.wake = None
        turn.changed("memory")
        matcher.review(turn, scope.alpha, env, scope.alpha.standing)
    if not scope.alpha.watched.isdisjoint(changes):
        env.changed()
        matcher.review(turn, scope.alpha, env, scope.alpha.moved("", changes))
    _judge(turn, scope, changes)


def _close(turn: Turn, metric: WindowMetric, env: Env, changes: set[str]) -> None:
    partition = turn.partition
    state = _window_state(partition, metric)
    if state.due != turn.now:
        return
    listed = True
    if metric.roster is not None:
        env.bound[metric.roster.entity] = env.entity(metric.roster.entity)
        listed = env.entity(metric.roster.entity) is not None and turn.holds(
            metric.name, "roster", metric.roster.where, env
        )
    if windows.close(metric, state, turn.now, listed=listed, known=partition.metrics.known):
        changes.add(f"closed:{metric.name}")
        if metric.roster is not None and metric.roster.absence is not None:
            absence.leave_out(metric, state, partition.metrics.absences.get(metric.roster.absence.entity, {}).values())
    changes.add(f"now:{metric.name}")
    turn.changed("metrics")
    state.due = None
    _await(turn, metric, state)


def _retain(turn: Turn, event: Event, span: int) -> None:
    """Remember an event for patterns and heat maps; forget those that nothing can look back at any more."""
    kept = turn.partition.memory.recent.setdefault(event.type, [])
    turn.changed("memory")
    horizon = turn.now - span
    if kept and kept[0].at < horizon:
        kept[:] = [one for one in kept if one.at >= horizon]
    if event.at >= horizon:
        kept.append(Remembered.of(event))


def _judge(turn: Turn, scope: Scope, changes: set[str]) -> None:
    """Decide again every alert that reads something that has changed."""
    env: Env | None = None
    for alert in scope.program.alerts:
        if not alert.depends.isdisjoint(changes) or f"alert:{alert.name}" in changes:
            if env is None:
                env = turn.as_of_now()
            alerts.evaluate(turn, alert, env)


class _MetricViews(dict[str, Any]):
    """Views of metrics, made when they are asked for: an expression reads one or two of many."""

    def __init__(self, scope: Scope, partition: Partition, now: int) -> None:
        super().__init__()
        self._scope = scope
        self._metrics = partition.metrics
        self._now = now

    def __missing__(self, name: str) -> Any:
        window = self._scope.windows.get(name)
        if window is not None:
            view: Any = WindowView(window, self._metrics.windows.get(name) or WindowState(), self._now)
        elif name in self._scope.opens:
            view = OpenView(self._metrics.opens.get(name) or OpenState(), self._now)
        else:
            raise KeyError(name)
        self[name] = view
        return view


class _WorkflowViews(dict[str, Any]):
    """Views of workflow instances, made when they are asked for."""

    def __init__(self, scope: Scope, partition: Partition) -> None:
        super().__init__()
        self._scope = scope
        self._instances = partition.workflows.instances

    def __missing__(self, name: str) -> Any:
        held = self._instances.get(name)
        found = self._scope.machine(name, held)
        if found is None:
            raise KeyError(name)
        view = self[name] = workflow.WorkflowView(found[0], held)
        return view
