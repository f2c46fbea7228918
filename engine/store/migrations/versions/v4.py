"""Deliveries may wait in a queue, shard by shard, for others to step them; a deadline knows the firing that is on its way."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, func, select, table, text
from sqlalchemy.dialects import postgresql

from engine.errors import StoreError

revision = "4"
down_revision = "3"

_Text = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_UNFIRED = text("fired IS NULL")
_UNRECEIPTED = "{} AND status IN ('sent', 'unknown', 'dead')"


def upgrade() -> None:
    """Make the queue and the claims to its shards."""
    op.create_table(
        "queue",
        Column("shard", Integer, nullable=False),
        Column("scope", _Text, primary_key=True),
        Column("key", _Text, primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_index("queue_shard", "queue", ["shard", "seq"])
    op.create_table(
        "shards",
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
    op.add_column(
        "timers",
        Column("fired", BigInteger, comment="the sequence of the firing that is on its way to the partition"),
    )
    op.drop_index("timers_due", "timers")
    op.create_index("timers_due", "timers", ["due"], sqlite_where=_UNFIRED, postgresql_where=_UNFIRED)
    op.create_index("entities_seq", "entities", ["seq"])
    _receipts("NOT receipted")


def downgrade() -> None:
    """Nobody steps what waits in an earlier version: it must not be lost."""
    waiting = op.get_bind().scalar(select(func.count()).select_from(table("queue"))) or 0
    if waiting:
        hint = "let `rulewright work` step them first"
        raise StoreError("store_waiting", f"{waiting} deliveries wait, and schema 3 has no queue", hint=hint)
    _receipts("receipted = 0" if op.get_bind().dialect.name == "sqlite" else "NOT receipted")
    op.drop_index("entities_seq", "entities")
    op.drop_index("timers_due", "timers")
    op.drop_column("timers", "fired")
    op.create_index("timers_due", "timers", ["due"])
    op.drop_table("shards")
    op.drop_table("queue")


def _receipts(condition: str) -> None:
    """The index of what has no receipt yet: a query uses it only if it says the very same."""
    where = text(_UNRECEIPTED.format(condition))
    op.drop_index("outbox_receipts", "outbox")
    op.create_index("outbox_receipts", "outbox", ["n"], sqlite_where=where, postgresql_where=where)
