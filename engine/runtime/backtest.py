"""A backtest: a pack decides the outside inputs of a history once more, in virtual time. Nothing is sent, and nothing is kept.

It can be shared out: what rules emit is made anew, so that scopes are decided after those that emit to them, stage by stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from operator import itemgetter

from engine.core.event import Record
from engine.core.program import Program
from engine.pack import assemble
from engine.runtime.admission import Door
from engine.runtime.engine import Engine
from engine.runtime.examination import Source
from engine.runtime.head import Head
from engine.runtime.history import History, Input
from engine.runtime.itinerary import Itinerary, itinerary
from engine.runtime.order import DOOR, Decided
from engine.runtime.portion import Made, Portion
from engine.runtime.shadow import Comparison
from engine.runtime.stages import Stage, stages
from engine.store import open_store

BATCH = 500
"""Inputs to a transaction."""


def decided(source: Source, history: History, progress: Callable[[int], None] = lambda _: None) -> list[Record]:
    """What a pack decides of a history, one input after the other. `progress` is told how many of them are done.

    Raises `BrokenPackError` where the pack does not compile.
    """
    found: list[Record] = []
    with Engine(assemble(source.files, source.params), open_store("memory:")) as engine:
        door, done = Door(engine.program), 0
        coming = history.inputs()
        while inputs := list(islice(coming, BATCH)):

            def work(head: Head, inputs: list[Input] = inputs) -> None:
                for one in inputs:
                    one(head, door)

            found += engine.inject(work)
            done += len(inputs)
            progress(done)
    return found


Run = Callable[[Sequence[Portion]], Iterable[Made]]
"""Lets several portions play, all at once or one after the other; answers in whatever order."""


def shared_out(source: Source, history: History, parts: int, run: Run) -> list[Record]:
    """What `decided` gives, the very same records in the same order, made in parts: stage by stage, each cut into `parts` portions.

    Where a step crashes there is no sharing out: everything is decided in one.
    """
    program = assemble(source.files, source.params)
    found = itinerary(program, history)
    whole = Made(decisions=found.refused)
    for stage in stages(program):
        for made in _staged(program, stage, parts, found, whole, run):
            if made.crashed:
                return decided(source, history)
            whole.decisions += made.decisions
            whole.emitted += made.emitted
            whole.taught += made.taught
        whole.emitted.sort(key=itemgetter(0, 1, 2))
        whole.taught.sort(key=itemgetter(0))
    return list(_in_order(whole.decisions))


def _staged(program: Program, stage: Stage, parts: int, found: Itinerary, earlier: Made, run: Run) -> list[Made]:
    """A stage in portions; scopes of which a key emits to another one are put together, and it is tried again."""
    played = list(run(_portions(program, stage, parts, found, earlier)))
    crossed = frozenset(name for made in played for name in made.crossed)
    return _staged(program, stage.joined(crossed), parts, found, earlier, run) if crossed else played


def _portions(program: Program, stage: Stage, parts: int, found: Itinerary, earlier: Made) -> list[Portion]:
    """The portions of a stage, each with what it is told of the history and of earlier stages."""
    bare = [
        Portion(number, parts, stage.cut, frozenset().union(*stage.whole[number::parts])) for number in range(parts)
    ]
    return [
        replace(
            one,
            stops=found.of(one.holds),
            coming=[sent for sent in earlier.emitted if any(one.holds(*where) for where in sent[3].keys)],
            taught=earlier.taught if any(program.scopes[name].popups for name in one.cut | one.whole) else (),
        )
        for one in bare
        if one.cut or one.whole
    ]


def _in_order(decisions: list[Decided]) -> Iterator[Record]:
    """All records in the order of places. An event is rejected once, by the first of its partitions that does."""
    rejected: tuple[object, ...] | None = None
    for place, records in sorted(decisions, key=itemgetter(0)):
        event = place[:4]
        for record in records:
            if record.kind == "reject" and place[2] != DOOR:
                if rejected == event:
                    continue
                rejected = event
            yield record


def since(records: Iterable[Record], at: int | None) -> Iterator[Record]:
    """The records from an instant on; all of them where there is none."""
    return (one for one in records if at is None or (one.at is not None and one.at >= at))


def compared(revision: str, events: int, lived: Iterable[Record], records: Iterable[Record]) -> Comparison:
    """What was decided now, as a difference from what was `lived`."""
    found = Comparison(revision, events)
    found.compare(lived, {record.id: record for record in records})
    return found
