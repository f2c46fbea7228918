"""`python -m conformance SUITE`."""

from __future__ import annotations

from importlib import import_module

import click

SUITES = {
    "api": "conformance.api.command:command",
    "cel": "conformance.cel.command:cel",
    "crash": "conformance.crash.command:command",
    "durable": "conformance.durable_rules.command:command",
    "fuzz": "conformance.cel.command:fuzz",
    "matcher": "conformance.matcher.command:command",
    "reload": "conformance.reload.command:command",
    "scxml": "conformance.scxml.command:command",
    "time": "conformance.time.command:command",
}
"""The commands by name: each from the module of its suite, which is imported when it is asked for."""


class Suites(click.Group):
    """Sub-commands that are imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The suites."""
        return list(SUITES)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a suite."""
        if name not in SUITES:
            return None
        module, _, command = SUITES[name].partition(":")
        found: click.Command = getattr(import_module(module), command)
        return found


@click.command(cls=Suites)
def main() -> None:
    """Run a suite that others have written against the engine; it ends with 1 where something fails that is not listed."""


if __name__ == "__main__":
    main(prog_name="python -m conformance")
