"""Reading event and entity files: lines with their places, and what the whole file says about time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from engine.core.calendar import Calendar, to_instant, to_micros
from engine.errors import RulewrightError
from engine.runtime.engine import BATCH, Engine
from engine.runtime.outcome import Outcome

BOM = b"\xef\xbb\xbf"
"""What some editors put before UTF-8."""

WEEK_US = 7 * 86_400 * 1_000_000


class _Timed(msgspec.Struct):
    time: datetime


class _Known(msgspec.Struct):
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """The lines of an event file and of an entity file."""

    events: list[tuple[bytes, str]]
    entities: list[tuple[bytes, str]]

    @classmethod
    def read(cls, events: Path, entities: Path | None) -> Feed:
        """Read both files; blank lines are skipped. Raises `RulewrightError` `no_file` when one cannot be read."""
        return cls(list(_lines(events)), list(_lines(entities)) if entities is not None else [])

    def times(self) -> tuple[int | None, int | None]:
        """The earliest time of any readable event, and the time of the first one, in microseconds."""
        first: datetime | None = None
        earliest: datetime | None = None
        decode = msgspec.json.Decoder(_Timed).decode
        for line, _ in self.events:
            try:
                time = decode(line).time
            except (msgspec.MsgspecError, RecursionError):
                continue
            if time.tzinfo is None:
                continue
            if first is None or earliest is None:
                first = earliest = time
            elif time < earliest:
                earliest = time
        return _micros(earliest), _micros(first)

    def play(self, engine: Engine) -> Iterator[list[bytes]]:
        """Feed everything to the engine in order; yields the outcome lines batch by batch.

        Entities become known at their `at`: those known from the start first, later ones before the events of that instant.
        """
        earliest, first = self.times()
        default = _day_start(engine.program.calendar, earliest)
        puts = sorted(self._puts(default), key=lambda put: put[0])
        begun = None if earliest is None or first is None else max(earliest, first - WEEK_US)
        early = [put for put in puts if begun is None or put[0] <= begun]
        later = puts[len(early) :]
        yield encoded(engine.load_entities([put[1] for put in early], default))
        if begun is not None:
            yield encoded(engine.begin(to_instant(begun)))
        for chunk in self._chunks(later):
            if isinstance(chunk, tuple):
                yield encoded(engine.load_entities([chunk], default))
            else:
                records, _ = engine.process([line for line, _ in chunk], [place for _, place in chunk])
                yield [engine.writer.line(record) for record in records]

    def _puts(self, default: int | None) -> Iterator[tuple[int, tuple[bytes, str]]]:
        decode = msgspec.json.Decoder(_Known).decode
        for line, place in self.entities:
            try:
                known = decode(line).at
            except msgspec.MsgspecError:
                known = None
            at = to_micros(known) if known is not None and known.tzinfo is not None else default
            yield (at if at is not None else 0), (line, place)

    def _chunks(
        self, later: list[tuple[int, tuple[bytes, str]]]
    ) -> Iterator[list[tuple[bytes, str]] | tuple[bytes, str]]:
        """Events in batches, with a later entity put before the first event that is not earlier than it."""
        chunk: list[tuple[bytes, str]] = []
        waiting = list(reversed(later))
        decode = msgspec.json.Decoder(_Timed).decode
        for event in self.events:
            if waiting:
                try:
                    at = to_micros(decode(event[0]).time)
                except (msgspec.MsgspecError, TypeError):
                    at = -1
                while waiting and waiting[-1][0] <= at:
                    if chunk:
                        yield chunk
                        chunk = []
                    yield waiting.pop()[1]
            chunk.append(event)
            if len(chunk) == BATCH:
                yield chunk
                chunk = []
        if chunk:
            yield chunk
        for _, put in reversed(waiting):
            yield put


def _lines(path: Path) -> Iterator[tuple[bytes, str]]:
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise RulewrightError("no_file", f"{path}: {failure.strerror}") from failure
    for number, line in enumerate(content.removeprefix(BOM).split(b"\n"), 1):
        stripped = line.strip()
        if stripped:
            yield stripped, f"{path.name}:{number}"


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else to_micros(instant)


def _day_start(calendar: Calendar, at: int | None) -> int | None:
    return None if at is None else calendar.window("day", at)[0]


_encode = msgspec.json.Encoder().encode


def encoded(outcome: Outcome) -> list[bytes]:
    """The records of an outcome as JSON lines."""
    return [_encode(record) for record in outcome.records]
