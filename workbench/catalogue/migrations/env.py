"""Runs the steps in the connection, and the transaction, of whoever asks alembic for it."""

from alembic import context

from workbench.catalogue.tables import metadata

if __name__ == "env_py":  # as alembic loads it; imported as a module, it has nothing to do
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True, render_as_batch=True)
    context.run_migrations()
