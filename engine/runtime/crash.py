"""Steps that raise what no step may raise: a defect of the engine must cost one delivery, not a partition and not a store.

A durable log is set back to its last commit, the crash is counted there, and the work is done again; after `CRASHES` of them
the delivery is given up. In memory there is nothing to go back to: the partition is folded anew from what it had seen, and
the delivery is given up at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.event import Event
from engine.core.partition import Partition
from engine.runtime.lineage import Lineage
from engine.runtime.past import Past
from engine.store.batch import Delivery, Logged
from engine.store.protocol import Store

CRASHES = 3
"""After so many crashes a delivery is given up, and its partition goes on."""


class StepCrashedError(Exception):
    """A step raised what no step may raise. Carries the delivery and the id of its event, so that it can be set aside."""

    def __init__(self, event: Event, scope: str, key: str, failure: Exception) -> None:
        super().__init__(f"step of {scope}/{key} at {event.seq}: {failure!r}")
        self.delivery: Delivery = (event.seq, scope, key)
        self.event = event.id


def condemned(store: Store) -> dict[Delivery, str]:
    """The deliveries that are to be given up when their turn comes again, with the ids of their events."""
    return {one.delivery: one.event for one in store.parked() if one.claims >= CRASHES and not one.given_up}


def refolded(
    lineage: Lineage, past: Past, events: Iterable[Event], where: tuple[str, str], skipped: frozenset[Delivery]
) -> Partition:
    """The partition as `events`, in log order, make it; those in `skipped` it has never seen."""
    scope, key = where
    partition = Partition(scope, key)
    for event in events:
        past.reach(event.seq)
        stepper = lineage.stepper(event.seq)
        if (event.seq, scope, key) not in skipped and stepper.concerns(scope, event.type):
            stepper.step(partition, past, event)
            partition.seq = event.seq
    return partition


def reaching(logged: Iterable[Logged], where: tuple[str, str], before: int) -> Iterable[Event]:
    """The events of a batch that reach a partition, up to a sequence."""
    return (one.event for one in logged if where in one.event.keys and one.event.seq < before)
