"""Folding one partition: its deliveries stepped again in log order, each seeing what it saw when it was live."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.core.event import Event
from engine.core.partition import Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.core.trace import Tracer
from engine.runtime.firing import is_firing
from engine.runtime.lineage import Lineage
from engine.runtime.past import Past, given_up
from engine.store.protocol import Store


@dataclass(slots=True)
class Folded:
    """A partition as it stood. `entities` are those known by then, `last` the event that it saw last, `deadlines` what was pending.

    `stepper` is whoever would have stepped it next.
    """

    partition: Partition
    entities: Past
    stepper: Stepper
    last: Event | None = None
    deadlines: dict[str, int] = field(default_factory=dict)


def fold(
    program: Program,
    store: Store,
    scope: str,
    key: str,
    *,
    seq: int | None = None,
    until: int | None = None,
    tracer: Tracer | None = None,
) -> Folded:
    """The partition after the event at `seq`, or as of the instant `until`, or now. `tracer` takes notes of the step at `seq`.

    Published values are those of now: their history is in the records that were decided with them.
    """
    lineage, skipped = Lineage(store, program), given_up(store)
    folded = Folded(Partition(scope, key), Past(store.entities()), lineage.stepper(seq or 1))
    for value in store.published():
        folded.entities.teach(value.entity, value.key, value.name, value.value)
    for event in store.events(scope=scope, key=key):
        if (seq is not None and event.seq > seq) or (until is not None and event.now > until):
            break
        folded.entities.reach(event.seq)
        folded.last = event
        if is_firing(event) and folded.deadlines.pop(str(event.data["name"]), None) != event.at:
            continue
        stepper = lineage.stepper(event.seq)
        if (event.seq, scope, key) not in skipped and stepper.concerns(scope, event.type):
            _step(folded, stepper, event, tracer if event.seq == seq else None)
    if seq is None:
        reached = _reached(store, folded.last, until)
        folded.entities.reach(reached)
        folded.stepper = lineage.stepper(reached + 1)
    return folded


def _step(folded: Folded, stepper: Stepper, event: Event, tracer: Tracer | None) -> None:
    for name, due in stepper.step(folded.partition, folded.entities, event, tracer).timers.items():
        if due is None:
            folded.deadlines.pop(name, None)
        else:
            folded.deadlines[name] = due


def _reached(store: Store, last: Event | None, until: int | None) -> int:
    """How far the log had come by the instant; from a delivery on time never goes back, so that it can be searched by halves."""
    high = store.sequence()
    if until is None or last is None:
        return high
    low = last.seq
    while low < high:
        middle = (low + high + 1) // 2
        event = store.event(middle)
        if event is not None and event.now <= until:
            low = middle
        else:
            high = middle - 1
    return low
