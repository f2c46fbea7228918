"""`rulewright check`: every mistake of a pack, at its place, with a hint."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from engine.cli import params_of
from engine.cli.mistakes import show
from engine.pack import diagnose
from engine.pack.diagnostic import Diagnostic

EPILOG = """\b
Examples:
  rulewright check sales
  rulewright check my-pack --param quote_stall=60d
  rulewright check workflows rules --format json
"""


def summary(packs: Sequence[str], found: Sequence[Diagnostic]) -> str:
    """`sales: 0 errors, 1 warning`."""
    errors = sum(one.severity == "error" for one in found)
    warnings = len(found) - errors
    return f"{' '.join(packs)}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


@click.command("check", epilog=EPILOG)
@click.argument("packs", nargs=-1, required=True, metavar="PACK…")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print what is found."
)
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Override a parameter of the pack.")
def command(packs: tuple[str, ...], form: str, params: tuple[str, ...]) -> None:
    """Check packs: every mistake, as file:line:column: code: message.

    PACK is a folder, a file, or the name of a built-in pack (sales). Exits with 1 when there are errors; warnings are
    printed and do not count.
    """
    found = diagnose(packs, params_of(params))
    if form == "json":
        click.echo(json.dumps([one.as_json() for one in found], ensure_ascii=False, indent=2))
    else:
        show(found)
        click.echo(summary(packs, found))
    if any(one.severity == "error" for one in found):
        sys.exit(1)
