"""`rulewright backtest`: what a pack would have decided of a log, as a difference."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import click

from engine.cli import params_of
from engine.cli.comparison import comparison_json, progressing, show
from engine.cli.target import told, writable
from engine.core.calendar import to_instant
from engine.core.event import Record
from engine.core.program import Program
from engine.errors import RulewrightError
from engine.pack import assemble
from engine.runtime.backtest import compared, decided, shared_out, since
from engine.runtime.examination import Source, source_of
from engine.runtime.feed import Feed
from engine.runtime.heap import steady
from engine.runtime.history import History, Lived, Written, opened
from engine.runtime.hosts import named
from engine.runtime.instants import micros
from engine.runtime.portion import Made, Portion, play
from engine.runtime.records import Writer
from engine.runtime.stages import stages


@click.command()
@click.argument("packs", nargs=-1, required=True, metavar="PACK…")
@click.option("--log", required=True, metavar="URL|FILE", help="The store whose log it is, or a file of events.")
@click.option("--against", metavar="OLD", help="A pack to compare with; by default with what was decided live.")
@click.option("--entities", type=click.Path(path_type=Path), help="With a file of events: entities, one JSON a line.")
@click.option("--since", "start", metavar="T", help="Compare what is decided from this instant on (RFC 3339).")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Override a param of PACK.")
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Above 1: over Ray, so many at once."
)
@click.option(
    "--decisions", type=click.Path(path_type=Path, dir_okay=False), help="A file for what PACK decides, as JSON Lines."
)
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
def command(
    packs: tuple[str, ...],
    log: str,
    against: str | None,
    entities: Path | None,
    start: str | None,
    params: tuple[str, ...],
    workers: int,
    decisions: Path | None,
    as_json: bool,
) -> None:
    """Let PACK decide a log from its beginning, in virtual time, and say what it decides otherwise. Nothing is sent or kept.

    Only what came from outside is taken from the log: events, entities, and what came of actions. What rules emit is emitted anew. PACK
    and OLD are folders, files, built-in packs (sales), or, where the store keeps them, revisions.

    With `--workers` the log is shared out over Ray (pip install 'rulewright[ray]'): the same decisions, byte for byte. RAY_ADDRESS names
    a cluster that runs already; it need not reach the store.

    \b
    Examples:
      rulewright backtest my-pack/ --log sqlite:///team.db
      rulewright backtest my-pack/ --log sqlite:///team.db --against sales --since 2026-03-02T00:00:00+08:00
      rulewright backtest my-pack/ --against sales --log week.jsonl --entities team.jsonl --decisions decided.jsonl
      rulewright backtest my-pack/ --log postgresql://rulewright@db/rulewright --workers 8 --json
    """
    instant = None if start is None else micros(start)
    if decisions is not None:
        writable(decisions)
    asked = _asked(packs, against, log, entities, params_of(params))
    _reached(asked.history, instant)
    program = assemble(asked.source.files, asked.source.params)
    with steady():
        began, events = time.perf_counter(), asked.history.count()
        records = list(since(_decided(asked.source, asked.history, workers), instant))
        _say_speed(events, time.perf_counter() - began, workers)
        lived = _lived(asked, log, workers)
        comparison = compared(program.revision, events, since(lived, instant), records)
    if decisions is not None:
        _write(decisions, program, records)
    if as_json:
        click.echo(json.dumps(comparison_json(comparison), ensure_ascii=False, indent=2, default=str))
    else:
        show(comparison)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to decide what; `old` None: compare with what was decided live."""

    history: History
    source: Source
    old: Source | None


def _asked(
    packs: tuple[str, ...], against: str | None, log: str, entities: Path | None, params: dict[str, str]
) -> _Asked:
    if "://" in log or log == "memory:":
        if entities is not None:
            raise click.UsageError("--entities goes with a file of events; a store has entities of its own")
        return _of_store(packs, against, log, params)
    history = Written(Feed.read(Path(log), entities))
    if against is None:
        message = "a file says nothing of what was decided live"
        raise RulewrightError("nothing_to_compare", message, hint="name a pack: --against sales")
    return _Asked(history, source_of(packs, params), source_of(against))


def _of_store(packs: tuple[str, ...], against: str | None, log: str, params: dict[str, str]) -> _Asked:
    store = opened(log)
    try:
        source = named(store, packs[0], params) if len(packs) == 1 else source_of(packs, params)
        return _Asked(Lived(log), source, None if against is None else named(store, against, {}))
    finally:
        store.close()


def _reached(history: History, instant: int | None) -> None:
    end = history.end()
    if end is None or (instant is not None and instant > end):
        reach = "nothing has happened in it" if end is None else f"it ends at {to_instant(end).isoformat()}"
        raise RulewrightError("log_ended", f"there is nothing in this log to decide: {reach}", hint="--since, --log")


def _decided(source: Source, history: History, workers: int) -> list[Record]:
    if workers == 1:
        with progressing("backtest", history.count()) as progress:
            return decided(source, history, progress)
    from engine.runtime.cluster import cluster

    program = assemble(source.files, source.params)
    with (
        cluster(partial(play, source, program.revision), workers) as run,
        progressing("backtest", workers * len(stages(program)), "portions") as progress,
    ):
        done = count(1)

        def noted(portions: Sequence[Portion]) -> Iterator[Made]:
            for made in run(portions):
                progress(next(done))
                yield made

        return shared_out(source, history, workers, noted)


def _lived(asked: _Asked, log: str, workers: int) -> Iterable[Record]:
    if asked.old is not None:
        return _decided(asked.old, asked.history, workers)
    store = opened(log)
    try:
        return [record for _, record in store.decisions()]
    finally:
        store.close()


def _say_speed(events: int, seconds: float, workers: int) -> None:
    """On standard error: the answer is the same however long it took."""
    shared = "" if workers == 1 else f" on {workers} workers"
    click.echo(
        f"decided {events:,} events in {seconds:.1f} s{shared}: {events / max(seconds, 1e-9):,.0f} a second", err=True
    )


def _write(path: Path, program: Program, records: Iterable[Record]) -> None:
    writer = Writer(program)
    with told(path), path.open("wb") as file:
        file.writelines(writer.line(record) + b"\n" for record in records)
