"""When time begins in a run: with the earliest event that will be taken. Lines that are refused say nothing about time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import accumulate

import msgspec

from engine.core.calendar import to_micros
from engine.runtime.admission import Arrival, Door
from engine.runtime.head import Head
from engine.runtime.puts import offered, references

NEVER = -(2**63)
"""Stands for the time of a line that has none; it lies before all others."""


class _Timed(msgspec.Struct):
    time: datetime


class Beginning:
    """The lines of an event file, asked when the first of them happens. `refers(arrival)`: whether all it refers to is known.

    Most files are in order, so that few lines have to be read besides the first one: only those of which the time lies before
    it, earliest first, until one is found that will be taken.
    """

    def __init__(self, door: Door, refers: Callable[[Arrival], bool], lines: Sequence[bytes]) -> None:
        self._door = door
        self._refers = refers
        self._lines = lines
        self._read: dict[int, Arrival | None] = {}
        self._times: list[int] = []
        self._latest: list[int] = []

    def earliest(self) -> int | None:
        """The time of the earliest event that will be taken, in microseconds; None when none will."""
        found = next((one for one in map(self._taken, range(len(self._lines))) if one is not None), None)
        if found is None:
            return None
        first = found.event.at
        self._times = list(_times(self._lines))
        if min(time for time in self._times if time != NEVER) >= first:
            return first
        self._latest = list(accumulate(self._times, max))
        before = [place for place, time in enumerate(self._times) if NEVER < time < first]
        before.sort(key=self._times.__getitem__)
        return next((self._times[place] for place in before if self._in_time(place)), first)

    def _taken(self, place: int) -> Arrival | None:
        """The event of a line that fits and refers to what is known, however late it is."""
        if place not in self._read:
            found = self._door.read(self._lines[place])
            self._read[place] = found if isinstance(found, Arrival) and self._refers(found) else None
        return self._read[place]

    def _in_time(self, place: int) -> bool:
        """Whether a line will be taken where it stands, after what has been taken before it."""
        found = self._taken(place)
        if found is None:
            return False
        bound = found.event.at + found.declared.lateness
        ahead = range(bisect_right(self._latest, bound), place)
        return not any(self._times[one] > bound and self._taken(one) is not None for one in ahead)


def earliest(head: Head, door: Door, events: Sequence[bytes], entities: Iterable[tuple[bytes, str]]) -> int | None:
    """The time, in microseconds, of the earliest of these events that a head will take once these entity lines are known."""
    held, coming = head.entities, offered(head, entities)

    def refers(arrival: Arrival) -> bool:
        at, named = arrival.event.at, references(arrival.declared.fields, arrival.event.data)
        return all(coming.get(*one, at) or held.get(*one, at) for _, one in named)

    return Beginning(door, refers, events).earliest()


def latest(lines: Iterable[bytes]) -> int | None:
    """The latest time that any of the lines names, in microseconds; None where none does."""
    found = max(_times(lines), default=NEVER)
    return None if found == NEVER else found


def _times(lines: Iterable[bytes]) -> Iterable[int]:
    decode = msgspec.json.Decoder(_Timed).decode
    for line in lines:
        try:
            time = decode(line).time
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            yield NEVER
            continue
        yield NEVER if time.tzinfo is None else to_micros(time)
