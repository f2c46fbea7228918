"""How mistakes of a pack are shown: place, source line, caret, hint; colours on a terminal only."""

from __future__ import annotations

from collections.abc import Sequence

import click

from engine.pack.diagnostic import Diagnostic


def show(found: Sequence[Diagnostic], *, err: bool = False) -> None:
    """Print diagnostics, to standard error with `err`."""
    for one in found:
        head, *rest = one.render().split("\n")
        click.echo(click.style(head, fg="red" if one.severity == "error" else "yellow", bold=True), err=err)
        for line in rest:
            click.echo(click.style(line, fg="cyan") if line.startswith("hint:") else line, err=err)
        click.echo(err=err)
