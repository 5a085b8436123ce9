"""Runs migrations on the connection that delivery.schema brings; never offline, never by itself."""

from alembic import context

# Each import adds its tables to the metadata.
import auth.audit
import auth.domains.names
import auth.guests
import auth.keys
import auth.limits
import auth.processes
import auth.roots
import auth.senders
import auth.services
import auth.throttle
import delivery.library.brandings
import delivery.library.templates
import delivery.store.tables
from config.database import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
