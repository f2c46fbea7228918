"""Reading event and entity files: lines with their places, and what the whole file says about time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.core.calendar import Calendar, to_instant
from engine.errors import RulewrightError
from engine.runtime.engine import Engine
from engine.runtime.outcome import Outcome

BOM = b"\xef\xbb\xbf"
"""What some editors put before UTF-8."""


class _Acting(msgspec.Struct):
    role: str | list[str] = ""


_decode_acting = msgspec.json.Decoder(_Acting).decode


@dataclass(frozen=True, slots=True)
class Feed:
    """The lines of an event file and of an entity file."""

    events: list[tuple[bytes, str]]
    entities: list[tuple[bytes, str]]

    @classmethod
    def read(cls, events: Path, entities: Path | None) -> Feed:
        """Read both files; blank lines are skipped. Raises `RulewrightError` `no_file` when one cannot be read."""
        return cls(list(_lines(events)), list(_lines(entities)) if entities is not None else [])

    def play(self, engine: Engine) -> Iterator[list[bytes]]:
        """Feed everything to the engine in order; yields the outcome lines batch by batch.

        Entities come first; each holds from its `at` on, and so before the events of that instant.
        """
        earliest = engine.earliest([line for line, _ in self.events], self.entities)
        default = day_start(engine.program.calendar, earliest)
        yield encoded(engine.load_entities(self.entities, default))
        if earliest is not None:
            yield encoded(engine.begin(to_instant(earliest)))
        lines, places = [line for line, _ in self.events], [place for _, place in self.events]
        for records, _ in engine.stream(lines, places, [acting(line) for line in lines]):
            yield [engine.writer.line(record) for record in records]


def acting(line: bytes) -> tuple[str, ...]:
    """The roles that a line of a file says its event is caused in: whoever hands over the file may say so."""
    if b'"role"' not in line:
        return ()
    try:
        said = _decode_acting(line).role
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return ()
    return tuple(said) if isinstance(said, list) else ((said,) if said else ())


def _lines(path: Path) -> Iterator[tuple[bytes, str]]:
    try:
        content = path.read_bytes()
    except OSError as failure:
        raise RulewrightError("no_file", f"{path}: {failure.strerror}") from failure
    for number, line in enumerate(content.removeprefix(BOM).split(b"\n"), 1):
        stripped = line.strip()
        if stripped:
            yield stripped, f"{path.name}:{number}"


def day_start(calendar: Calendar, at: int | None) -> int | None:
    """When the day of an instant begins: since then is known what files do not say since when."""
    return None if at is None else calendar.window("day", at)[0]


_encode = msgspec.json.Encoder().encode


def encoded(outcome: Outcome) -> list[bytes]:
    """The records of an outcome as JSON lines."""
    return [_encode(record) for record in outcome.records]
