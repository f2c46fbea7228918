"""`rulewright replay`: the log once more, from its beginning, and whether it comes to what the store holds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from engine.cli.target import told, writable
from engine.errors import RulewrightError
from engine.runtime.hosts import active
from engine.runtime.part import Part, Played, first, joined, play, play_at, programs_of, second
from engine.runtime.replay import live, packed, packed_hash
from engine.store import DatabaseStore, open_store


@click.command()
@click.option(
    "--store", "url", envvar="DATABASE_URL", required=True, metavar="URL", help="The store; DATABASE_URL by default."
)
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Above 1: over Ray, so many at once."
)
@click.option(
    "--decisions", type=click.Path(path_type=Path, dir_okay=False), help="A file for all decisions, as JSON Lines."
)
def command(url: str, workers: int, decisions: Path | None) -> None:
    """Replay a log from its beginning: every delivery is stepped again by the revision that decided it, and nothing is written or sent.

    It ends with 1 where the state that comes out is not the one that the store holds. Nobody else should work on the store meanwhile.
    With `--workers` the partitions are shared out over Ray (pip install 'rulewright[ray]'): the same decisions, byte for byte. RAY_ADDRESS
    names a cluster that runs already; all of it must reach the store.

    \b
    Examples:
      rulewright replay --store sqlite:///team.db
      rulewright replay --store postgresql://rulewright@db/rulewright --workers 8 --decisions decisions.jsonl
    """
    if decisions is not None:
        writable(decisions)
    store = open_store(url)
    if not isinstance(store, DatabaseStore):
        raise RulewrightError("store_unshared", "there is no log in memory to replay", hint="--store sqlite:///team.db")
    played = _played(store, url, workers)
    if decisions is not None:
        with told(decisions), decisions.open("wb") as file:
            file.writelines(line + b"\n" for _, lines in played.decisions for line in lines)
    found = packed_hash(played.states)
    same = found == packed_hash(packed(live(store, list(played.states))))
    count = sum(len(lines) for _, lines in played.decisions)
    click.echo(f"{store.sequence():,} events, {len(played.states):,} partitions, {count:,} decisions")
    click.echo(f"state {found}: {'what the store holds' if same else 'the store holds another one'}")
    store.close()
    sys.exit(0 if same else 1)


def _played(store: DatabaseStore, url: str, workers: int) -> Played:
    program = active(store)
    programs = programs_of(store, program)
    if workers == 1:
        return joined(programs, 1, lambda parts: [play(program, store, part) for part in parts])
    from engine.runtime.cluster import cluster

    with (
        cluster(partial(play_at, url), workers) as run,
        _shown(len(first(programs, workers)) + len(second(programs, workers, ()))) as tell,
    ):

        def noted(parts: Sequence[Part]) -> Iterator[Played]:
            for played in run(parts):
                tell()
                yield played

        return joined(programs, workers, noted)


@contextmanager
def _shown(parts: int) -> Iterator[Callable[[], None]]:
    """A progress bar over the parts, on a terminal."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("replay", total=parts)
        yield lambda: progress.advance(task)
