"""`python -m conformance cel` and `fuzz`: how the expression language does beside its standard, and beside another implementation."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from conformance.cel import misses, table
from conformance.cel.cases import CORE, EXTENSIONS, cases
from conformance.cel.fetch import PACKAGE, default_cache, suite
from conformance.cel.runner import Verdict, run

LEAST = 0.994


@click.command()
@click.option("--file", "files", type=click.Choice([*CORE, *EXTENSIONS]), multiple=True, help="Run these files alone.")
@click.option("--verbose", is_flag=True, help="Print every miss, the listed ones too.")
@click.option("--json", "out", type=click.Path(path_type=Path), help="Write the counts and the misses here.")
@click.option("--cache", type=click.Path(path_type=Path), default=default_cache, help="Where the cases are kept.")
def cel(files: tuple[str, ...], verbose: bool, out: Path | None, cache: Path) -> None:
    """Run the published cases of CEL, each compiled and exact, checked and unchecked.

    Fetches them with `npm pack` the first time. Fails when fewer than 99.4 % of the standard's cases pass, or when a
    miss is not listed in conformance/README.md with its reason.

    \b
    Examples:
      python -m conformance cel
      python -m conformance cel --file timestamps --verbose
    """
    chosen = list(cases(suite(cache), frozenset(files or (*CORE, *EXTENSIONS))))
    progress = Console(stderr=True)
    bar = track(chosen, description="cases", console=progress, transient=True, disable=not progress.is_terminal)
    verdicts = [run(case) for case in bar]
    table.show(Console(width=None if sys.stdout.isatty() else 140), verdicts)
    click.echo(f"cases: {PACKAGE}")
    if out is not None:
        out.write_text(json.dumps(_record(verdicts), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if _judge(verdicts, verbose, whole=not files) else 1)


def _judge(verdicts: list[Verdict], verbose: bool, *, whole: bool) -> bool:
    """Print what is wrong; whether nothing is."""
    known = misses.listed(misses.README.read_text(encoding="utf-8"))
    unlisted = misses.unlisted(verdicts, known)
    for verdict in [one for one in verdicts if one.miss is not None] if verbose else unlisted:
        note = "" if verdict in unlisted else "  (listed)"
        click.echo(f"miss: {verdict.case.id}: {verdict.case.expression}\n      {verdict.miss}{note}")
    outdated = misses.outdated(verdicts, known)
    for name in outdated:
        click.echo(f"listed, but passes: {name}")
    share = table.core(verdicts).share
    if whole and share < LEAST:
        click.echo(f"{share:.2%} of the standard's cases pass, at least {LEAST:.1%} are wanted")
    return not unlisted and not outdated and (share >= LEAST or not whole)


def _record(verdicts: list[Verdict]) -> dict[str, object]:
    return {
        "package": PACKAGE,
        "files": [row.mapping() for row in table.rows(verdicts)],
        "standard": table.core(verdicts).mapping(),
        "misses": {one.case.id: one.miss for one in verdicts if one.miss is not None},
    }


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other expressions.")
@click.option("--count", type=click.IntRange(1), default=5000, show_default=True, help="How many expressions.")
def fuzz(seed: int, count: int) -> None:
    """Compare random expressions with cel-expr-python (extra `oracles`), and the compiled code with the exact evaluator.

    Fails when there is a difference that is not explained.

    \b
    Example:
      python -m conformance fuzz --seed 7 --count 20000
    """
    try:
        from conformance.cel.fuzz import fuzz as reports
    except ImportError:
        raise click.ClickException("cel-expr-python is missing: pip install 'rulewright[oracles]'") from None
    progress = Console(stderr=True)
    every = reports(seed, count)
    bar = track(every, "expressions", count, console=progress, transient=True, disable=not progress.is_terminal)
    *_, report = bar
    click.echo(
        f"{count:,} expressions of seed {seed}: " + ", ".join(f"{n:,} {kind}" for kind, n in report.kinds.items())
    )
    for reason, times in report.explained.most_common():
        click.echo(f"explained, {times} times: {reason}")
    for one in report.differences:
        click.echo(
            f"difference, number {one.number}, {one.between}: {one.expression}\n      {one.ours}\n      {one.theirs}"
        )
    click.echo(f"{len(report.differences)} unexplained differences")
    sys.exit(1 if report.differences else 0)
