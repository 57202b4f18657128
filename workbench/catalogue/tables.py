"""The tables, for queries. What makes them is in `migrations`; a test holds both equal."""

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("workspace", String(100), nullable=False),
    Column("identity", String(64), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("label", Text, nullable=False),
    Column("corpus", String(64), nullable=False),
    Column("golden", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    Column("questions", Integer, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("index_bytes", Float, nullable=False),
    Column("tokens_per_query", Float, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("measures", Integer, nullable=False, server_default="1"),
    UniqueConstraint("workspace", "identity", name="one_run_of_each"),
)

means = Table(
    "run_means",
    metadata,
    Column("run", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("metric", String(60), primary_key=True),
    Column("mean", Float, nullable=False),
)

tags = Table(
    "run_tags",
    metadata,
    Column("run", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(60), primary_key=True),
)

remarks = Table(
    "run_remarks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Integer, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("by", String(120), nullable=False),
    Column("at", String(32), nullable=False),
    Column("text", Text, nullable=False),
)

goldens = Table(
    "golden_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("workspace", String(100), nullable=False),
    Column("golden", String(64), nullable=False),
    Column("corpus", String(64), nullable=False),
    Column("label", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("questions", Integer, nullable=False),
    Column("lines", Text, nullable=False),
    UniqueConstraint("workspace", "golden", "corpus", name="one_version_of_each"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("workspace", String(100), nullable=False),
    Column("chosen", String(64), nullable=False),
    Column("label", Text, nullable=False),
    Column("by", String(120), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("corpus", String(64), nullable=False),
    Column("golden", String(64), nullable=False),
    Column("metric", String(60), nullable=False),
    Column("verdict", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("rejected", Text, nullable=False),
)

Index("runs_by_workspace", runs.c.workspace, runs.c.at)
Index("remarks_by_run", remarks.c.run)
Index("decisions_by_workspace", decisions.c.workspace, decisions.c.at)
