"""`python -m conformance api`."""

from __future__ import annotations

import sys
import tempfile

import click
import httpx

from conformance import servers
from conformance.api.caller import Caller
from conformance.api.outage import Outage
from conformance.api.served import served

REP = {"id": "r1", "employee_no": "1", "name": "R", "active": True}
CUSTOMER = {"id": "c1", "name": "C", "tier": "A", "industry": "care", "lat": 31.2, "lon": 121.5}


@click.command("api")
@click.option(
    "--examples", type=click.IntRange(1), default=100, show_default=True, help="Requests of a kind and operation."
)
@click.option(
    "--outage", type=click.FloatRange(0), default=20.0, show_default=True, help="Seconds without the database."
)
@click.option("--seed", type=int, default=1, show_default=True)
def command(examples: int, outage: float, seed: int) -> None:
    """Call a server with all that can be made of its description, and stop its database under it.

    No answer may be a mistake of the server's, or other than the description says. While the database is away callers are told when to
    come back, and afterwards everything that was accepted is in the log once.

    \b
    Examples:
      python -m conformance api
      python -m conformance api --examples 20 --outage 5
    """
    failures = [*_described(examples, seed), *_interrupted(outage)]
    for one in failures:
        click.echo(f"  {one}")
    sys.exit(1 if failures else 0)


def _described(examples: int, seed: int) -> list[str]:
    with (
        tempfile.TemporaryDirectory() as folder,
        served(f"sqlite:///{folder}/api.db", "--rate", "100000") as (address, token),
    ):
        caller = Caller(address, token, examples=examples, seed=seed)
        found = list(caller.failures())
    click.echo(f"api: {caller.count:,} requests made from the description, {len(found)} operations answered otherwise")
    return found


def _interrupted(seconds: float) -> list[str]:
    with servers.Postgres() as database, served(database.url, "--work") as (address, token):
        headers = {"Authorization": f"Bearer {token}"}
        for kind, data in (("rep", REP), ("customer", CUSTOMER)):
            path = f"{address}/v1/entities/{kind}/{data['id']}"
            httpx.put(path, json=data, headers=headers, timeout=30).raise_for_status()
        outage = Outage(address, token, database)
        outage.play(seconds)
        found = list(outage.failures())
    told = ", ".join(f"{count} × {status}" for status, count in sorted(outage.statuses.items()))
    click.echo(
        f"api: the database was away for {seconds:g} s: {told}; events were taken again after {outage.back:.1f} s"
    )
    return found


if __name__ == "__main__":
    command()
