"""The first tables: runs with means, tags and remarks; golden set versions; decisions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("workspace", sa.String(100), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("corpus", sa.String(64), nullable=False),
        sa.Column("golden", sa.String(64), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("questions", sa.Integer, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("index_bytes", sa.Float, nullable=False),
        sa.Column("tokens_per_query", sa.Float, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("workspace", "identity", name="one_run_of_each"),
    )
    op.create_table(
        "run_means",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("metric", sa.String(60), primary_key=True),
        sa.Column("mean", sa.Float, nullable=False),
    )
    op.create_table(
        "run_tags",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag", sa.String(60), primary_key=True),
    )
    op.create_table(
        "run_remarks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "golden_versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("workspace", sa.String(100), nullable=False),
        sa.Column("golden", sa.String(64), nullable=False),
        sa.Column("corpus", sa.String(64), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("questions", sa.Integer, nullable=False),
        sa.Column("lines", sa.Text, nullable=False),
        sa.UniqueConstraint("workspace", "golden", "corpus", name="one_version_of_each"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("workspace", sa.String(100), nullable=False),
        sa.Column("chosen", sa.String(64), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("by", sa.String(120), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("corpus", sa.String(64), nullable=False),
        sa.Column("golden", sa.String(64), nullable=False),
        sa.Column("metric", sa.String(60), nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("rejected", sa.Text, nullable=False),
    )
    op.create_index("runs_by_workspace", "runs", ["workspace", "at"])
    op.create_index("remarks_by_run", "run_remarks", ["run"])
    op.create_index("decisions_by_workspace", "decisions", ["workspace", "at"])
