"""`python -m conformance crash`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from conformance.crash.fleet import CLAIM
from conformance.crash.run import TAKEOVER, Run, Size
from conformance.crash.watch import Left


@click.command("crash")
@click.option("--events", type=click.IntRange(1), default=20_000, show_default=True, help="Events that clients send.")
@click.option("--keys", type=click.IntRange(1), default=500, show_default=True, help="Tasks that they are about.")
@click.option("--seconds", type=click.IntRange(1), default=120, show_default=True, help="Over which they are sent.")
@click.option(
    "--kills", type=click.IntRange(0), default=30, show_default=True, help="Workers that are killed, at least."
)
@click.option("--outage", type=click.IntRange(0), default=20, show_default=True, help="Seconds without PostgreSQL.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--logs", type=click.Path(path_type=Path), metavar="FOLDER", help="A new folder: what each process has said."
)
def command(events: int, keys: int, seconds: int, kills: int, outage: int, seed: int, logs: Path | None) -> None:
    """Kill servers, workers and the queue while events come in, and stop the database: real servers, real processes.

    Afterwards every accepted event is in the state once, every deadline has fired once, every action was done once as far as its receiver
    tells, but for those that are marked unknown, and nothing is stuck. It ends with 1 where anything is otherwise.

    \b
    Examples:
      python -m conformance crash
      python -m conformance crash --events 2000 --seconds 30 --kills 8
    """
    console = Console(stderr=True)
    with ExitStack() as stack:
        run = Run(stack, Size(events, keys, seconds, kills, outage), seed, logs)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("crash", total=events)
            run.play(lambda accepted: progress.update(task, completed=accepted))
        found = run.verdict()
        Console().print(report(run, len(found)))
    for one in found:
        click.echo(f"  {one}")
    sys.exit(1 if found else 0)


def report(run: Run, violations: int) -> Table:
    """A table of what happened."""
    console, fleet, store = Console(), run.fleet, run.store
    statuses = [row.status for row in store.actions()]
    failpoints = ", ".join(f"{point} {count}" for point, count in sorted(fleet.kills.items()) if point != CLAIM)
    unavailable = sum(client.unavailable for client in run.clients)
    rows = {
        "events accepted": f"{len(run.accepted):,} from {run.size.keys} keys: {run.size.events:,} in {run.size.seconds} s, "
        "and then until enough were killed",
        "sent again, and known": f"{sum(client.repeated for client in run.clients):,} events",
        "events in the log": f"{store.sequence():,}",
        "workers killed with a claim": f"{fleet.killed}: {fleet.kills[CLAIM]} from outside; {failpoints}",
        "workers killed otherwise": f"{fleet.idle} without a claim, {fleet.poison} by {run.size.poisons} deadly deliveries",
        "servers killed": ", ".join(f"{how} {count}" for how, count in sorted(run.server_kills.items())),
        "the queue killed": f"{run.queue_kills} times",
        "the database stopped": f"{run.size.outage:g} s; {unavailable} answers were 503; "
        + ("nobody went on" if run.resumed is None else f"work went on {run.resumed:.1f} s after its return"),
        "actions": f"{statuses.count('sent'):,} sent, {statuses.count('unknown')} unknown (at most {run.most_unknown})",
        "messages delivered": f"{len(run.sandbox.deliveries):,}",
        "longest delay after a kill": f"{_span(run.watch.longest('delivery'))} a delivery, "
        f"{_span(run.watch.longest('action'))} an action (at most {TAKEOVER:g} s)",
        "quiet after the last event": "never" if run.settled is None else f"{run.settled:.0f} s",
        "violations": str(violations),
    }
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False, show_header=False)
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _span(left: Left | None) -> str:
    return "none waited for" if left is None else f"{left.waited:.1f} s ({', '.join(left.story)}) for"
