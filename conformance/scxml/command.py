"""`python -m conformance scxml`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import click
from rich.console import Console
from rich.table import Table

from conformance.scxml.known import CASES, LEFT_OUT, SUPERSEDED
from conformance.scxml.play import Result, Status, play
from conformance.scxml.suite import cases, fetched


@click.command("scxml")
@click.option("--verbose", is_flag=True, help="Say of every case how it went, and print the packs of those that fail.")
@click.option("--case", "chosen", metavar="NAME", help="Play this case alone, and print its pack.")
def command(verbose: bool, chosen: str | None) -> None:
    """Play SCION's SCXML tests: each chart becomes a pack, its events go through the ordinary engine in virtual time.

    npm fetches the tests once (@scion-scxml/test-framework, Apache-2.0); they are not part of this repository.

    \b
    Examples:
      python -m conformance scxml
      python -m conformance scxml --case history/history0
    """
    found = [case for case in cases(fetched(), SUPERSEDED) if chosen in (None, case.name)]
    if not found:
        raise click.ClickException(f"there is no case {chosen}")
    results = [play(case) for case in found]
    for result in results:
        if verbose or chosen or result.status == "failed":
            click.echo(f"{result.status:<9} {result.case.name}  {result.detail}".rstrip())
        if chosen or (verbose and result.status == "failed"):
            click.echo(result.pack)
    if not chosen:
        _show(results)
    surprises = list(surprising(results, CASES if chosen is None else 1))
    for surprise in surprises:
        click.echo(surprise, err=True)
    if surprises:
        raise SystemExit(1)


def surprising(results: Sequence[Result], count: int) -> Iterator[str]:
    """What is not as `known` says: every case passes, or is left out and listed there."""
    if len(results) != count:
        yield f"{len(results)} cases instead of {count}"
    for result in results:
        name, listed = result.case.name, result.case.name in LEFT_OUT
        if result.status == "failed":
            yield f"{name} failed"
        elif (result.status == "left out") != listed:
            yield f"{name} {result.status}, but is {'' if listed else 'not '}listed among those that are left out"


def _show(results: Sequence[Result]) -> None:
    table = Table("group", "passed", "failed", "left out", "why it is left out", title="SCION's SCXML tests")
    for group in dict.fromkeys(result.case.group for result in results):
        inside = [result for result in results if result.case.group == group]
        table.add_row(
            group, *_counts(inside), "\n".join(dict.fromkeys(one.detail for one in inside if one.status == "left out"))
        )
    table.add_section()
    for what, chosen in (
        ("structural", [one for one in results if one.case.structural]),
        ("data and conditions", [one for one in results if not one.case.structural and not one.case.scripted]),
        ("scripts", [one for one in results if one.case.scripted]),
        ("all", results),
    ):
        table.add_row(what, *_counts(chosen), "")
    Console(width=150).print(table)


def _counts(results: Iterable[Result]) -> list[str]:
    listed = list(results)
    wanted: tuple[Status, ...] = ("passed", "failed", "left out")
    return [str(sum(one.status == status for one in listed)) for status in wanted]
