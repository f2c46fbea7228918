"""Callers of the HTTP API have keys."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, LargeBinary, Text
from sqlalchemy.dialects import postgresql

revision = "6"
down_revision = "5"

_Text = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table of keys."""
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
    """Keys are lost: an earlier version has no callers."""
    op.drop_table("api_keys")
