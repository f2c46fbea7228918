"""`rulewright run`: a file of events through a pack in virtual time; nothing is sent, every outcome is a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from engine.cli import params_of
from engine.cli.target import told, writable
from engine.errors import RulewrightError
from engine.runtime.engine import BATCH, Engine
from engine.runtime.feed import Feed, encoded
from engine.runtime.heap import steady
from engine.runtime.instants import moment


@click.command()
@click.argument("packs", nargs=-1, required=True, metavar="PACK…")
@click.option("--events", type=click.Path(path_type=Path), required=True, help="CloudEvents, one JSON object a line.")
@click.option("--entities", type=click.Path(path_type=Path), help="Entities, one JSON object a line.")
@click.option("--until", metavar="T", help="Let time run on to this instant (RFC 3339), deadlines due then included.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the outcomes here instead of standard output.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Override a param of the pack.")
@click.option("--store", default="memory:", show_default=True, help="Keep everything in sqlite:///PATH, for `explain`.")
@click.option("--strict", is_flag=True, help="Exit with 2 when anything was rejected.")
def command(
    packs: tuple[str, ...],
    events: Path,
    entities: Path | None,
    until: str | None,
    out: Path | None,
    params: tuple[str, ...],
    store: str,
    strict: bool,
) -> None:
    """Run events through PACK in virtual time. Nothing is sent; every outcome is printed as a line of JSON.

    The same files always give the same bytes. What cannot be used is a `reject` record with a code and a reason; the run
    goes on.

    \b
    Examples:
      rulewright run sales --events week.jsonl --entities team.jsonl
      rulewright run sales --events week.jsonl --until 2026-03-16T00:00:00+08:00 --out outcomes.jsonl
      rulewright run my-pack/ --events week.jsonl --param quote_stall=60d --store sqlite:///week.db
    """
    end = moment(until) if until is not None else None
    feed = Feed.read(events, entities)
    if out is not None:
        writable(out)
    rejected = False
    with Engine.open(packs, store, params=params_of(params)) as engine, _sink(out) as sink, steady():
        steps = 2 + len(feed.events) // BATCH
        for lines in _shown(feed.play(engine), steps, quiet=out is None and sys.stdout.isatty()):
            rejected |= _write(sink, lines)
        if end is not None:
            if engine.now is None:
                engine.begin_at_earliest()
            rejected |= _write(sink, encoded(engine.advance(end)))
    if strict and rejected:
        sys.exit(2)


def _write(sink: BinaryIO, lines: list[bytes]) -> bool:
    """Write lines; True when a reject is among them."""
    if lines:
        sink.write(b"\n".join(lines) + b"\n")
    return any(line.startswith(b'{"kind":"reject"') for line in lines)


@contextmanager
def _sink(out: Path | None) -> Iterator[BinaryIO]:
    if out is None:
        if sys.stdout is None:
            raise RulewrightError("not_writable", "standard output is closed", hint="name a file with --out")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with told(out), out.open("wb") as file:
            yield file


def _shown(batches: Iterator[list[bytes]], total: int, *, quiet: bool) -> Iterator[list[bytes]]:
    """A progress bar on standard error while batches go by; none where the outcomes themselves fill the terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield from batches
        return
    columns = (TextColumn("running"), BarColumn(), MofNCompleteColumn(), TextColumn("batches"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("run", total=total)
        for batch in batches:
            yield batch
            progress.advance(task)
