"""`python -m conformance time`."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.progress import track

from conformance.time.play import differences
from conformance.time.world import program

SHOWN = 3


@click.command("time")
@click.option("--seeds", type=click.IntRange(1), default=500, show_default=True, help="How many random sets of events.")
@click.option("--first", type=int, default=0, show_default=True, help="The first seed.")
def command(seeds: int, first: int) -> None:
    """Play random events in the order of time and late, over every aggregate and every kind of window.

    Fails when windows, open items or alert levels differ in the end.

    \b
    Example:
      python -m conformance time --seeds 5000
    """
    pack, console = program(), Console(stderr=True)
    every = range(first, first + seeds)
    bar = track(every, "time", console=console, transient=True, disable=not console.is_terminal)
    found = [one for one in (differences(pack, seed) for seed in bar) if one is not None]
    metrics = sum(len(scope.windows) + len(scope.opens) for scope in pack.scopes.values())
    click.echo(f"time: {seeds:,} sets of events from seed {first} over {metrics} metrics, {len(found)} differences")
    for one in found[:SHOWN]:
        click.echo(str(one))
    sys.exit(1 if found else 0)
