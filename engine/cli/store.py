"""`rulewright store`: which schema a store has, and how it gets another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from engine.errors import RulewrightError
from engine.store import migration, schema, version
from engine.store.opening import open_session, shown
from engine.store.session import Session

_Command = Callable[..., None]


@click.group()
def command() -> None:
    """Look at a store's schema, and move it to another one when Rulewright was updated.

    A move is one transaction: it is done, or nothing has happened. Stop what works on the store first, and keep a copy.

    \b
    Examples:
      rulewright store show --store sqlite:///team.db
      rulewright store upgrade --store postgresql://rulewright@db/rulewright
      rulewright store downgrade --to 3 --store sqlite:///team.db
    """


def _of_store(function: _Command) -> _Command:
    return click.option(
        "--store",
        "url",
        envvar="DATABASE_URL",
        required=True,
        metavar="URL",
        help="The store; DATABASE_URL by default.",
    )(function)


@command.command()
@_of_store
def show(url: str) -> None:
    """Say which schema a store has, and what leads where.

    \b
    Examples:
      rulewright store show --store sqlite:///team.db
    """
    with _opened(url) as session, session.viewing() as connection:
        found = version.schema_of(connection)
    click.echo(f"store {shown(url)}")
    click.echo(f"schema {'none yet' if found is None else found}; this program reads {schema.VERSION}")
    if found is not None and found < schema.VERSION:
        click.echo("rulewright store upgrade brings it there")
    for number, sentence in migration.revisions().items():
        click.echo(f"{'*' if number == found else ' '} {number}  {sentence}")


@command.command()
@_of_store
@click.option("--to", type=int, default=schema.VERSION, show_default=True, help="The schema to move to.")
def upgrade(url: str, to: int) -> None:
    """Move a store up to the schema that this program reads.

    \b
    Examples:
      rulewright store upgrade --store sqlite:///team.db
    """
    with _opened(url) as session:
        _tell(migration.upgrade(session, to))


@command.command()
@_of_store
@click.option("--to", type=int, required=True, help="The schema to move to.")
def downgrade(url: str, to: int) -> None:
    """Move a store down to the schema of an earlier program; what that cannot hold is lost.

    \b
    Examples:
      rulewright store downgrade --to 3 --store sqlite:///team.db
    """
    with _opened(url) as session:
        _tell(migration.downgrade(session, to))


def _tell(moved: migration.Moved) -> None:
    if moved.before == moved.after:
        click.echo(f"schema {moved.after}: nothing to do")
    else:
        click.echo(f"schema {'none' if moved.before is None else moved.before} → {moved.after}")


@contextmanager
def _opened(url: str) -> Iterator[Session]:
    if url == "memory:":
        raise RulewrightError("store_url", "a store in memory has nothing to move", hint="--store sqlite:///team.db")
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.is_file():
        raise RulewrightError(
            "store_unopened", f"there is no file {path}", hint="whoever opens a new store first makes it"
        )
    session = open_session(url)
    try:
        yield session
    finally:
        session.close()
