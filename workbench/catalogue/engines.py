"""A database made ready: opened once a process, its tables brought to the newest form by whoever comes first."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import StoreError
from workbench.installation import install

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

VARIABLE = "WORKBENCH_DATABASE_URL"
"""Environment variable: any SQLAlchemy URL; without it, a SQLite file in WORKBENCH_HOME."""

WAIT = 60
"""Seconds that a writer waits for others."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x77_6F_72_6B  # of PostgreSQL, while tables are made or changed
_opening = threading.Lock()


def database_url(home: Path) -> str:
    """Where the catalogue of a WORKBENCH_HOME is kept."""
    return os.environ.get(VARIABLE, "").strip() or f"sqlite:///{home / 'catalogue.sqlite3'}"


def ready(url: str) -> "Engine":
    """The engine of a database whose tables have their newest form.

    Raises:
        StoreError: it cannot be reached or changed; the message never holds the URL's password.
    """
    with _opening:
        return _ready(url)


@lru_cache(maxsize=8)
def _ready(url: str) -> "Engine":
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

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
    with told(engine), writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        _upgrade(connection)
    return engine


def _settle_sqlite(connection: Any, _: Any) -> None:
    """Write-ahead, patient, and with transactions that begin where we say so."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {WAIT * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: "Connection") -> None:
    """A writer takes its turn at once: one that had read before would be refused, not made to wait."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _upgrade(connection: "Connection") -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def writing(engine: "Engine") -> Iterator["Connection"]:
    """A transaction that holds altogether or not at all, others waiting."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: "Engine") -> Iterator["Connection"]:
    """One view of the database."""
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def told(engine: "Engine") -> Iterator[None]:
    """Within, a fault of the database becomes a line for people."""
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except CommandError as error:
        raise StoreError(
            f"the run history in {engine.url.render_as_string(hide_password=True)} was made by a newer workbench "
            f"({error}); use that one, or another database"
        ) from None
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())[:200]
        where = engine.url.render_as_string(hide_password=True)
        password = engine.url.password
        if password:
            reason = reason.replace(str(password), "***")
        raise StoreError(
            f"the run history in {where} cannot be used: {reason}; runs stay in their files, and {VARIABLE} chooses "
            "another database"
        ) from None
