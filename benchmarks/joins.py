"""Rules over facts: a keyed join with a thousand facts, the search of Miss Manners and the labelling of Waltz, beside other engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import manners, waltz
from benchmarks.beside import others, rates, ratio
from benchmarks.deals import customers, orders
from benchmarks.figure import Figure, Size, Timing, Work, timed
from benchmarks.matching import Bare, Calls
from benchmarks.rivals.child import RIVALS, measured
from benchmarks.stage import Stage
from engine import Event, load
from engine.core.step import Stepper

TOPIC = "joins"
FACTS = 1_000
WANTED = 3.0
PACK = Path(__file__).parent / "programs" / "orders.yaml"
GUESTS = (16, 32, 64)
REGIONS = (8, 32, 64)
WANTED_CLIPS = 8.0


def measure(size: Size) -> Iterator[Figure]:
    """The join, the search at each number of guests, and the labelling at each number of regions."""
    yield from _keyed(size)
    sizes = slice(None if size.runs > 1 else 1)
    seated, labelled = manners.stepper(), waltz.stepper()
    for count in GUESTS[sizes]:
        wanted = WANTED_CLIPS if count == GUESTS[-1] else None
        search = partial(manners.manners, seated, count)
        yield from _clips("manners", f"Miss Manners, {count} guests", search, count, size, wanted)
    for count in REGIONS[sizes]:
        yield from _clips(
            "waltz", f"Waltz, {count} regions", partial(waltz.waltz, labelled, count), count, size, WANTED_CLIPS
        )


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """The join through the step, and the search for 32 guests."""
    stage, events = _ordered(size)
    seated = manners.manners(manners.stepper(), GUESTS[1])
    yield lambda: (_step(stage, events), seated())


def _keyed(size: Size) -> Iterator[Figure]:
    stage, events = _ordered(size)
    _step(stage, events[:1])
    bare = Bare(stage.stepper.program, stage.partition, events[0])
    called = [timed(partial(_call, bare, events)) for _ in range(size.runs)]
    stepped = [timed(partial(_step, stage, events)) for _ in range(size.runs)]
    matching = rates(TOPIC, "keyed join, matching", size.events, called)
    step = rates(TOPIC, "keyed join, step", size.events, stepped)
    rivals = [RIVALS["durable-rules"], RIVALS["clipspy"]]
    theirs = dict(others(TOPIC, "keyed join", "join", FACTS, rivals, size))
    yield from (matching, step, *theirs.values())
    yield from ratio(TOPIC, "keyed join, matching", matching, theirs, "durable-rules", WANTED)
    yield from ratio(TOPIC, "keyed join, step", step, theirs, "durable-rules", None)


def _clips(
    task: str, what: str, prepared: Callable[[], Callable[[], object]], count: int, size: Size, wanted: float | None
) -> Iterator[Figure]:
    """Seconds of ours and of CLIPS with the same program; each checks what came out."""
    ours = [timed(prepared()) for _ in range(size.runs)]
    theirs = measured(RIVALS["clipspy"], task, count, 0, size.runs)
    yield _seconds(f"{what}, ours", ours)
    if isinstance(theirs, str):
        yield Figure(TOPIC, f"{what}, clipspy", None, "s", "cpu", note=theirs)
        return
    yield _seconds(f"{what}, clipspy", theirs)
    times = median(one.cpu for one in ours) / median(one.cpu for one in theirs)
    yield Figure(TOPIC, f"{what}: times as long as clipspy", times, "×", "cpu", (), wanted, most=True)


def _seconds(what: str, timings: list[Timing]) -> Figure:
    values = tuple(one.cpu for one in timings)
    return Figure(TOPIC, what, median(values), "s", "cpu", values)


def _ordered(size: Size) -> tuple[Stage, list[Event]]:
    stage = Stage(Stepper(load([PACK])), "desk")
    for number in customers(FACTS):
        stage.send("known", number=number, tier="KA")
    found = orders(FACTS, size.events)
    return stage, [stage.event("order", customer=one.customer, amount=one.amount) for one in found]


def _call(bare: Bare, events: list[Event]) -> None:
    calls = Calls()
    bare.joined(events, calls)
    _expect(calls.count, events)


def _step(stage: Stage, events: list[Event]) -> None:
    _expect(sum(len(stage.step(event).emitted) for event in events), events)


def _expect(fired: int, events: list[Event]) -> None:
    if fired != len(events):
        raise RuntimeError(f"{fired} rules fired for {len(events)} events")
