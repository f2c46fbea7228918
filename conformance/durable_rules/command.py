"""`python -m conformance durable`."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import click
from rich.console import Console
from rich.progress import track

from conformance.durable_rules.scenario import scenario
from engine.interop.durable_rules import Context, Host

SHOWN = 3
SECONDS = 20
"""How long durable_rules may take for one scenario."""

Firings = list[dict[str, str]]


@click.command("durable")
@click.option("--seeds", type=click.IntRange(1), default=200, show_default=True, help="How many random rulesets.")
@click.option("--first", type=int, default=0, show_default=True, help="The first seed.")
def command(seeds: int, first: int) -> None:
    """Assert random facts to random rulesets, here and in durable_rules (the extra `peers`, which needs a compiler).

    Fails when another set of firings comes out here. Where durable_rules crashes or hangs, there is nothing to compare with.

    \b
    Example:
      python -m conformance durable --seeds 500
    """
    if find_spec("durable") is None:
        raise click.ClickException("durable_rules is missing: pip install 'rulewright[peers]'")
    console = Console(stderr=True)
    every = range(first, first + seeds)
    fired = crashed = differ = 0
    for seed in track(every, "durable_rules", console=console, transient=True, disable=not console.is_terminal):
        there, here = theirs(seed), ours(seed)
        fired += len(here)
        if there is None:
            crashed += 1
        elif _sorted(there) != _sorted(here):
            differ += 1
            if differ <= SHOWN:
                click.echo(f"seed {seed}: {scenario(seed)}\n  there {_sorted(there)}\n  here {_sorted(here)}")
    click.echo(
        f"{seeds:,} rulesets from seed {first}, {fired:,} firings, {differ} differences, {crashed} crashes there"
    )
    sys.exit(1 if differ else 0)


def ours(seed: int) -> Firings:
    """Who took part in each firing here."""
    played = scenario(seed)
    found: Firings = []

    def told(c: Context) -> None:
        found.append({name: c[name].id for name in ("p0", "p1") if c[name] is not None})

    host = Host({"test": played.rules}, {"told": told})
    for message in played.messages:
        host.assert_fact("test", message)
    return found


def theirs(seed: int) -> Firings | None:
    """Who took part in each firing there; None where it crashed or did not come to an end."""
    words = [sys.executable, "-m", "conformance.durable_rules.theirs", str(seed)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    found: Firings = json.loads(done.stdout)
    return found


def _sorted(firings: Firings) -> list[str]:
    return sorted(json.dumps(one, sort_keys=True) for one in firings)
