"""Results of finished actions come back in, as events of the engine's own that rules and workflows can wait for."""

from __future__ import annotations

import msgspec

from engine.actions.receipts import receipt
from engine.runtime.admission import Arrival, Door
from engine.runtime.head import Head

_encode = msgspec.json.Encoder().encode


def receive(head: Head, door: Door) -> None:
    """Append an event for each action that has ended and of which the log does not know."""
    for row in head.store.unreceipted():
        stamp = head.program.calendar.stamp(head.now or 0)
        arrival = door.read(_encode({**receipt(row), "time": stamp}), trusted=True)
        head.batch.receipted.append(row.action.id)
        if isinstance(arrival, Arrival):
            arrival.event.keys = ((row.action.scope, row.action.key),)
            head.take(arrival)
        else:
            head.refuse(arrival, None)
