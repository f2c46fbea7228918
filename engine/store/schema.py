"""The tables. Times are microseconds since the epoch; blobs are MessagePack unless said otherwise."""

from __future__ import annotations

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

VERSION = 5
"""Of the schema, kept in `meta`; a file with another one is not opened."""

metadata = MetaData()

# Conditions of partial indexes: a query uses one only if it says the very same, with literals and not with parameters.
PENDING = "status = 'pending'"
CLAIMED = "status = 'claimed'"
UNFIRED = "fired IS NULL"
UNRECEIPTED = "NOT receipted AND status IN ('sent', 'unknown', 'dead')"

# Text is compared byte by byte, as SQLite and Python do, whatever language a server of PostgreSQL speaks.
_Text = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

# SQLite keeps a table in the order of a key of type INTEGER, and of no other spelling.
_Sequence = BigInteger().with_variant(Integer, "sqlite")

events = Table(
    "events",
    metadata,
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

deliveries = Table(
    "deliveries",
    metadata,
    Column("scope", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

partitions = Table(
    "partitions",
    metadata,
    Column("scope", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("workflows", LargeBinary),
    Column("metrics", LargeBinary),
    Column("decisions", LargeBinary),
    Column("memory", LargeBinary),
)

timers = Table(
    "timers",
    metadata,
    Column("scope", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("name", _Text, primary_key=True),
    Column("due", BigInteger, nullable=False),
    Column("fired", BigInteger, comment="the sequence of the firing that is on its way to the partition"),
    Index("timers_due", "due", sqlite_where=text(UNFIRED), postgresql_where=text(UNFIRED)),
    sqlite_with_rowid=False,
)

queue = Table(
    "queue",
    metadata,
    Column("shard", Integer, nullable=False),
    Column("scope", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Index("queue_shard", "shard", "seq"),
    sqlite_with_rowid=False,
)

shards = Table(
    "shards",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("owner", _Text),
    Column("token", _Text),
    Column("until", BigInteger, nullable=False),
    Column(
        "suspects",
        Integer,
        nullable=False,
        comment="so many deliveries are tried in a child process first: a worker may have been lost at one of them",
    ),
)

decisions = Table(
    "decisions",
    metadata,
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

outbox = Table(
    "outbox",
    metadata,
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
    Index("outbox_due", "not_before", sqlite_where=text(PENDING), postgresql_where=text(PENDING)),
    Index("outbox_leases", "lease_until", sqlite_where=text(CLAIMED), postgresql_where=text(CLAIMED)),
    Index("outbox_receipts", "n", sqlite_where=text(UNRECEIPTED), postgresql_where=text(UNRECEIPTED)),
    Index(
        "outbox_corrections",
        "corrects",
        sqlite_where=text("corrects IS NOT NULL"),
        postgresql_where=text("corrects IS NOT NULL"),
    ),
)

attempts = Table(
    "attempts",
    metadata,
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

entities = Table(
    "entities",
    metadata,
    Column("n", _Sequence, primary_key=True),
    Column("entity", _Text, nullable=False),
    Column("key", _Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("entity", "key", "at", "seq"),
    Index("entities_seq", "seq"),
)

uniques = Table(
    "uniques",
    metadata,
    Column("code", _Text, primary_key=True),
    Column("value", _Text, primary_key=True),
    Column("event", _Text, nullable=False),
    sqlite_with_rowid=False,
)

published = Table(
    "published",
    metadata,
    Column("entity", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("name", _Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

rejects = Table(
    "rejects",
    metadata,
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

crashes = Table(
    "crashes",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("scope", _Text, primary_key=True),
    Column("key", _Text, primary_key=True),
    Column("event", _Text, nullable=False),
    Column("claims", Integer, nullable=False),
    Column("error", _Text, nullable=False),
    Column("given_up", Boolean, nullable=False),
)

packs = Table(
    "packs",
    metadata,
    Column("revision", _Text, primary_key=True),
    Column("name", _Text, nullable=False),
    Column("version", _Text, nullable=False),
    Column("files", LargeBinary, nullable=False),
    Column("params", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)

activations = Table(
    "activations",
    metadata,
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

members = Table(
    "members",
    metadata,
    Column("owner", _Text, primary_key=True),
    Column("kind", _Text, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("revision", _Text, nullable=False),
    Column("ready", _Text, nullable=False),
    Column("failure", _Text),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", _Text, primary_key=True),
    Column("name", _Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, comment="SHA-256 of the secret, which is kept nowhere"),
    Column("scopes", _Text, nullable=False, comment="JSON"),
    Column("source", _Text),
    Column("roles", _Text, nullable=False, comment="JSON"),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger),
)

meta = Table("meta", metadata, Column("name", _Text, primary_key=True), Column("value", _Text, nullable=False))
