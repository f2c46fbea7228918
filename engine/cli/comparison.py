"""What another pack would have decided, as people and programs read it; and how far the work has come meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from msgspec.structs import asdict
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from engine.core.calendar import to_instant
from engine.core.event import Record
from engine.runtime.shadow import Comparison

COLOURS = {"added": "green", "removed": "red", "missing": "red", "changed": "yellow"}


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The comparison as JSON values."""
    return {
        "revision": found.revision,
        "events": found.events,
        "same": sum(found.same.values()),
        "errors": found.errors,
        "counts": [
            {"difference": kind, "kind": record, "name": name, "count": count}
            for (kind, record, name), count in sorted(found.differing.items())
        ],
        "examples": [
            {"difference": one.kind, "live": _told(one.live), "shadow": _told(one.shadow)} for one in found.shown
        ],
    }


def _told(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    said = asdict(record)
    return said | {"at": to_instant(record.at).isoformat()}


def show(found: Comparison) -> None:
    """Print the comparison: how many decisions of each sort differ, and some of them."""
    click.echo(
        f"revision {found.revision} on {found.events} events: {sum(found.same.values())} decisions are the same, "
        f"{sum(found.differing.values())} differ, {found.errors} errors"
    )
    for (kind, record, name), count in sorted(found.differing.items()):
        click.secho(f"  {kind:8} {count:6}  {record} {name}", fg=COLOURS[kind])
        examples = [
            one.record
            for one in found.shown
            if (one.kind, one.record.kind, one.record.name or "") == (kind, record, name)
        ]
        for one in examples[:3]:
            click.echo(f"            {to_instant(one.at).isoformat()}  {one.scope} {one.key}  {one.id}")


@contextmanager
def progressing(verb: str, total: int, of: str = "events") -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, where that is a terminal; it is told how many `of` what are done."""
    console = Console(stderr=True)
    if not console.is_terminal or not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TextColumn(of), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(verb, total=total)
        yield lambda reached: progress.update(task, completed=reached)
