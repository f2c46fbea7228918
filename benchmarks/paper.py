"""Figures on paper: a table for the terminal, Markdown for a README, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.figure import Figure

HEADS = ("topic", "what", "median", "unit", "per", "wanted")
CLOCKS = {"wall": "second", "cpu": "CPU second", None: ""}
PLAIN = {"wall": "wall", "cpu": "CPU", None: ""}


def cells(figure: Figure) -> tuple[str, ...]:
    """One figure as the cells of a row; what is not per second stands without."""
    value = "–" if figure.value is None else _number(figure.value)
    wanted = "" if figure.wanted is None else f"{'≤' if figure.most else '≥'} {_number(figure.wanted)}"
    verdict = {True: " ✓", False: " ✗", None: ""}[figure.reached]
    per = CLOCKS[figure.clock] if figure.unit.endswith("/s") else PLAIN[figure.clock]
    return figure.topic, figure.what, value, figure.unit.removesuffix("/s"), per, wanted + verdict


def show(console: Console, machine: Mapping[str, str | int], figures: Sequence[Figure]) -> None:
    """The table, with the machine above it and the notes below."""
    console.print(described(machine), highlight=False)
    table = Table(*HEADS, box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for figure in figures:
        table.add_row(*cells(figure))
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(
                f"{figure.topic}, {figure.what}: {figure.note}", highlight=False, markup=False, soft_wrap=True
            )


def markdown(machine: Mapping[str, str | int], figures: Iterable[Figure]) -> str:
    """The same as Markdown."""
    rows = ["| " + " | ".join(HEADS) + " |", "|---|---|--:|---|---|---|"]
    rows += ["| " + " | ".join(cells(figure)) + " |" for figure in figures]
    return described(machine) + "\n\n" + "\n".join(rows)


def described(machine: Mapping[str, str | int]) -> str:
    """The machine in a line."""
    cores = f"{machine['cores']} core{'s' if machine['cores'] != 1 else ''}"
    return f"{machine['cpu']}, {cores}, {machine['system']}, {machine['python']}, SQLite {machine['sqlite']}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
