"""The command `rulewright`. Each verb is a module, imported when it is called: `check` never loads the store."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from engine.errors import RulewrightError

VERBS = (
    "demo", "check", "test", "run", "backtest", "explain", "diagram", "packs", "serve", "work", "keys", "replay", "store",
)  # fmt: skip


class Verbs(click.Group):
    """A group whose commands live in modules of their own name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order in which a newcomer meets them."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb; None for an unknown one."""
        del ctx
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"engine.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a hint for a mistyped verb."""
        import difflib

        close = difflib.get_close_matches(args[0], VERBS, 1) if args and args[0] not in VERBS else []
        if close:
            raise click.UsageError(f"no such command `{args[0]}`; did you mean `{close[0]}`?", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rulewright")
def group() -> None:
    """Working rules of a sales team, written in YAML: checked, tested, run and explained.

    \b
    Start here:
      rulewright demo                 a simulated team, and what the rules make of it
      rulewright check my-pack/       every mistake, with its place
      rulewright test my-pack/        the pack's own tests
      rulewright run sales --events events.jsonl --entities entities.jsonl

    PACK is a folder of YAML files, or the name of a built-in pack (sales).
    """


def main() -> None:
    """The entry point. Mistakes are a sentence on standard error and a code, never a traceback.

    Whoever reads the output may stop reading: that ends the command with 1, and without a word.
    """
    try:
        group(standalone_mode=True)
    except RulewrightError as failure:
        _explain(failure)
        sys.exit(1)
    except OSError as failure:
        if failure.filename is not None:
            raise
        _lose(failure)
        sys.exit(1)


def _lose(failure: OSError) -> None:
    """Standard output takes nothing any more: say why, and let what is left of the output go, or it would fail again at the end."""
    if not isinstance(failure, BrokenPipeError):
        click.echo(f"rulewright: the output cannot be written: {failure.strerror}", err=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(failure: RulewrightError) -> None:
    """A pack that does not check shows all its mistakes, anything else its sentence."""
    from engine.cli.mistakes import show
    from engine.pack.diagnostic import BrokenPackError

    if isinstance(failure, BrokenPackError):
        show(failure.diagnostics, err=True)
        click.echo("rulewright: the pack has mistakes; nothing was run", err=True)
    else:
        click.echo(f"rulewright: {failure}", err=True)


def params_of(pairs: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` options as a mapping. Raises `click.BadParameter` without an equals sign."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"`{pair}`: write NAME=VALUE, e.g. quote_stall=60d", param_hint="--param")
        found[name] = value
    return found
