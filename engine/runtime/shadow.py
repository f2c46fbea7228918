"""A shadow: another pack decides, on a fork of the log, what the live ones have decided since. Nothing is sent, and nothing is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any, Literal

import msgspec

from engine.core.event import Event, Record
from engine.core.program import Program
from engine.pack import assemble
from engine.runtime.admission import Door
from engine.runtime.again import again
from engine.runtime.engine import Engine
from engine.runtime.examination import Source
from engine.runtime.fork import forked
from engine.runtime.head import Head
from engine.store.protocol import Store

Kind = Literal["added", "missing", "changed"]

BATCH = 200
"""Events to a transaction of the fork."""

SHOWN = 20
"""Differences of each kind and name that are kept whole; the others are counted."""

_OF_THE_REVISION = ("pinned", "place", "values")
"""What a record says of the pack and not of what was decided."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that only the shadow makes (added), only the live pack made (missing), or that says something else (changed)."""

    kind: Kind
    live: Record | None
    shadow: Record | None

    @property
    def record(self) -> Record:
        """Whichever there is; that of the shadow where there are both."""
        found = self.shadow or self.live
        assert found is not None
        return found


@dataclass(slots=True)
class Comparison:
    """What two revisions made of the same events. Counts are by (kind of record, name of the part); `errors` are those of the shadow."""

    revision: str
    events: int = 0
    same: Counter[tuple[str, str]] = field(default_factory=Counter)
    differing: Counter[tuple[Kind, str, str]] = field(default_factory=Counter)
    shown: list[Difference] = field(default_factory=list)
    errors: int = 0

    def add(self, difference: Difference) -> None:
        """Count a difference; keep it whole while there are few of its sort."""
        record = difference.record
        sort = (difference.kind, record.kind, record.name or "")
        self.differing[sort] += 1
        if self.differing[sort] <= SHOWN:
            self.shown.append(difference)

    def compare(self, lived: Iterable[Record], decided: dict[str, Record]) -> None:
        """Compare what was decided live with what was decided now, by id; `decided` is used up."""
        for live in lived:
            shadow = decided.pop(live.id, None)
            if shadow is None:
                self.add(Difference("missing", live, None))
            elif _said(shadow) != _said(live):
                self.add(Difference("changed", live, shadow))
            else:
                self.same[live.kind, live.name or ""] += 1
        for record in decided.values():
            self.errors += record.kind == "error"
            self.add(Difference("added", None, record))


def shadowed(
    program: Program,
    store: Store,
    source: Source,
    since: int,
    until: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Let a pack decide the events of a log above the sequence `since`, up to `until`, and compare with what was decided live.

    `program` is the one that is active. What was refused at the door is not in the log, and not tried again. Raises what `Engine.activate`
    raises, but for failing tests.
    """
    end = store.sequence() if until is None else until
    then, fork = forked(program, store, since, progress)
    with Engine(then, fork) as engine:
        engine.inject(lambda head: head.remind())
        if assemble(source.files, source.params).revision != then.revision:
            engine.activate(source, by="shadow", test=False)
        comparison = Comparison(engine.program.revision)
        decided = {record.id: record for record in _decided(engine, store, since, end, comparison, progress)}
    comparison.compare((live for seq, live in store.decisions(after=since) if seq <= end), decided)
    return comparison


def _decided(
    engine: Engine, store: Store, since: int, end: int, comparison: Comparison, progress: Callable[[int], None]
) -> Iterator[Record]:
    puts = {stored.seq: stored for stored in store.entities(since)}
    door, coming = Door(engine.program), takewhile(lambda event: event.seq <= end, store.events(since))
    while events := list(islice(coming, BATCH)):
        comparison.events += len(events)

        def work(head: Head, events: list[Event] = events) -> None:
            for event in events:
                again(head, door, event, puts.get(event.seq))

        yield from engine.inject(work)
        progress(events[-1].seq)
    clock = store.clock()
    if clock is not None and end >= store.sequence():
        yield from engine.inject(lambda head: head.advance(clock))


def _said(record: Record) -> Any:
    fields = {name: value for name, value in record.fields.items() if name not in _OF_THE_REVISION}
    return msgspec.to_builtins(fields, enc_hook=str, str_keys=True)
