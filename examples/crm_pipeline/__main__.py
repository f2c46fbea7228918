"""`python -m examples.crm_pipeline FOLDER`: the export through the engine, and what became of the quotes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from engine import Engine
from engine.errors import RulewrightError
from examples.crm_pipeline.events import UNTIL, Data, entities, events
from examples.crm_pipeline.export import Export
from examples.crm_pipeline.report import Report
from examples.crm_pipeline.tally import lines, rejects

BATCH = 500
"""Events to a call: what the progress bar moves by."""


def replay(folder: Path, *, store: str = "memory:", stall: str = "60d") -> Report:
    """Run the export in `folder` through the sales packs, in virtual time up to `UNTIL`.

    The answer is read from the records in the store, so a second replay into the same one gives the same report.
    Raises `FileNotFoundError` when a file of the export is missing.
    """
    export = Export.read(folder)
    with Engine.open("sales", store, params={"quote_stall": stall}) as engine:
        for entity, data in entities(export):
            engine.put(entity, data)
        for batch, places in _batches(events(export)):
            engine.handle_many(batch, places)
        engine.advance(UNTIL)
        reps = {row.id: row.agent for row in export.opportunities}
        return Report(len(export.opportunities), lines(engine, reps), rejects(engine), dict(export.mended))


def _batches(found: list[tuple[Data, str]]) -> Iterator[tuple[list[Data], list[str]]]:
    console = Console(stderr=True)
    starts = range(0, len(found), BATCH)
    for start in track(starts, "replaying", console=console, transient=True, disable=not console.is_terminal):
        part = found[start : start + BATCH]
        yield [event for event, _ in part], [place for _, place in part]


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@click.option("--store", default="memory:", show_default=True, help="Keep everything in sqlite:///PATH, for `explain`.")
@click.option("--stall", default="60d", show_default=True, help="How long a quote may wait before it is stalled.")
def main(folder: Path, as_json: bool, store: str, stall: str) -> None:
    """Replay the CRM export in FOLDER (sales_teams, accounts, products and sales_pipeline as .csv).

    \b
    Examples:
      python -m examples.crm_pipeline ../shared/data/crm
      python -m examples.crm_pipeline ../shared/data/crm --json
      python -m examples.crm_pipeline ../shared/data/crm --stall 90d --store sqlite:///crm.db
    """
    started = time.perf_counter()
    try:
        report = replay(folder, store=store, stall=stall)
    except FileNotFoundError as failure:
        raise click.ClickException(f"{failure.filename} is missing: FOLDER must hold the four files") from failure
    except RulewrightError as failure:
        raise click.ClickException(str(failure)) from failure
    if as_json:
        click.echo(json.dumps(report.mapping(), ensure_ascii=False, indent=2))
    else:
        report.show(Console(highlight=False))
    click.echo(f"{report.rows:,} opportunities in {time.perf_counter() - started:.1f} s", err=True)


if __name__ == "__main__":
    main(prog_name="python -m examples.crm_pipeline")
