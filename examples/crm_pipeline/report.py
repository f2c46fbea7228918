"""The result as people read it, and as one JSON object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from examples.crm_pipeline.tally import Line, Rejects, total

COLUMNS = ("stalled", "won", "lost", "open", "median_days")


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay found. `rows` are those of the file; each was processed or refused."""

    rows: int
    lines: list[Line]
    rejects: Rejects
    mended: dict[str, int]

    @property
    def total(self) -> Line:
        """All managers together."""
        return total(self.lines)

    def mapping(self) -> dict[str, Any]:
        """The report as data."""
        codes = {
            code: {"rows": count, "reason": self.rejects.reasons[code]}
            for code, count in sorted(self.rejects.counts.items())
        }
        return {
            "rows": self.rows,
            "processed": self.total.quotes,
            "rejected": self.rejects.counts.total(),
            "managers": [line.mapping() for line in self.lines],
            "total": self.total.mapping(),
            "rejects": codes,
            "mended": self.mended,
        }

    def show(self, console: Console) -> None:
        """Print the table and what there is to say about it; without lines and colours where nobody watches."""
        console.print(self._table(plain=not console.is_terminal))
        refused = self.rejects.counts.total()
        console.print(f"\n{self.rows:,} rows = {self.total.quotes:,} processed + {refused:,} rejected")
        for code, count in sorted(self.rejects.counts.items()):
            console.print(f"  {count:>5,}  {code}: {self.rejects.reasons[code]}", markup=False, soft_wrap=True)
        for what, count in sorted(self.mended.items()):
            console.print(f"  {count:>5,}  spelling mended: {what}", markup=False, soft_wrap=True)

    def _table(self, *, plain: bool) -> Table:
        table = Table(box=None if plain else box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("manager")
        for name in COLUMNS:
            table.add_column(name.replace("_", " "), justify="right")
        for line in self.lines:
            table.add_row(line.manager, *_cells(line))
        table.add_row("all", *_cells(self.total), style=None if plain else "bold")
        return table


def _cells(line: Line) -> list[str]:
    values = [getattr(line, name) for name in COLUMNS]
    return ["–" if value is None else f"{value:,g}" for value in values]
