"""`rulewright diagram`: a workflow as Mermaid or DOT text."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli import params_of
from engine.cli.target import told, writable
from engine.core.program import Program, Workflow
from engine.errors import RulewrightError
from engine.interop.diagram import Drawing, draw, find, workflows
from engine.interop.dot import dot
from engine.interop.mermaid import mermaid
from engine.pack import load


@click.command()
@click.argument("pack", metavar="PACK")
@click.argument("workflow", required=False)
@click.option("--format", "form", type=click.Choice(["mermaid", "dot"]), default="mermaid", show_default=True)
@click.option("--language", type=click.Choice(["zh", "en"]), help="Of titles and words; default: the pack's own.")
@click.option("--also", multiple=True, metavar="PACK", help="Another folder of the same pack.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Override a param of the pack.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the diagram here instead of standard output.")
def command(
    pack: str,
    workflow: str | None,
    form: str,
    language: str | None,
    also: tuple[str, ...],
    params: tuple[str, ...],
    out: Path | None,
) -> None:
    """Draw a WORKFLOW of PACK, or all of them: states, what moves them, guards, refusals and deadlines.

    DOT text holds one graph after the other; Mermaid text of several workflows is Markdown with a block for each.

    \b
    Examples:
      rulewright diagram sales quote
      rulewright diagram sales quote --format dot --language en | dot -Tsvg > quote.svg
      rulewright diagram sales --out workflows.md
      rulewright diagram workflows visit --also rules
    """
    if out is not None:
        writable(out)
    program = load([pack, *also], params_of(params))
    drawings = [draw(program, chart, language) for chart in _chosen(program, workflow)]
    text = "\n".join(map(dot, drawings)) if form == "dot" else _mermaid(drawings)
    if out is None:
        click.echo(text, nl=False)
        return
    with told(out):
        out.write_text(text, encoding="utf-8")


def _chosen(program: Program, name: str | None) -> list[Workflow]:
    """The named workflow, or all. Raises `RulewrightError` where there is none."""
    if name is not None:
        return [find(program, name)]
    found = list(workflows(program).values())
    if not found:
        raise RulewrightError("no_workflow", f"`{program.name}` has no workflow to be drawn")
    return found


def _mermaid(drawings: list[Drawing]) -> str:
    if len(drawings) == 1:
        return mermaid(drawings[0])
    return "\n".join(f"## {one.title}\n\n```mermaid\n{mermaid(one)}```\n" for one in drawings)
