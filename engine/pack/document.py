"""A file that was read: its plain data, and the place of every value, every key and every character of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from engine.errors import Place
from engine.pack.alignment import align
from engine.pack.diagnostic import Diagnostic, Severity

Path = tuple[str | int, ...]

_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands: lines and columns from 0, and for a scalar its style and its text as the YAML means it."""

    line: int
    column: int
    end_line: int
    end_column: int
    style: str | None = None
    text: str | None = None


@dataclass(slots=True)
class Document:
    """One file: its plain data, and the spans of its values and of its keys by their path."""

    file: str
    text: str
    data: Any = None
    values: dict[Path, Span] = field(default_factory=dict)
    keys: dict[Path, Span] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = _BREAK.split(self.text)

    def nearest(self, path: Path) -> Path:
        """The deepest real path for one that may hold parts that only our reading of the file added."""
        found: Path = ()
        for part in path:
            if (*found, part) in self.values:
                found = (*found, part)
        return found

    def place(self, path: Path, offset: int | None = None) -> Place:
        """The place of a value, or of a character of its text when an offset is given."""
        real = self.nearest(path)
        line, column = self._point(real, offset)
        return Place(self.file, line + 1, column + 1, dotted(real))

    def key_place(self, path: Path) -> Place:
        """The place of the key of a value; of the value itself where it has none."""
        span = self.keys.get(path)
        if span is None:
            return self.place(path)
        return Place(self.file, span.line + 1, span.column + 1, dotted(path))

    def length(self, path: Path, start: int, end: int) -> int:
        """How many characters of the line a part of a scalar's text covers; 1 where it runs over lines."""
        first, last = self._point(self.nearest(path), start), self._point(self.nearest(path), max(start, end - 1))
        return last[1] - first[1] + 1 if first[0] == last[0] and last[1] >= first[1] else 1

    def _point(self, path: Path, offset: int | None) -> tuple[int, int]:
        span = self.values.get(path)
        if span is None:
            return 0, 0
        if offset is None or span.text is None:
            return span.line, span.column
        points = align(self.lines, span)
        return points[offset] if offset < len(points) else points[-1]

    def diagnostic(
        self,
        place: Place,
        code: str,
        message: str,
        hint: str | None = None,
        severity: Severity = "error",
        length: int = 1,
    ) -> Diagnostic:
        """A diagnostic at a place of this file, with its source line."""
        line = self.lines[place.line - 1] if place.line <= len(self.lines) else ""
        return Diagnostic(place, code, message, hint, severity, line, length)


def dotted(path: Path) -> str:
    """A path as people write it: `workflows.quote.states.sent.after[0].for`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
