"""One tree of errors: every mistake has a code, a message, and, where there is one, a place and a hint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """A point in a pack file. `line` and `column` count from 1; `path` is the way through the YAML."""

    file: str
    line: int
    column: int
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class RulewrightError(Exception):
    """Root of the tree. `code` is stable and machine-readable; `message` is for people."""

    def __init__(self, code: str, message: str, *, place: Place | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{self.code}: {self.message}{hint}"

    def __reduce__(self) -> tuple[Any, ...]:
        """As it was, also in another process."""
        return (_again, (type(self), self.code, self.message, self.place, self.hint))


def _again(
    kind: type[RulewrightError], code: str, message: str, place: Place | None, hint: str | None
) -> RulewrightError:
    return kind(code, message, place=place, hint=hint)


class PackError(RulewrightError):
    """A pack cannot be used: its files do not read, check or compile."""


class ExpressionError(RulewrightError):
    """An expression does not parse, does not check, or failed while it was evaluated."""


class StoreError(RulewrightError):
    """The store cannot be opened, or refused a commit (a row version moved, the disk is full)."""


class ActionError(RulewrightError):
    """An action cannot be carried out; `code` is the class that decides about a retry."""
