"""What must be true afterwards, whoever was killed."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from conformance.crash.reference import Reference, spelled
from engine.core.event import Event
from engine.core.partition import Partition
from engine.core.program import Program
from engine.runtime.replay import live, replayed, state_hash
from engine.store import DatabaseStore

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Account:
    """What was seen from outside: ids of events that were seen accepted and of all that were sent, those of events that kill whoever steps
    them, what the receiver was told as (task, round), and how many attempts may be unknown.
    """

    accepted: Sequence[str]
    sent: Collection[str]
    poisoned: Collection[str]
    delivered: Sequence[tuple[str, int]]
    unknown: int


def failures(program: Program, store: DatabaseStore, account: Account) -> Iterator[str]:
    """Everything that is not as it has to be, in words."""
    log = list(store.events())
    reference = Reference()
    reference.read(log, account.poisoned)
    yield from _logged(log, account)
    yield from _waiting(store)
    yield from _poison(store, log, account.poisoned)
    yield from _stepped(program, store, reference)
    yield from _timers(log, reference)
    yield from _told(store, log, reference, account)


def _logged(log: Sequence[Event], account: Account) -> Iterator[str]:
    """Accepted is logged, once."""
    if [event.seq for event in log] != list(range(1, len(log) + 1)):
        yield "the log has gaps"
    ids = Counter(event.id for event in log if event.source == "client")
    if lost := [one for one in account.accepted if not ids[one]]:
        yield f"{len(lost)} of {len(account.accepted):,} accepted events are not in the log: {lost[:_SHOWN]}"
    if doubled := [one for one, count in ids.items() if count > 1]:
        yield f"{len(doubled)} events are in the log more than once: {doubled[:_SHOWN]}"
    if strange := ids.keys() - set(account.sent):
        yield f"{len(strange)} events are in the log that nobody sent"
    if any(later.now < earlier.now for earlier, later in pairwise(log)):
        yield "time went back in the log"


def _waiting(store: DatabaseStore) -> Iterator[str]:
    """Nothing is stuck."""
    if waiting := sum(store.backlog().values()):
        yield f"{waiting} deliveries are stuck"
    if pending := list(store.timers()):
        yield f"{len(pending)} deadlines are stuck: {pending[:_SHOWN]}"
    if undone := [row for row in store.actions() if row.status not in ("sent", "unknown")]:
        yield f"{len(undone)} actions are stuck: {Counter(row.status for row in undone)}, {undone[0].code} {undone[0].reason}"
    if unreceipted := store.unreceipted():
        yield f"the log does not know how {len(unreceipted)} actions ended"


def _poison(store: DatabaseStore, log: Sequence[Event], poisoned: Collection[str]) -> Iterator[str]:
    """What kills its worker is given up, and nothing else is; its partition goes on."""
    given_up = {(one.event, one.delivery[1]) for one in store.parked() if one.given_up}
    if given_up != {(one, "task") for one in poisoned}:
        yield f"given up are {sorted(given_up)[:_SHOWN]}, and should be {sorted(poisoned)}"
    if suspected := [one for one in store.parked() if not one.given_up]:
        yield f"{len(suspected)} deliveries are still suspected of having killed a worker: {suspected[:_SHOWN]}"
    rejects = Counter(record.event for _, record in store.decisions(kind="reject"))
    if rejects != Counter(poisoned):
        yield f"rejected are {dict(rejects)}, and should be {sorted(poisoned)}"
    for event in (one for one in log if one.id in poisoned):
        held = store.partitions([event.keys[0]]).get(event.keys[0])
        if held is None or held.seq <= event.seq:
            yield f"{event.keys[0]} did not go on after {event.id}"


def _stepped(program: Program, store: DatabaseStore, reference: Reference) -> Iterator[str]:
    """The state is what the log makes, one event after the other: as the reference reads it, and as the engine replays it."""
    keys = [("task", name) for name in reference.tasks] + [("desk", name) for name in reference.desks]
    found = live(store, keys)
    wanted, there = reference.document(), observed(found)
    if wanted != there:
        lines = difflib.unified_diff(
            wanted.decode().splitlines(), there.decode().splitlines(), "reference", "store", "", "", 1
        )
        differences = [line for line in lines if line[0] in "+-"]
        yield f"{len(differences)} lines of the state differ: {differences[:_SHOWN]}"
    whole = replayed(program, store)
    if state_hash(live(store, list(whole))) != state_hash(whole):
        yield "the state is not what a replay of the log makes"


def observed(partitions: dict[tuple[str, str], Partition]) -> bytes:
    """The document of a state, as the store has it."""
    tasks: dict[str, dict[str, object]] = {}
    desks: dict[str, dict[str, object]] = {}
    for (scope, name), partition in partitions.items():
        instance = partition.workflows.instances[scope]
        if scope == "task":
            due = next(iter(instance.timers.values()), None)
            tasks[name] = {"state": "+".join(instance.active), "desk": None, **instance.context, "due": due}
        else:
            desks[name] = dict(instance.context)
    return spelled(tasks, desks)


def _timers(log: Sequence[Event], reference: Reference) -> Iterator[str]:
    """Every deadline that was not cancelled fired once."""
    if unfired := [name for name, task in reference.tasks.items() if task.due is not None]:
        yield f"{len(unfired)} deadlines never fired: {unfired[:_SHOWN]}"
    fired = Counter((event.keys[0][1], event.at) for event in log if event.type == "timer.fired")
    if extra := fired - reference.due:
        yield f"{extra.total()} firings of deadlines that were not set, or had fired: {list(extra)[:_SHOWN]}"
    late = Counter(
        (event.data["task"], event.data["desk"], event.data["round"]) for event in log if event.type == "task.late"
    )
    if late != reference.emitted:
        missing, extra_late = reference.emitted - late, late - reference.emitted
        yield f"{missing.total()} events were not emitted, {extra_late.total()} too often: {list(missing or extra_late)[:_SHOWN]}"


def _told(store: DatabaseStore, log: Sequence[Event], reference: Reference, account: Account) -> Iterator[str]:
    """Every message was delivered once, as its receiver counts, but for those of which nobody knows."""
    rows = store.actions()
    queued = Counter((row.action.content["task"], row.action.content["round"]) for row in rows)
    if queued != Counter(reference.messages):
        yield f"{len(rows):,} actions are queued, and should be {len(reference.messages):,}"
    unknown = {(row.action.content["task"], row.action.content["round"]) for row in rows if row.status == "unknown"}
    if len(unknown) > account.unknown:
        yield f"{len(unknown)} attempts are unknown, and at most {account.unknown} may be"
    told = Counter(account.delivered)
    if repeated := [one for one, count in told.items() if count > 1]:
        yield f"{len(repeated)} messages were delivered more than once: {repeated[:_SHOWN]}"
    if untold := [one for one in reference.messages if one not in told and one not in unknown]:
        yield f"{len(untold)} messages were not delivered, and are not marked unknown: {untold[:_SHOWN]}"
    if strange := told.keys() - set(reference.messages):
        yield f"{len(strange)} messages were delivered that should not be: {sorted(strange)[:_SHOWN]}"
    receipts = Counter(event.data["action"] for event in log if event.type in ("action.succeeded", "action.failed"))
    if receipts != Counter(row.action.id for row in rows):
        yield f"{receipts.total()} results of {len(rows)} actions are in the log"
