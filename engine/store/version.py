"""Which schema a store has. A new store is made with the present one, and nothing here moves an old one: `migration` does."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, select

from engine.errors import StoreError
from engine.store import schema, statements
from engine.store.session import Session

stamps = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Where Alembic looks for the revision of a database; ours are numbered as the schema is."""


def prepare(session: Session) -> None:
    """Make the tables of a new store. Raises StoreError `store_version` where they are there, but not those that this program reads."""
    with session.viewing() as connection:
        found = schema_of(connection)
    if found is None:
        with session.appending() as connection:
            found = schema_of(connection)
            if found is None:
                _create(connection)
                return
    if found != schema.VERSION:
        raise StoreError(
            "store_version",
            f"the store has schema {found}; this program reads schema {schema.VERSION}",
            hint=_way(found),
        )


def schema_of(connection: Connection) -> int | None:
    """The number of a store's schema; None: there is nothing yet."""
    if not inspect(connection).has_table(schema.meta.name):
        return None
    found = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.name == "schema"))
    return None if found is None else int(found)


def stamp(connection: Connection, number: int) -> None:
    """Note the number of the schema, for us and for Alembic."""
    statements.SET_META.many(connection, [("schema", str(number))])
    stamps.create(connection, checkfirst=True)
    connection.execute(stamps.delete())
    connection.execute(stamps.insert().values(version_num=str(number)))


def _create(connection: Connection) -> None:
    schema.metadata.create_all(connection)
    stamp(connection, schema.VERSION)


def _way(found: int) -> str:
    if found < schema.VERSION:
        return "stop what works on it, make a copy, then: rulewright store upgrade --store URL"
    return "a later version of Rulewright wrote it: use that, or let it go back with `rulewright store downgrade`"
