"""One delivery to one partition, while it is being stepped: what is read, and what has been decided so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.cel import CelError
from engine.core.codec import identity_of
from engine.core.env import Env, Shared, Views
from engine.core.event import Action, Emission, Event, Publication, Record, Step
from engine.core.partition import Partition
from engine.core.program import Do, Emit, Expression, Heatmap, Program, Values
from engine.core.text import render
from engine.core.trace import Tracer, failing
from engine.errors import Place

Mark = tuple[int, int, int]
"""How many records, emissions and actions a step had at a moment, to go back to when something fails in the middle."""


class Turn:
    """Collects the outcome of a step. `now` is virtual time in microseconds.

    `seen` is what expressions over the event see.
    """

    __slots__ = (
        "_ordinals",
        "_views",
        "event",
        "now",
        "partition",
        "program",
        "seen",
        "shared",
        "step",
        "tracer",
    )

    def __init__(
        self,
        program: Program,
        partition: Partition,
        shared: Shared,
        event: Event,
        tracer: Tracer | None,
        views: Views,
        seen: Env,
    ) -> None:
        self.program = program
        self.partition = partition
        self.shared = shared
        self.event = event
        self.now = event.now
        self.tracer = tracer
        self._views = views
        self.seen = seen
        self.step = Step()
        self._ordinals: dict[str, int] = {}

    def as_of_now(self) -> Env:
        """What expressions see that decide about the key as it is now: for an event in time that is what the event sees."""
        if not self.event.late:
            self.seen.changed()
            return self.seen
        own = self.partition
        return Env(self.shared, own, self.event, ((own.scope, own.key),), self.now, self.now, self._views)

    def as_of(self, event: Event) -> Env:
        """What expressions over an earlier event see: that event, entities as of its time, the partition as it is now."""
        return Env(self.shared, self.partition, event, event.keys, self.now, event.at, self._views)

    def changed(self, section: str) -> None:
        """Mark a section of the partition as changed, so that it is saved."""
        self.partition.changed.add(section)

    def mark(self) -> Mark:
        """Where the outcome stands now."""
        step = self.step
        return len(step.records), len(step.emitted), len(step.actions)

    def back_to(self, mark: Mark) -> None:
        """Forget what was decided since `mark`."""
        records, emitted, actions = mark
        del self.step.records[records:]
        del self.step.emitted[emitted:]
        del self.step.actions[actions:]

    def record(self, kind: str, name: str | None, fields: dict[str, Any]) -> Record:
        """Add an outcome record and return it. Its id follows from what it says, never from when it was computed."""
        own, event, what = self.partition, self.event, f"{kind}\x1f{name}"
        ordinal = self._ordinals.get(what, 0)
        self._ordinals[what] = ordinal + 1
        says = f"{own.scope}\x1f{own.key}\x1f{what}\x1f{event.source}\x1f{event.id}\x1f{ordinal}"
        record = Record(kind, identity_of(says), self.now, event.id, own.scope, own.key, name, fields)
        self.step.records.append(record)
        return record

    def error(
        self,
        name: str,
        failure: CelError,
        expression: Expression | None,
        env: Env,
        place: Place | None = None,
    ) -> None:
        """Record that a condition or a value could not be computed, with the part that failed and what it read."""
        where = expression.place if expression is not None else place
        reason, read = failure.message, dict[str, Any]()
        if expression is not None:
            text, read = failing(expression, env)
            reason = f"{failure.message} in `{text}`"
        fields = {
            "code": failure.code,
            "reason": reason,
            "place": str(where) if where else None,
            "values": read,
        }
        self.record("error", name, fields)

    def holds(self, owner: str, role: str, expression: Expression | None, env: Env) -> bool:
        """Whether a condition holds. One that fails to evaluate is an error outcome, and does not hold."""
        if expression is None:
            return True
        if self.tracer is not None:
            self.tracer.asked(owner, role, expression, env)
        try:
            return bool(expression.run(env))
        except CelError as failure:
            self.error(owner, failure, expression, env)
            return False

    def emit(self, name: str, effect: Emit, env: Env) -> None:
        """Announce an event to append after this one. Raises `CelError` when a value cannot be computed."""
        if effect.when is not None and not effect.when.run(env):
            return
        data = together(effect.data, env)
        record = self.record("emit", name, {"type": effect.type, "data": data})
        at = self.now if self.event.type == "timer.fired" else self.event.at
        self.step.emitted.append(Emission(record.id, effect.type, data, at, name))

    def act(self, name: str, effect: Do, env: Env, *, dedupe: str | None = None) -> None:
        """Queue an action. Raises `CelError` when a value cannot be computed."""
        if effect.when is not None and not effect.when.run(env):
            return
        to = effect.to.run(env) if effect.to is not None else None
        said = render(effect.content, env, self.program.language)
        self.queue(name, effect.do, to, effect.to_entity, said, self.attachment(effect.attach), dedupe)

    def queue(
        self,
        name: str,
        do: str,
        to: str | None,
        to_entity: str | None,
        said: Any,
        attach: dict[str, Any] | None,
        dedupe: str | None,
        corrects: str | None = None,
    ) -> None:
        """Queue an action whose values are known. `corrects` is the dedupe key of the message that it takes back."""
        correction = corrects is not None
        record = self.record(
            "action",
            name,
            {
                "do": do,
                "to": to,
                "with": said,
                "attach": attach,
                "dedupe_key": dedupe,
                "correction": correction,
            },
        )
        key = dedupe if dedupe is not None else f"{name}/{self.partition.key}/{record.id}"
        record.fields["dedupe_key"] = key
        own = self.partition
        self.step.actions.append(
            Action(
                id=record.id, do=do, to=to, to_entity=to_entity, scope=own.scope, key=own.key, name=name,
                content=said, attach=attach, dedupe_key=key, correction=correction, corrects=corrects, at=self.now,
            )
        )  # fmt: skip

    def attachment(self, heatmap: Heatmap | None) -> dict[str, Any] | None:
        """The points of a heat map, as of now; None where there is none."""
        if heatmap is None:
            return None
        start = self.now - heatmap.last
        stamp = self.program.calendar.stamp
        seen = self.partition.memory.recent.get(heatmap.of, [])
        points = [
            {"lat": one.data["lat"], "lon": one.data["lon"], "time": stamp(one.at)}
            for one in sorted(seen, key=lambda one: (one.at, one.id))
            if start <= one.at <= self.now and "lat" in one.data and "lon" in one.data
        ]
        return {"heatmap": heatmap.of, "from": stamp(start), "to": stamp(self.now), "points": points}

    def timer(self, name: str, due: int | None) -> None:
        """Set a deadline of the partition, move it, or cancel it with None."""
        self.step.timers[name] = due

    def publish(self, entity: str, key: str, name: str, value: Any) -> None:
        """Make a value readable to other scopes."""
        self.step.published.append(Publication(entity, key, name, value))


def together(wanted: Values, env: Env) -> dict[str, Any]:
    """The values of expressions that are computed together; absent ones are left out. Raises `CelError` of the first that fails."""
    try:
        computed = wanted.run(env)
    except Exception:
        return values(wanted.pairs, env)
    if None in computed.values():
        return {name: value for name, value in computed.items() if value is not None}
    return computed


def values(pairs: tuple[tuple[str, Expression], ...], env: Env) -> dict[str, Any]:
    """The values of named expressions; absent ones are left out."""
    computed = ((name, expression.run(env)) for name, expression in pairs)
    return {name: value for name, value in computed if value is not None}


EMPTY: Mapping[str, Any] = {}
