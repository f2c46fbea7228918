"""`rulewright test`: the packs' own tests."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import click

from engine.cli import params_of
from engine.cli.target import told, writable
from engine.core.program import Program
from engine.pack import load
from engine.runtime.packtests import Result, parts, run


@click.command()
@click.argument("packs", nargs=-1, required=True, metavar="PACK…")
@click.option("--coverage", is_flag=True, help="Say which states, levels and rules no test touches.")
@click.option("--junit", type=click.Path(path_type=Path), help="Also write the results as JUnit XML.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Override a param of the pack.")
def command(packs: tuple[str, ...], coverage: bool, junit: Path | None, params: tuple[str, ...]) -> None:
    """Run the tests that PACK ships. Time is virtual; nothing is sent. Exits with 1 when a test fails.

    \b
    Examples:
      rulewright test sales
      rulewright test my-pack/ --coverage --junit results.xml
    """
    if junit is not None:
        writable(junit)
    program = load(list(packs), params_of(params))
    results = []
    for result in run(program):
        results.append(result)
        _show(result)
    failed = sum(not result.passed for result in results)
    click.echo(f"{len(results) - failed} passed, {failed} failed")
    if coverage:
        _cover(program, results)
    if junit is not None:
        _write_junit(junit, program.name, results)
    if failed or not results:
        sys.exit(1)


def _show(result: Result) -> None:
    word = click.style("PASS", fg="green") if result.passed else click.style("FAIL", fg="red")
    click.echo(f"{result.test.name}: {word} ({result.seconds * 1000:.1f} ms)")
    for failure in result.failures:
        click.echo(f"    {failure}")
    if not result.passed and result.test.place is not None:
        click.echo(f"    at {result.test.place}")


def _cover(program: Program, results: Iterable[Result]) -> None:
    every = parts(program)
    seen = frozenset[str]().union(*(result.touched for result in results))
    missed = [part for part in every if part not in seen]
    share = 100 * (len(every) - len(missed)) / len(every) if every else 100.0
    click.echo(f"coverage: {share:.0f} % ({len(every) - len(missed)} of {len(every)})")
    for part in missed:
        click.echo(f"    not touched: {part}")


def _write_junit(path: Path, name: str, results: list[Result]) -> None:
    failures = str(sum(not result.passed for result in results))
    suite = ElementTree.Element("testsuite", name=name, tests=str(len(results)), failures=failures)
    for result in results:
        case = ElementTree.SubElement(suite, "testcase", name=result.test.name, time=f"{result.seconds:.6f}")
        if not result.passed:
            ElementTree.SubElement(case, "failure", message=result.failures[0]).text = "\n".join(result.failures)
    with told(path):
        ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
