"""What is wrong with a pack: one sentence at a place, a caret below the line, a hint."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from engine.errors import PackError, Place
from engine.pack.codes import CODES

Severity = Literal["error", "warning"]

SHOWN = 160
"""Characters of a source line that are shown at most: a file may be one endless line."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A mistake or a doubt. `code` is a key of `CODES`; `line` is the source line of the place, `length` what to underline."""

    place: Place
    code: str
    message: str
    hint: str | None = None
    severity: Severity = "error"
    line: str = ""
    length: int = 1

    def render(self) -> str:
        """`file:line:column: code: message`, the source line, a caret line and the hint, without a trailing newline."""
        word = "" if self.severity == "error" else "warning: "
        lines = [f"{self.place}: {self.code}: {word}{self.message}"]
        if self.line.strip():
            shown, column = self._window()
            lines += [f"  {shown}", f"  {self._caret(shown, column)}"]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def _window(self) -> tuple[str, int]:
        """The part of the source line that is shown, and how many of its characters stand before the caret."""
        column = self.place.column - 1
        start = max(0, column - SHOWN // 2) if len(self.line) > SHOWN else 0
        shown = self.line[start : start + SHOWN]
        ahead, behind = "…" if start else "", "…" if start + SHOWN < len(self.line) else ""
        return f"{ahead}{shown}{behind}", column - start + len(ahead)

    def _caret(self, shown: str, column: int) -> str:
        before, marked = shown[:column], shown[column:]
        blank = "".join(char if char == "\t" else " " * _width(char) for char in before)
        return blank + "^" * max(1, sum(_width(char) for char in marked[: self.length]))

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--format json`; `line` and `column` count from 1."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "path": self.place.path,
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
        }


def _width(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class BrokenPackError(PackError):
    """A pack has mistakes; `diagnostics` are all of them, warnings included, in the order of their places."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        first = next(item for item in self.diagnostics if item.severity == "error")
        super().__init__(first.code, first.message, place=first.place, hint=first.hint)

    def __reduce__(self) -> tuple[Any, ...]:
        """As it was, also in another process."""
        return (BrokenPackError, (self.diagnostics,))


class Report:
    """Collects diagnostics; the same mistake at the same place is kept once."""

    def __init__(self) -> None:
        self._found: dict[tuple[Place, str, str], Diagnostic] = {}

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic; its code must be one that the reference explains."""
        assert diagnostic.code in CODES, diagnostic.code
        self._found.setdefault((diagnostic.place, diagnostic.code, diagnostic.message), diagnostic)

    @property
    def failed(self) -> bool:
        """Whether anything worse than a warning was found."""
        return any(item.severity == "error" for item in self._found.values())

    def sorted(self) -> list[Diagnostic]:
        """Everything found, by file, line and column."""
        return sorted(
            self._found.values(),
            key=lambda item: (item.place.file, item.place.line, item.place.column, item.code, item.message),
        )


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint with the nearest known name, else with all of them when they are few, else None."""
    names = sorted(set(known))
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    if names and len(names) <= 12:
        return "there is " + ", ".join(f"`{item}`" for item in names)
    return None
