"""From a character of a scalar's text to its line and column in the file, whatever the scalar's style."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

Point = tuple[int, int]

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_WHITE_ESCAPES = frozenset("nt \tNLP_rvf")


class Scalar(Protocol):
    """What alignment needs to know of a scalar: lines and columns from 0, the end exclusive."""

    @property
    def line(self) -> int: ...  # noqa: D102
    @property
    def column(self) -> int: ...  # noqa: D102
    @property
    def end_line(self) -> int: ...  # noqa: D102
    @property
    def end_column(self) -> int: ...  # noqa: D102
    @property
    def style(self) -> str | None: ...  # noqa: D102
    @property
    def text(self) -> str | None: ...  # noqa: D102


def align(lines: Sequence[str], scalar: Scalar) -> list[Point]:
    """The (line, column) from 0 of every character of the scalar's text, and one more for its end.

    Folding and indentation only ever change white space, so the n-th visible character of the text is the n-th one of the source.
    """
    text = scalar.text or ""
    visible = _visible(lines, scalar)
    points: list[Point] = []
    last = _before(scalar)
    for char in text:
        last = (last[0], last[1] + 1) if char.isspace() else next(visible, last)
        points.append(last)
    points.append((last[0], last[1] + 1))
    return points


def _before(scalar: Scalar) -> Point:
    opening = 1 if scalar.style in ("'", '"') else 0
    return scalar.line, scalar.column + opening - 1


def _visible(lines: Sequence[str], scalar: Scalar) -> Iterator[Point]:
    """The places of what stands for a visible character, in order."""
    if scalar.style in ("|", ">"):
        for line in range(scalar.line + 1, min(scalar.end_line + 1, len(lines))):
            end = scalar.end_column if line == scalar.end_line else len(lines[line])
            yield from ((line, column) for column in range(end) if not lines[line][column].isspace())
        return
    quote = scalar.style if scalar.style in ("'", '"') else ""
    for line in range(scalar.line, scalar.end_line + 1):
        start = scalar.column + len(quote) if line == scalar.line else 0
        end = scalar.end_column - len(quote) if line == scalar.end_line else len(lines[line])
        yield from ((line, column) for column in _tokens(lines[line], start, end, quote))


def _tokens(line: str, start: int, end: int, quote: str) -> Iterator[int]:
    column = start
    while column < end:
        width, shown = 1, not line[column].isspace()
        if quote == "'" and line.startswith("''", column):
            width = 2
        elif quote == '"' and line[column] == "\\":
            escape = _ESCAPE.match(line, column)
            width = escape.end() - column if escape else 1
            shown = escape is not None and escape.group(1) not in _WHITE_ESCAPES
        if shown:
            yield column
        column += width
