"""`rulewright demo`: the built-in packs over a simulated team, with messages that arrive, and a page of it all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from engine.demo.hints import DEFAULT
from engine.demo.line import Step, Watch, run
from engine.demo.report import report


@click.command()
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=DEFAULT, show_default=True, help="Where to work."
)
@click.option("--seed", default=7, show_default=True, help="Another seed is another life of the team.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object, and nothing else.")
@click.option("--fresh", is_flag=True, help="Start anew, even where an interrupted run could be gone on with.")
@click.option("--weeks", type=click.IntRange(1, 8), default=8, show_default=True, help="How many weeks to live.")
def command(folder: Path, seed: int, as_json: bool, fresh: bool, weeks: int) -> None:
    """Watch the sales packs decide about a simulated team: eight weeks, twelve reps, sixty customers.

    Messages go through the real connectors to local servers that speak as DingTalk and a webhook do; nothing leaves this
    machine. A run that was interrupted is gone on with; nothing is sent twice.

    \b
    Examples:
      rulewright demo
      rulewright demo --dir team --seed 11
      rulewright demo --json > summary.json
    """
    with _shown() as watch:
        result = run(folder, seed=seed, weeks=weeks, fresh=fresh, watch=watch)
    if as_json:
        paths = {"database": str(result.folder.database), "page": str(result.folder.page)}
        found = {**result.summary.mapping(), "seconds": round(result.seconds, 2), "paths": paths}
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    console = Console()
    report(result, console if console.is_terminal else Console(width=120))


@contextmanager
def _shown() -> Iterator[Watch | None]:
    """A progress bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("第 {task.fields[week]} 周 week"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("demo", total=None, week="W10")

        def watch(step: Step) -> None:
            progress.update(task, total=step.total, completed=step.done, week=f"W{step.week}")

        yield watch
