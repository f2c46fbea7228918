"""`python -m benchmarks`: measures, prints a table and writes JSON."""

from __future__ import annotations

import cProfile
import json
import pstats
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import click
from rich.console import Console

from benchmarks import (
    charts,
    conditions,
    durable,
    holding,
    http,
    joins,
    matcher,
    postgres,
    reading,
    stream,
    timers,
    windows,
)
from benchmarks.figure import FULL, QUICK, SMOKE, Figure, Size
from benchmarks.machine import machine
from benchmarks.paper import markdown, show

TOPICS: Mapping[str, ModuleType] = {
    one.TOPIC: one
    for one in (stream, durable, postgres, timers, conditions, matcher, joins, holding, charts, windows, reading, http)
}
OUT = Path(__file__).with_name("out") / "figures.json"


@click.command()
@click.option("--only", type=click.Choice(list(TOPICS)), multiple=True, help="Measure these topics alone.")
@click.option("--quick", "size", flag_value="quick", help="A quarter of the events.")
@click.option("--smoke", "size", flag_value="smoke", help="Hardly anything: shows that it runs, and no more.")
@click.option("--json", "out", type=click.Path(path_type=Path), default=OUT, help="Where the JSON goes.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table as Markdown.")
@click.option("--profile", "profiled", is_flag=True, help="Print the hottest functions of each topic instead.")
def main(only: tuple[str, ...], size: str | None, out: Path, as_markdown: bool, profiled: bool) -> None:
    """Measure the engine beside floors and peers: medians of three runs, all in one go.

    Other engines are measured too where they are installed (extra `peers`; durable-rules needs a C compiler, Drools needs Java).

    \b
    Examples:
      python -m benchmarks
      python -m benchmarks --quick --only stream --only matcher
      python -m benchmarks --markdown --json figures.json
    """
    chosen = [TOPICS[name] for name in only or TOPICS]
    measured = {"quick": QUICK, "smoke": SMOKE, None: FULL}[size]
    if profiled:
        for topic in chosen:
            hottest(topic, measured)
        return
    figures = list(_measured(chosen, measured))
    out.parent.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "size": measured.name, "figures": [figure.mapping() for figure in figures]}
    out.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if as_markdown:
        click.echo(markdown(machine(), figures))
    else:
        show(Console(width=None if sys.stdout.isatty() else 160), machine(), figures)
    click.echo(f"written to {out}", err=True)


def hottest(topic: ModuleType, size: Size) -> None:
    """Print where the time of a topic goes, by functions' own time."""
    profile = cProfile.Profile()
    with topic.work(size) as work:
        profile.runcall(work)
    click.echo(f"\n== {topic.TOPIC}")
    pstats.Stats(profile, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(30)


def _measured(topics: list[ModuleType], size: Size) -> Iterator[Figure]:
    console = Console(stderr=True)
    for topic in topics:
        with console.status(f"measuring: {topic.TOPIC}"):
            yield from topic.measure(size)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
