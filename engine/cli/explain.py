"""`rulewright explain`: why a decision was made, or why it was not."""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine.cli import params_of
from engine.errors import RulewrightError
from engine.pack import load
from engine.runtime.engine import Engine
from engine.store import open_store


@click.command()
@click.argument("decision", required=False, metavar="ID")
@click.option(
    "--why-not",
    "why_not",
    nargs=2,
    metavar="NAME KEY",
    help="An alert, rule or workflow (or WORKFLOW/EVENT, WORKFLOW/STATE), and the key.",
)
@click.option("--at", metavar="T", help="As of this instant (RFC 3339); default: now, in virtual time.")
@click.option("--store", default="sqlite:///demo/rulewright.db", show_default=True, help="Where the log is.")
@click.option("--pack", "packs", multiple=True, help="Another pack than the one that the store was written with.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="With --pack: a param of it.")
@click.option("--json", "as_json", is_flag=True, help="The explanation as one JSON object.")
def command(
    decision: str | None,
    why_not: tuple[str, str] | None,
    at: str | None,
    store: str,
    packs: tuple[str, ...],
    params: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say why the decision ID was made: its place in the pack, its event, and what every part of its conditions was worth.

    \b
    Examples:
      rulewright explain 5f0c9a3e1b7d2c4f8a6e            a decision of the demo
      rulewright explain --why-not visit_discipline r3
      rulewright explain --why-not quote/won q7           why can this quote not be won?
      rulewright explain --why-not quote q7 --at 2026-03-05T12:00:00+08:00 --store sqlite:///week.db
    """
    if (decision is None) == (why_not is None):
        raise click.UsageError("give the id of a decision, or --why-not NAME KEY")
    path = store.removeprefix("sqlite:///")
    if path != store and not Path(path).exists():
        raise RulewrightError(
            "no_store", f"there is no store at {path}", hint="run `rulewright demo` first, or name one with --store"
        )
    with _opened(packs, store, params) as engine:
        explanation = engine.why_not(*why_not, at=at) if why_not is not None else engine.explain(str(decision))
    if as_json:
        click.echo(json.dumps(explanation.mapping(), ensure_ascii=False, indent=2, default=str))
    else:
        click.echo("\n".join(explanation.lines()))


def _opened(packs: tuple[str, ...], store: str, params: tuple[str, ...]) -> Engine:
    """The engine over a store: with the pack that it was written with, unless another one is named."""
    if not packs:
        return Engine.reopen(store)
    return Engine(load(packs, params_of(params)), open_store(store))
