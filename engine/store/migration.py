"""Moves a store from one schema to another, up or down, with Alembic: in one transaction, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from engine.errors import StoreError
from engine.store import schema, version
from engine.store.session import Session


@dataclass(frozen=True, slots=True)
class Moved:
    """The numbers of the schema before (None: the store was empty) and after."""

    before: int | None
    after: int


def upgrade(session: Session, to: int = schema.VERSION) -> Moved:
    """Move a store up to a schema; nothing happens where it is there, or beyond. Raises StoreError `store_version` where no way leads."""

    def act(connection: Connection, before: int | None) -> bool:
        if before is not None and before >= to:
            return False
        command.upgrade(_config(connection), str(to))
        return True

    return _moved(session, to, act)


def downgrade(session: Session, to: int) -> Moved:
    """Move a store down to an earlier schema, for an earlier program; what that cannot hold is lost.

    Raises StoreError `store_version` where no way leads, `store_waiting` where work would be lost.
    """

    def act(connection: Connection, before: int | None) -> bool:
        if before is None or before <= to:
            return False
        command.downgrade(_config(connection), str(to))
        return True

    return _moved(session, to, act)


def revisions() -> dict[int, str]:
    """The schemas between which there is a way, the earliest first, each with a sentence."""
    script = ScriptDirectory.from_config(_config(None))
    return {int(one.revision): one.doc for one in reversed(list(script.walk_revisions()))}


def _moved(session: Session, to: int, act: Callable[[Connection, int | None], bool]) -> Moved:
    known = revisions()
    with session.appending() as connection:
        before = version.schema_of(connection)
        for number in (before, to):
            if number is not None and number not in known:
                shown = " and ".join(map(str, known))
                raise StoreError("store_version", f"no way leads between schema {number} and schemas {shown}")
        if before is not None:
            version.stamp(connection, before)  # a store from before the migrations has no stamp yet
        if not act(connection, before):
            return Moved(before, to if before is None else before)
        version.stamp(connection, to)
    return Moved(before, to)


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", "engine.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
