"""Where the outside inputs of a backtest come from: the log of a store, or files. Each input happens to whatever head it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import msgspec

from engine.core.event import Event
from engine.errors import RulewrightError
from engine.runtime.admission import Arrival, Door
from engine.runtime.again import again
from engine.runtime.beginning import earliest, latest
from engine.runtime.feed import Feed, acting, day_start
from engine.runtime.head import Head
from engine.runtime.puts import take_lines
from engine.store import DatabaseStore, open_store
from engine.store.batch import StoredEntity

Input = Callable[[Head, Door], None]
"""Something from outside, or time that passes; called with the head that it happens to, and the door of its program."""


class History(Protocol):
    """Inputs that may be asked for several times, in other processes as well."""

    def inputs(self) -> Iterator[Input]:
        """All of them, in their order."""

    def count(self) -> int:
        """About how many there are."""

    def end(self) -> int | None:
        """The latest instant of events, or to which time passed, in microseconds; None where there is none."""


def opened(url: str) -> DatabaseStore:
    """The store at an address. Raises RulewrightError `store_unshared` for one in memory, and what `open_store` raises."""
    store = open_store(url)
    if isinstance(store, DatabaseStore):
        return store
    raise RulewrightError("store_unshared", "there is no log in memory", hint="--log sqlite:///team.db")


@dataclass(frozen=True, slots=True)
class Lived:
    """The log of the store at `url`. What rules emitted in it is left out; where deadlines fired in it, time passes."""

    url: str

    def inputs(self) -> Iterator[Input]:
        """What came from outside, in the order of the log; at the end time passes to where it stands."""
        store = opened(self.url)
        try:
            puts = {stored.seq: stored for stored in store.entities()}
            for event in store.events():
                yield partial(_happens, event=event, put=puts.get(event.seq))
            clock = store.clock()
            if clock is not None:
                yield lambda head, _: head.advance(clock)
        finally:
            store.close()

    def count(self) -> int:
        """Events in the log."""
        store = opened(self.url)
        try:
            return store.sequence()
        finally:
            store.close()

    def end(self) -> int | None:
        """Where the clock of the log stands."""
        store = opened(self.url)
        try:
            return store.head()[1]
        finally:
            store.close()


def _happens(head: Head, door: Door, *, event: Event, put: StoredEntity | None) -> None:
    """As it was lived; whether it is the first to have what must be unique is decided again."""
    again(head, door, msgspec.structs.replace(event, refusal=None), put)


@dataclass(frozen=True, slots=True)
class Written:
    """Files of events and entities, taken as `rulewright run` takes them."""

    feed: Feed

    def inputs(self) -> Iterator[Input]:
        """Entities first, then the beginning of time, then the events."""
        yield self._begin
        for line, place in self.feed.events:
            yield partial(_arrives, line=line, place=place)

    def count(self) -> int:
        """Lines of events."""
        return len(self.feed.events)

    def end(self) -> int | None:
        """The latest time that a line names, be it refused or not."""
        return latest([line for line, _ in self.feed.events])

    def _begin(self, head: Head, door: Door) -> None:
        first = earliest(head, door, [line for line, _ in self.feed.events], self.feed.entities)
        take_lines(head, self.feed.entities, day_start(head.program.calendar, first))
        if first is not None and head.now is None:
            head.start(first)


def _arrives(head: Head, door: Door, *, line: bytes, place: str) -> None:
    arrival = door.read(line)
    if isinstance(arrival, Arrival):
        arrival.event.roles = acting(line)
        head.take(arrival, place)
    else:
        head.refuse(arrival, place)
