"""The log, what is decided on it, and the actions that are queued: the first schema that a way leads from."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

revision = "3"
down_revision = None

_tables = MetaData()
_Text = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_Sequence = BigInteger().with_variant(Integer, "sqlite")
_PENDING, _CLAIMED = "status = 'pending'", "status = 'claimed'"
_ENDED = "status IN ('sent', 'unknown', 'dead')"
_CORRECTING = "corrects IS NOT NULL"


def upgrade() -> None:
    """Make all tables."""
    _tables.create_all(op.get_bind())


def downgrade() -> None:
    """Drop all tables."""
    _tables.drop_all(op.get_bind())


Table(
    "events",
    _tables,
    Column("seq", _Sequence, primary_key=True, autoincrement=False),
    Column("source", _Text, nullable=False),
    Column("id", _Text, nullable=False),
    Column("type", _Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("now", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("source", "id"),
)

Table(
    "deliveries",
    _tables,
    Column("scope", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

Table(
    "partitions",
    _tables,
    Column("scope", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("workflows", LargeBinary),
    Column("metrics", LargeBinary),
    Column("decisions", LargeBinary),
    Column("memory", LargeBinary),
)

Table(
    "timers",
    _tables,
    Column("scope", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("name", _Text, primary_key=True),
    Column("due", BigInteger, nullable=False),
    Index("timers_due", "due"),
    sqlite_with_rowid=False,
)

Table(
    "decisions",
    _tables,
    Column("n", _Sequence, primary_key=True),
    Column("id", _Text, nullable=False, unique=True),
    Column("seq", BigInteger, nullable=False),
    Column("kind", _Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("event", _Text),
    Column("scope", _Text),
    Column("key", _Text),
    Column("name", _Text),
    Column("revision", _Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("decisions_partition", "scope", "key"),
)

Table(
    "outbox",
    _tables,
    Column("n", _Sequence, primary_key=True),
    Column("id", _Text, nullable=False, unique=True),
    Column("dedupe_key", _Text, nullable=False, unique=True),
    Column("do", _Text, nullable=False),
    Column("name", _Text, nullable=False),
    Column("scope", _Text, nullable=False),
    Column("key", _Text, nullable=False),
    Column("to", _Text),
    Column("to_entity", _Text),
    Column("content", _Text, nullable=False, comment="JSON"),
    Column("attach", _Text, comment="JSON"),
    Column("correction", Boolean, nullable=False),
    Column("corrects", _Text),
    Column("at", BigInteger, nullable=False, comment="virtual time of the decision"),
    Column("status", _Text, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lease_until", BigInteger),
    Column("token", _Text),
    Column("doubtful", Boolean, nullable=False),
    Column("result", _Text, comment="JSON"),
    Column("code", _Text),
    Column("reason", _Text),
    Column("receipted", Boolean, nullable=False),
    Index("outbox_due", "not_before", sqlite_where=text(_PENDING), postgresql_where=text(_PENDING)),
    Index("outbox_leases", "lease_until", sqlite_where=text(_CLAIMED), postgresql_where=text(_CLAIMED)),
    Index(
        "outbox_receipts",
        "n",
        sqlite_where=text(f"receipted = 0 AND {_ENDED}"),
        postgresql_where=text(f"NOT receipted AND {_ENDED}"),
    ),
    Index("outbox_corrections", "corrects", sqlite_where=text(_CORRECTING), postgresql_where=text(_CORRECTING)),
)

Table(
    "attempts",
    _tables,
    Column("action", _Text, primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("token", _Text, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("request_hash", _Text, nullable=False),
    Column("status", _Text, nullable=False),
    Column("finished", BigInteger),
    Column("error_class", _Text),
    Column("code", _Text),
    Column("reason", _Text),
    Column("result", _Text, comment="JSON"),
)

Table(
    "entities",
    _tables,
    Column("n", _Sequence, primary_key=True),
    Column("entity", _Text, nullable=False),
    Column("key", _Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("entity", "key", "at", "seq"),
)

Table(
    "uniques",
    _tables,
    Column("code", _Text, primary_key=True),
    Column("value", _Text, primary_key=True),
    Column("event", _Text, nullable=False),
    sqlite_with_rowid=False,
)

Table(
    "published",
    _tables,
    Column("entity", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("name", _Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

Table(
    "rejects",
    _tables,
    Column("n", _Sequence, primary_key=True),
    Column("id", _Text, nullable=False, unique=True),
    Column("at", BigInteger),
    Column("source", _Text),
    Column("event", _Text),
    Column("code", _Text, nullable=False),
    Column("reason", _Text, nullable=False),
    Column("line", LargeBinary, nullable=False, comment="as it came in"),
    Column("place", _Text, comment="file:line"),
)

Table(
    "crashes",
    _tables,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("scope", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("event", _Text, nullable=False),
    Column("claims", Integer, nullable=False),
    Column("error", _Text, nullable=False),
    Column("given_up", Boolean, nullable=False),
)

Table(
    "packs",
    _tables,
    Column("revision", _Text, primary_key=True),
    Column("name", _Text, nullable=False),
    Column("version", _Text, nullable=False),
    Column("files", LargeBinary, nullable=False),
    Column("params", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)

Table("meta", _tables, Column("name", _Text, primary_key=True), Column("value", _Text, nullable=False))
