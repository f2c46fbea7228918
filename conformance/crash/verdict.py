"""What must be true afterwards, whoever was killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from conformance.crash.pack import expected
from engine.core.program import Program
from engine.runtime.replay import live, replayed, state_hash
from engine.store import DatabaseStore


def failures(
    program: Program, store: DatabaseStore, accepted: Sequence[str], delivered: Sequence[str], most: int
) -> Iterator[str]:
    """Everything that is not as it has to be, in words; `most` attempts may be unknown."""
    log = list(store.events())
    if [event.seq for event in log] != list(range(1, len(log) + 1)):
        yield "the log has gaps"
    ids = Counter(event.id for event in log if event.source == "client")
    lost, doubled = [one for one in accepted if not ids[one]], [one for one, count in ids.items() if count > 1]
    if lost or doubled:
        yield f"of {len(accepted):,} accepted events {len(lost)} are not in the log, and {len(doubled)} are there more than once"
    if waiting := sum(store.backlog().values()):
        yield f"{waiting} deliveries are stuck"
    if given_up := list(store.parked()):
        yield f"{len(given_up)} deliveries are set aside: {given_up[:3]}"
    whole = replayed(program, store)
    if state_hash(live(store, list(whole))) != state_hash(whole):
        yield "the state is not what the log makes, one event after the other"
    yield from _said(store, delivered, most)


def _said(store: DatabaseStore, delivered: Sequence[str], most: int) -> Iterator[str]:
    """What the plain reading of the log wants, beside what is there."""
    want = expected(store.events())
    keys = [("task", task) for task in want.states]
    states = {key: "+".join(one.workflows.instances["task"].active) for (_, key), one in live(store, keys).items()}
    wrong = [task for task, state in want.states.items() if states.get(task) != state]
    if wrong:
        yield f"{len(wrong)} tasks are in a state that they should not be in: {wrong[:3]}"
    late = {task for tasks in want.late.values() for task in tasks}
    went = Counter(record.key for _, record in store.decisions(kind="transition") if record.fields["to"] == "late")
    if set(went) != late or max(went.values(), default=1) > 1:
        yield f"{len(late)} tasks were late, {len(went)} went there, {sum(went.values())} times"
    unknown = [row for row in store.actions() if row.status == "unknown"]
    told = Counter(delivered)
    pending = [row for row in store.actions() if row.status in ("pending", "claimed", "dead")]
    if pending:
        yield f"{len(pending)} actions are not done: {pending[0].status} {pending[0].reason}"
    if len(unknown) > most:
        yield f"{len(unknown)} attempts are unknown, {most} at most can be"
    untold = late - set(told) - {row.action.content["task"] for row in unknown}
    repeated = [task for task, count in told.items() if count > 1]
    if untold or repeated:
        yield f"of {len(late)} late tasks {len(untold)} were not told, and {len(repeated)} were told more than once"
