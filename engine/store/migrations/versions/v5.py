"""Revisions are activated at a sequence of the log; processes say which one they decide by; programs have keys."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text, func, select, table
from sqlalchemy.dialects import postgresql

from engine.errors import StoreError

revision = "5"
down_revision = "4"

_Sequence = BigInteger().with_variant(Integer, "sqlite")
_Text = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the audit of activations, the list of processes, and the keys."""
    op.create_table(
        "activations",
        Column("seq", _Sequence, primary_key=True, autoincrement=False),
        Column("revision", _Text, nullable=False),
        Column("previous", _Text, nullable=False),
        Column("at", BigInteger, nullable=False, comment="virtual time"),
        Column("when", BigInteger, nullable=False, comment="wall-clock time"),
        Column("by", _Text, nullable=False),
        Column("note", _Text, nullable=False),
        Column("tests", Integer, comment="how many passed; NULL: they were not run"),
        Column("begun", LargeBinary, nullable=False),
        Column("pinned", LargeBinary, nullable=False),
    )
    op.create_table(
        "members",
        Column("owner", _Text, primary_key=True),
        Column("kind", _Text, nullable=False),
        Column("seen", BigInteger, nullable=False),
        Column("revision", _Text, nullable=False),
        Column("ready", _Text, nullable=False),
        Column("failure", _Text),
    )
    op.create_table(
        "api_keys",
        Column("id", _Text, primary_key=True),
        Column("name", _Text, nullable=False),
        Column("hash", LargeBinary, nullable=False, comment="SHA-256 of the secret, which is kept nowhere"),
        Column("scopes", _Text, nullable=False, comment="JSON"),
        Column("source", _Text),
        Column("roles", _Text, nullable=False, comment="JSON"),
        Column("created", BigInteger, nullable=False),
        Column("revoked", BigInteger),
    )


def downgrade() -> None:
    """An earlier version would decide the whole log by one revision: what was decided could not be told any more."""
    made = op.get_bind().scalar(select(func.count()).select_from(table("activations"))) or 0
    if made:
        hint = "restore the copy that was made before the upgrade"
        raise StoreError(
            "store_activated", f"{made} revisions were activated, and schema 4 has no word for that", hint=hint
        )
    op.drop_table("api_keys")
    op.drop_table("members")
    op.drop_table("activations")
