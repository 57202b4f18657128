"""The database of a catalogue: its tables, and the engine, opened once a process and migrated to the newest form."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import (
    Column,
    Connection,
    Engine,
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
    create_engine,
    event,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from workbench.errors import StoreError
from workbench.installation import install

VARIABLE = "WORKBENCH_DATABASE_URL"
"""Environment variable: any SQLAlchemy URL; without it, a SQLite file in WORKBENCH_HOME."""

WAIT = 60
"""Seconds that a writer waits for others."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x77_6F_72_6B  # of PostgreSQL, while tables are made or changed
_opening = threading.Lock()

# The tables, for queries. `migrations` creates them; a test compares both.
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


def database_url(home: Path) -> str:
    """Return the URL of the catalogue of a WORKBENCH_HOME."""
    return os.environ.get(VARIABLE, "").strip() or f"sqlite:///{home / 'catalogue.sqlite3'}"


def ready(url: str) -> Engine:
    """Return the engine of a database whose tables have their newest form.

    Raises:
        StoreError: it cannot be reached or changed; the message never holds the URL's password.
    """
    with _opening:
        return _ready(url)


@contextmanager
def transaction(url: str, write: bool = False) -> Iterator[Connection]:
    """One view of the database, or with `write` a change that holds as a whole or not at all, while others wait.

    Raises:
        StoreError: the database cannot be used.
    """
    with _begun(ready(url), write) as connection:
        yield connection


@lru_cache(maxsize=8)
def _ready(url: str) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except (ArgumentError, ImportError, SQLAlchemyError) as error:
        raise StoreError(
            f"{VARIABLE} is no database URL that can be used here ({type(error).__name__}); give one such as "
            f"postgresql+psycopg://user@host/name with its driver installed ({install('team')}), or unset it to use "
            "SQLite"
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _settle_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        if engine.url.database and engine.url.database != ":memory:":
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
    with _begun(engine, write=True) as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return engine


def _settle_sqlite(connection: Any, _: Any) -> None:
    """Set a new connection to write-ahead mode, patience, and transactions that begin where `_begin_sqlite` says."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {WAIT * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Lock at once for a write: SQLite refuses, instead of letting wait, who has read before."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _begun(engine: Engine, write: bool) -> Iterator[Connection]:
    """A transaction in which a fault of the database becomes a line for people."""
    where = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect().execution_options(writes=write) as connection, connection.begin():
            yield connection
    except CommandError as error:
        raise StoreError(
            f"the run history in {where} was made by a newer workbench ({error}); use that one, or another database"
        ) from None
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())[:200]
        if engine.url.password:
            reason = reason.replace(str(engine.url.password), "***")
        raise StoreError(
            f"the run history in {where} cannot be used: {reason}; runs stay in their files, and {VARIABLE} chooses "
            "another database"
        ) from None
