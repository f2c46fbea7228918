"""`rulewright keys`: API keys are made, listed and revoked."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from engine.errors import RulewrightError
from engine.server.keyring import SCOPES, new_key
from engine.store import DatabaseStore, open_store

_STORE = click.option(
    "--store", envvar="DATABASE_URL", required=True, metavar="URL", help="The store; DATABASE_URL by default."
)


@click.group()
def command() -> None:
    """Make, list and revoke the API keys of a store."""


@command.command("create")
@_STORE
@click.option("--name", required=True, help="Who bears it, as people know them.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="What it may do; several."
)
@click.option("--source", help="The `source` of the events that it sends; needed for events:write.")
@click.option("--role", "roles", multiple=True, help="A role in which its bearer acts; several.")
def create(store: str, name: str, scopes: tuple[str, ...], source: str | None, roles: tuple[str, ...]) -> None:
    """Make a key, and show it once.

    \b
    Examples:
      rulewright keys create --store sqlite:///team.db --name app --source app --scope events:write
      rulewright keys create --store sqlite:///team.db --name grafana --scope metrics:read
    """
    if "events:write" in scopes and not source:
        raise click.UsageError("a key that sends events has a source: --source NAME")
    if source is not None and source.split("/", 1)[0] == "rulewright":
        raise click.UsageError(f"`{source}` is the engine's own source")
    key, token = new_key(name, tuple(dict.fromkeys(scopes)), source, roles, _now())
    opened = _opened(store)
    opened.keep_key(key)
    opened.close()
    click.echo(token)
    click.echo(f"rulewright: this is key {key.id}; it is shown this once", err=True)


@command.command("ls")
@_STORE
def ls(store: str) -> None:
    """List the keys; their secrets are kept nowhere."""
    opened = _opened(store)
    for key in opened.kept_keys():
        made = datetime.fromtimestamp(key.created / 1_000_000, UTC).date()
        state = "revoked" if key.revoked is not None else f"since {made}"
        roles = f"  roles {','.join(key.roles)}" if key.roles else ""
        source = f"  source {key.source}" if key.source else ""
        click.echo(f"{key.id}  {state:<16}  {key.name}  {','.join(key.scopes)}{source}{roles}")
    opened.close()


@command.command("revoke")
@_STORE
@click.argument("key")
def revoke(store: str, key: str) -> None:
    """Revoke the key with this id; servers know it within five seconds."""
    opened = _opened(store)
    done = opened.revoke_key(key, _now())
    opened.close()
    if not done:
        raise RulewrightError("unknown_key", f"there is no key {key} that holds", hint="rulewright keys ls")
    click.echo(f"rulewright: {key} is revoked", err=True)


def _opened(store: str) -> DatabaseStore:
    opened = open_store(store)
    if not isinstance(opened, DatabaseStore):
        raise RulewrightError(
            "store_unshared", "keys need a store that outlives the command", hint="--store sqlite:///team.db"
        )
    return opened


def _now() -> int:
    return round(time.time() * 1_000_000)
