"""Transitions a second, flat and nested, and bytes a configuration, beside `transitions` and `sismic` in the same run.

*By its table* is what the engine does to choose: the row of the state, the options of the event, the guard of each, its target. *The
step* is the whole public step over one partition, with the outcome record that the others have no counterpart of.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from statistics import median

from benchmarks import machines
from benchmarks.figure import Figure, Size, Timing, Work, timed
from engine import Event
from engine.core import flatchart
from engine.core.env import Env
from engine.core.partition import Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.pack import restore
from engine.runtime.entities import Entities

TOPIC = "charts"
FLAT_WANTED = 25.0
DEEP_WANTED = 3.0
BYTES_WANTED = 200.0
START_US = 1_772_409_600_000_000
KEY = ("quote", "q1")

FLAT_PATH = ("sent", "stalled", "replied", "revised", "sent", "replied", "accepted", "reopened")
DEEP_PATH = ("started", "paused", "resumed", "left", "started", "paused", "cancelled", "reopened")


def measure(size: Size) -> Iterator[Figure]:
    """Flat charts, nested ones, and what one configuration takes."""
    flat, deep = _program(_flat_chart(), FLAT_PATH), _program(DEEP_CHART, DEEP_PATH)
    names = list(islice(cycle(FLAT_PATH), size.events))
    peer = _peer("transitions", machines.flat_transitions, names, size)
    table, steps = _runs(_by_table(flat, names), size), _stepped(flat, names, size)
    yield from _figures("flat, ours by its table", table, size)
    yield from _figures("flat, ours by the step", steps, size)
    yield from _figures("flat, transitions", peer, size)
    yield from _ratio("flat, by its table: times transitions", peer, table, FLAT_WANTED)
    yield from _ratio("flat, by the step: times transitions", peer, steps)
    names = list(islice(cycle(DEEP_PATH), size.events))
    ours = _stepped(deep, names, size)
    yield from _figures("nested, ours by the step", ours, size)
    for name, make in (("transitions", machines.deep_transitions), ("sismic", machines.deep_sismic)):
        peer = _peer(name, make, names, size)
        yield from _figures(f"nested, {name}", peer, size)
        yield from _ratio(f"nested, by the step: times {name}", peer, ours, DEEP_WANTED)
    yield Figure(TOPIC, "bytes a configuration", _weight(flat, size), "B", None, (), BYTES_WANTED, most=True)


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """One run of the nested chart through the step."""
    program = _program(DEEP_CHART, DEEP_PATH)
    stepper, events = Stepper(program), _events(list(islice(cycle(DEEP_PATH), size.events)))
    yield lambda: _step(stepper, events)


DEEP_CHART = """
    initial: open
    states:
      open:
        initial: planned
        on: {cancelled: closed}
        states:
          planned: {on: {started: there}}
          there:
            initial: talking
            on: {left: planned}
            states:
              talking: {on: {paused: waiting}}
              waiting: {on: {resumed: talking}}
      closed: {on: {reopened: open}}
"""


def _flat_chart() -> str:
    states: dict[str, list[str]] = {}
    for event, source, to in machines.FLAT:
        states.setdefault(to, [])
        states.setdefault(source, []).append(f"{event}: {{to: {to}, when: 'context.count < 5'}}")
    lines = [f"      {name}: {{on: {{{', '.join(moves)}}}}}" for name, moves in states.items()]
    return "\n".join(["    context: {count: int = 0}", "    initial: draft", "    states:", *lines])


def _program(chart: str, path: Sequence[str]) -> Program:
    fields = "{lateness: 7d, keys: {quote: data.quote}, data: {quote: string}}"
    events = "\n".join(f"  {name}: {fields}" for name in dict.fromkeys((*path, "rejected")))
    text = f"pack: {{name: bench}}\nevents:\n{events}\nworkflows:\n  chart:\n    by: quote\n{chart}\n"
    return restore({"pack.yaml": text}, {})


def _events(names: Sequence[str]) -> list[Event]:
    return [
        Event(
            id=f"e{i}",
            source="bench",
            type=name,
            at=START_US + i,
            now=START_US + i,
            seq=i + 1,
            keys=(KEY,),
            data={"quote": "q1"},
        )
        for i, name in enumerate(names)
    ]


def _step(stepper: Stepper, events: Sequence[Event]) -> None:
    partition, entities, moves = Partition(*KEY), Entities(), 0
    for event in events:
        moves += len(stepper.step(partition, entities, event).records)
    if moves != len(events) + 1:
        raise RuntimeError(f"{moves} transitions for {len(events)} events")


def _stepped(program: Program, names: Sequence[str], size: Size) -> list[Timing]:
    stepper, events = Stepper(program), _events(names)
    return _runs(lambda: _step(stepper, events), size)


def _by_table(program: Program, names: Sequence[str]) -> Work:
    chart = program.scopes["quote"].workflows[0]
    table = flatchart.table(chart)
    if table is None:
        raise RuntimeError("the chart is not flat")
    env = Env(Entities(), Partition(*KEY), None, (KEY,), START_US, START_US)
    env.context = chart.defaults

    def walk() -> None:
        state = chart.initial[0]
        for name in names:
            for one in table[state].on[name]:
                if one.when is None or one.when.run(env):
                    state = one.targets[0]
                    break

    return walk


def _runs(work: Work, size: Size) -> list[Timing]:
    return [timed(work) for _ in range(size.runs)]


def _peer(name: str, make: Callable[[Sequence[str]], Work], names: Sequence[str], size: Size) -> list[Timing] | str:
    return _runs(make(names), size) if machines.installed(name) else machines.ABSENT


def _figures(what: str, timings: list[Timing] | str, size: Size) -> Iterator[Figure]:
    if isinstance(timings, str):
        yield Figure(TOPIC, what, None, "transitions/s", "cpu", note=timings)
        return
    values = tuple(size.events / timing.cpu for timing in timings)
    yield Figure(TOPIC, what, median(values), "transitions/s", "cpu", values)


def _ratio(what: str, theirs: list[Timing] | str, ours: list[Timing], wanted: float | None = None) -> Iterator[Figure]:
    if not isinstance(theirs, str):
        ratio = median(one.cpu for one in theirs) / median(one.cpu for one in ours)
        yield Figure(TOPIC, what, ratio, "×", "cpu", (), wanted)


def _weight(program: Program, size: Size) -> float:
    """Bytes that one more running instance takes, beside its partition, where there is a place for it already."""
    stepper, entities = Stepper(program), Entities()
    partitions = [Partition("quote", f"q{i}") for i in range(size.events)]
    for partition in partitions:
        partition.workflows.instances["chart"] = None  # type: ignore[assignment]
        partition.changed.add("workflows")
    (event,) = _events(["sent"])
    stepper.step(Partition(*KEY), entities, event)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for partition in partitions:
            stepper.step(partition, entities, event)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / len(partitions)
