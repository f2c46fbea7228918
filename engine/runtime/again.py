"""An event of a log happens once more: time passes as it did, and what came from outside comes in."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.core.calendar import to_instant
from engine.core.event import Event
from engine.runtime.admission import Arrival, Door, Refusal
from engine.runtime.head import SOURCE, Head
from engine.store.batch import StoredEntity


def again(head: Head, door: Door, event: Event, put: StoredEntity | None) -> None:
    """Let one event of a log happen to another head; `put` is the version of an entity that it made known.

    What rules emitted, and the deadlines that fired, are left to the head: only how far time had gone then is taken from the log.
    """
    if put is not None:
        head.put(put.entity, put.key, put.at, put.data)
    elif event.source != SOURCE:
        arrival = _read(door, event)
        if isinstance(arrival, Refusal):
            head.refuse(arrival)
        else:
            head.take(arrival)
    elif event.type.startswith("action."):
        head.tell(msgspec.structs.replace(event, seq=0))
    elif event.type == "timer.fired":
        head.advance(event.now)
    elif event.type == "entity.put" and head.now is None:
        head.start(event.now)  # keys are told that they are known when time begins, and only then is that in a log


def _read(door: Door, event: Event) -> Arrival | Refusal:
    """The event as the new pack reads it; what was decided of it at the door (who acts, what was seen before) stays."""
    told: dict[str, Any] = {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": to_instant(event.at),
        "data": event.data,
    }
    if event.subject is not None:
        told["subject"] = event.subject
    if event.received_us is not None:
        told["receivedtime"] = to_instant(event.received_us)
    arrival = door.read(msgspec.json.encode(told))
    if isinstance(arrival, Arrival):
        arrival.event.roles, arrival.event.refusal = event.roles, event.refusal
    return arrival
