"""Runs migrations on the connection that delivery.schema brings; never offline, never by itself."""

from alembic import context

from delivery.all_tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
