"""Runs say by which revision of the measures they were measured; those before said nothing and are of the first."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("runs", sa.Column("measures", sa.Integer, nullable=False, server_default="1"))
