"""The migrations of the tables; alembic runs those that a database does not have yet."""
