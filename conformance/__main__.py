"""`python -m conformance SUITE`."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import click

SUITES = ("cel", "fuzz", "scxml")


class Suites(click.Group):
    """Sub-commands, each from the module of its suite, which is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The suites that are there."""
        return [name for name in SUITES if find_spec(f"conformance.{name}") is not None]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of a suite."""
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"conformance.{name}").command
        return command


@click.command(cls=Suites)
def main() -> None:
    """Run a suite that others have written against the engine; it ends with 1 where something fails that is not listed."""


if __name__ == "__main__":
    main(prog_name="python -m conformance")
