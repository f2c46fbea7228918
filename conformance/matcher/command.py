"""`python -m conformance matcher`."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click
from rich.console import Console
from rich.progress import track

from conformance.matcher.compare import Difference, beside_brute_force, beside_clips, clips_installed

SHOWN = 3


@click.command("matcher")
@click.option("--seeds", type=click.IntRange(1), default=1000, show_default=True, help="How many random programs.")
@click.option("--first", type=int, default=0, show_default=True, help="The first seed.")
def command(seeds: int, first: int) -> None:
    """Play random rules beside brute force, and beside CLIPS where clipspy is there (extra `oracles`).

    Fails when there is a difference.

    \b
    Example:
      python -m conformance matcher --seeds 5000
    """
    found = _played("brute force", beside_brute_force, first, seeds)
    if clips_installed():
        found += _played("CLIPS", beside_clips, first, seeds)
    else:
        click.echo("CLIPS: not played, clipspy is missing: pip install 'rulewright[oracles]'")
    sys.exit(1 if found else 0)


def _played(beside: str, play: Callable[[int], Difference | None], first: int, seeds: int) -> int:
    console = Console(stderr=True)
    every = range(first, first + seeds)
    bar = track(every, beside, console=console, transient=True, disable=not console.is_terminal)
    differences = [one for one in map(play, bar) if one is not None]
    click.echo(f"{beside}: {seeds:,} programs from seed {first}, {len(differences)} differences")
    for one in differences[:SHOWN]:
        click.echo(str(one))
    return len(differences)
