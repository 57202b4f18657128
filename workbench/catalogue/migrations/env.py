"""Runs the migrations in the connection and transaction that alembic is given."""

from alembic import context

from workbench.catalogue.database import metadata

if __name__ == "env_py":  # as alembic loads it; imported as a module, it has nothing to do
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True, render_as_batch=True)
    context.run_migrations()
