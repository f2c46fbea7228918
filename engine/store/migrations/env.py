"""What Alembic runs its revisions in: the transaction that `engine.store.migration` has opened."""

from __future__ import annotations

from alembic import context

from engine.store import schema

context.configure(
    connection=context.config.attributes["connection"], target_metadata=schema.metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
