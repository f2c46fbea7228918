"""What an evaluation leaves behind for explanations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.cel.errors import CelError

TRACED_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Trace:
    """A sub-expression with what came out of it: a value, an error, or nothing when it was skipped.

    Children are in the order of evaluation; of a macro's rounds the first 50 are kept.
    """

    start: int
    end: int
    text: str
    result: Any
    error: CelError | None
    skipped: bool
    children: tuple[Trace, ...]

    @property
    def value(self) -> Any:
        """The value. Raises the CelError when the evaluation failed."""
        if self.error is not None:
            raise self.error
        return self.result
