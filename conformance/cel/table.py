"""Verdicts added up by file, for the terminal and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from conformance.cel.cases import CORE
from conformance.cel.runner import Verdict

HEADS = ("file", "cases", "passed", "missed", "share", "left out")


@dataclass(slots=True)
class Row:
    """The counts of one file, or of several; `left_out` counts by reason."""

    name: str
    passed: int = 0
    missed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def counted(self) -> int:
        """How many cases count."""
        return self.passed + self.missed

    @property
    def share(self) -> float:
        """The share of those that pass, 0 to 1; 1 without any."""
        return self.passed / self.counted if self.counted else 1.0

    def add(self, verdict: Verdict) -> None:
        """Count one case."""
        if verdict.left_out is not None:
            self.left_out[verdict.left_out] += 1
        elif verdict.passed:
            self.passed += 1
        else:
            self.missed += 1

    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.left_out.items()))
        return self.name, f"{self.counted:,}", f"{self.passed:,}", f"{self.missed:,}", f"{self.share:.1%}", reasons

    def mapping(self) -> dict[str, Any]:
        """The row for JSON."""
        return {
            "name": self.name,
            "cases": self.counted,
            "passed": self.passed,
            "missed": self.missed,
            "share": round(self.share, 5),
            "left_out": dict(self.left_out),
        }


def rows(verdicts: Iterable[Verdict]) -> list[Row]:
    """One row a file, in the order of the suite."""
    found: dict[str, Row] = {}
    for verdict in verdicts:
        found.setdefault(verdict.case.file, Row(verdict.case.file)).add(verdict)
    return list(found.values())


def core(verdicts: Sequence[Verdict]) -> Row:
    """The files of the standard itself, added up."""
    total = Row("the standard")
    for verdict in verdicts:
        if verdict.case.file in CORE:
            total.add(verdict)
    return total


def show(console: Console, verdicts: Sequence[Verdict]) -> None:
    """Print the table: the files of the standard, their sum, and the extensions."""
    table = Table(*HEADS, box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    every = rows(verdicts)
    for row in (one for one in every if one.name in CORE):
        table.add_row(*row.cells())
    table.add_row(*core(verdicts).cells(), style="bold", end_section=True)
    for row in (one for one in every if one.name not in CORE):
        table.add_row(*row.cells())
    console.print(table)
