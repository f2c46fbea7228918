"""Replay: the log, folded into an empty store, gives the same state; a hash says so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.core.codec import pack
from engine.core.event import Event, Publication, Step
from engine.core.partition import SECTIONS, Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.runtime.firing import is_firing
from engine.runtime.lineage import Lineage
from engine.runtime.loading import restored
from engine.runtime.past import Past, given_up
from engine.runtime.timeline import Timer
from engine.store.batch import Delivery
from engine.store.protocol import Store

SAID = 1000
"""Events after which it is said how far a replay has come."""


@dataclass(slots=True)
class Unrolled:
    """What a log has come to: its partitions, their deadlines (None: not set any more), and what they published; `last` is its end."""

    entities: Past
    skipped: frozenset[Delivery]
    partitions: dict[tuple[str, str], Partition] = field(default_factory=dict)
    timers: dict[Timer, int | None] = field(default_factory=dict)
    published: dict[tuple[str, str, str], Publication] = field(default_factory=dict)
    last: Event | None = None

    def take(self, stepper: Stepper, event: Event) -> None:
        """Step the next event in all of its partitions."""
        self.last = event
        self.entities.reach(event.seq)
        for scope, key in event.keys:
            if self.concerned(stepper, event, scope, key):
                self.deliver(stepper, event, scope, key)

    def concerned(self, stepper: Stepper, event: Event, scope: str, key: str) -> bool:
        """Whether a delivery was stepped when the log was lived."""
        return stepper.concerns(scope, event.type) and (event.seq, scope, key) not in self.skipped

    def deliver(self, stepper: Stepper, event: Event, scope: str, key: str) -> Step | None:
        """Step one delivery; None: it is a firing that no longer stood."""
        if is_firing(event) and not self._stands(event, (scope, key, str(event.data["name"]))):
            return None
        partition = self.partitions.get((scope, key))
        if partition is None:
            partition = self.partitions[scope, key] = Partition(scope, key)
        step = stepper.step(partition, self.entities, event)
        partition.seq = event.seq
        self.timers |= {(scope, key, name): due for name, due in step.timers.items()}
        for one in step.published:
            self.published[one.entity, one.key, one.name] = one
            self.entities.teach(one.entity, one.key, one.name, one.value)
        return step

    def _stands(self, event: Event, timer: Timer) -> bool:
        """Whether a deadline that has fired is still set: one that was set since is another."""
        if self.timers.get(timer) != event.at:
            return False
        self.timers[timer] = None
        return True


def unrolled(
    program: Program, store: Store, until: int | None = None, progress: Callable[[int], None] = lambda _: None
) -> Unrolled:
    """The log, up to a sequence, delivery by delivery in its order; what was emitted is in the log already.

    Where `program` is the active one, each delivery is stepped by the revision that was active at it; another one steps them all.
    Deliveries that live gave up are left out, as live went on without them, and so are firings of deadlines that were moved or
    cancelled before their partition came to them. `progress` is told the sequence that is reached, now and then.
    """
    lineage, found = Lineage(store, program), Unrolled(Past(store.entities()), given_up(store))
    for event in store.events():
        if until is not None and event.seq > until:
            break
        found.take(lineage.stepper(event.seq), event)
        if event.seq % SAID == 0:
            progress(event.seq)
    return found


def replayed(program: Program, store: Store) -> dict[tuple[str, str], Partition]:
    """Every partition as the log makes it."""
    return unrolled(program, store).partitions


def live(store: Store, keys: list[tuple[str, str]]) -> dict[tuple[str, str], Partition]:
    """The partitions as they are committed."""
    found = store.partitions(keys)
    return {where: restored(where, held) for where, held in found.items()}


def state_hash(partitions: dict[tuple[str, str], Partition]) -> str:
    """Sixty-four hexadecimal digits over the state of all partitions; equal state gives an equal hash, in whatever order it is kept."""
    return packed_hash(packed(partitions))


def packed(partitions: dict[tuple[str, str], Partition]) -> dict[tuple[str, str], bytes]:
    """The state of each partition in one spelling."""
    saved = {where: partition.save(SECTIONS) for where, partition in partitions.items()}
    return {where: pack([*where, *[sections[name] for name in SECTIONS]]) for where, sections in saved.items()}


def packed_hash(states: dict[tuple[str, str], bytes]) -> str:
    """The hash of the state of all partitions, each packed."""
    whole = hashlib.blake2b(digest_size=32)
    for where in sorted(states):
        whole.update(states[where])
    return whole.hexdigest()
