"""`rulewright serve`: the HTTP API."""

from __future__ import annotations

import time

import click

from engine.cli import params_of
from engine.cli.work import queue_at
from engine.core.program import Program
from engine.errors import RulewrightError
from engine.pack import load
from engine.runtime.hosts import active
from engine.store import DatabaseStore, open_store


@click.command()
@click.option(
    "--store", envvar="DATABASE_URL", required=True, metavar="URL", help="The store; DATABASE_URL by default."
)
@click.option("--pack", "packs", multiple=True, metavar="PACK", help="For a fresh store: the pack that it begins with.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="With --pack: a param of it.")
@click.option(
    "--redis", envvar="REDIS_URL", metavar="URL", help="Redis, which tells workers at once; REDIS_URL by default."
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any that is free.")
@click.option("--work/--no-work", default=None, help="Whether to step and act, too; by default on SQLite alone.")
@click.option(
    "--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="That step, and as many that act."
)
@click.option("--rate", type=click.FloatRange(1), default=500.0, show_default=True, help="Requests a second and key.")
@click.option("--burst", type=click.IntRange(1), default=1_000, show_default=True, help="Requests at once and key.")
@click.option("--body", type=click.IntRange(1024), default=8 << 20, show_default=True, help="Bytes of a body, at most.")
def command(
    store: str,
    packs: tuple[str, ...],
    params: tuple[str, ...],
    redis: str | None,
    host: str,
    port: int,
    work: bool | None,
    threads: int,
    rate: float,
    burst: int,
    body: int,
) -> None:
    """Serve the HTTP API over a store until it is told to stop (SIGTERM, Ctrl-C).

    Every request needs a key of `rulewright keys create`, but for /healthz and /readyz. The description is at /openapi.json.

    \b
    Examples:
      rulewright serve --pack sales --store sqlite:///team.db
      rulewright serve --store postgresql://rulewright@db/rulewright --redis redis://queue:6379/0 --host 0.0.0.0
    """
    try:
        from engine.server.log import log_as_json
        from engine.server.office import Office
        from engine.server.run import serve
        from engine.server.settings import Settings
    except ModuleNotFoundError as missing:
        hint = "pip install 'rulewright[server]'"
        raise RulewrightError("not_installed", f"the server needs {missing.name}", hint=hint) from missing
    log_as_json()
    opened = open_store(store)
    if not isinstance(opened, DatabaseStore):
        raise RulewrightError(
            "store_unshared", "a server needs a store that outlives it", hint="--store sqlite:///team.db"
        )
    program = _program(opened, packs, params)
    working = store.startswith("sqlite") if work is None else work
    settings = Settings(body_bytes=body, rate=rate, burst=burst, work=working, threads=threads)
    office = Office(program, opened, settings, broker=None if redis is None else queue_at(redis))
    if not any(key.revoked is None for key in opened.kept_keys()):
        click.echo("rulewright: there is no API key yet: rulewright keys create --help", err=True)
    serve(
        office, host, port, lambda address: click.echo(f"rulewright: serving {program.revision} at {address}", err=True)
    )


def _program(store: DatabaseStore, packs: tuple[str, ...], params: tuple[str, ...]) -> Program:
    """The store's active pack; a fresh store begins with `packs`."""
    saved = store.active_pack()
    if saved is not None:
        if packs and load(packs, params_of(params)).revision != saved.revision:
            hint = f"leave --pack out to serve {saved.revision}, or activate it: rulewright packs activate"
            raise RulewrightError("other_pack", "another revision is active on this store", hint=hint)
        return active(store)
    if not packs:
        raise RulewrightError("no_pack", "no pack is active on this store", hint="name one with --pack")
    program = load(packs, params_of(params))
    files = {name: text.encode() for name, text in program.files.items()}
    now = round(time.time() * 1_000_000)
    store.save_pack(program.revision, program.name, program.version, files, program.params, now)
    return program
