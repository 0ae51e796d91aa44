"""Alembic's entry: runs the steps on the connection that :func:`upgrade` holds."""

from alembic import context

from trainyard.service.store.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
