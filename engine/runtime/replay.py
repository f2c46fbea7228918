"""Replay: the log, folded into an empty store, gives the same state; a hash says so."""

from __future__ import annotations

import hashlib

from engine.core.codec import pack
from engine.core.partition import SECTIONS, Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.runtime.firing import is_firing
from engine.runtime.past import Past, given_up
from engine.store.protocol import Store


def replayed(program: Program, store: Store) -> dict[tuple[str, str], Partition]:
    """Every partition as the log makes it, delivery by delivery in log order; what was emitted is in the log already.

    Deliveries that live gave up are left out, as live went on without them, and so are firings of deadlines that were moved or
    cancelled before their partition came to them.
    """
    stepper, entities, skipped = Stepper(program), Past(store.entities()), given_up(store)
    partitions: dict[tuple[str, str], Partition] = {}
    timers: dict[tuple[str, str, str], int | None] = {}
    for event in store.events():
        entities.reach(event.seq)
        for scope, key in event.keys:
            if not stepper.concerns(scope, event.type) or (event.seq, scope, key) in skipped:
                continue
            if is_firing(event):
                timer = (scope, key, str(event.data["name"]))
                if timers.get(timer) != event.at:
                    continue
                timers[timer] = None
            partition = partitions.get((scope, key))
            if partition is None:
                partition = partitions[scope, key] = Partition(scope, key)
            step = stepper.step(partition, entities, event)
            timers |= {(scope, key, name): due for name, due in step.timers.items()}
            for one in step.published:
                entities.teach(one.entity, one.key, one.name, one.value)
    return partitions


def live(store: Store, keys: list[tuple[str, str]]) -> dict[tuple[str, str], Partition]:
    """The partitions as they are committed."""
    found = store.partitions(keys)
    return {
        (scope, key): Partition.load(scope, key, held.version, held.seq, held.sections)
        for (scope, key), held in found.items()
    }


def state_hash(partitions: dict[tuple[str, str], Partition]) -> str:
    """Sixty-four hexadecimal digits over the state of all partitions; equal state gives an equal hash, in whatever order it is kept."""
    whole = hashlib.blake2b(digest_size=32)
    for scope, key in sorted(partitions):
        saved = partitions[scope, key].save(SECTIONS)
        whole.update(pack([scope, key, *[saved[name] for name in SECTIONS]]))
    return whole.hexdigest()
