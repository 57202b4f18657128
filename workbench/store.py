"""A cache on disk for what is costly to make: vectors, parsed documents, token counts. Content decides the key.

One SQLite database per folder, in write-ahead mode, so that processes and threads share it. Each entry carries a
checksum; a damaged one is dropped and reads as missing, because everything in here can be made again. The size is
capped: what was not used for longest goes first.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TypeVar

from workbench.errors import StoreError

T = TypeVar("T")
V = TypeVar("V")

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT NOT NULL, key TEXT NOT NULL, checksum BLOB NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL,
    data BLOB NOT NULL, PRIMARY KEY (kind, key));
CREATE INDEX IF NOT EXISTS by_use ON entries (used, size);
CREATE TABLE IF NOT EXISTS totals (kind TEXT PRIMARY KEY, entries INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON entries BEGIN
    INSERT INTO totals VALUES (new.kind, 1, new.size)
    ON CONFLICT (kind) DO UPDATE SET entries = entries + 1, bytes = bytes + new.size; END;
CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, bytes = bytes - old.size WHERE kind = old.kind; END;
"""
_BATCH = 400  # keys in one statement; SQLite's limit of variables is 999 in old builds
_TOUCH = 60  # seconds between two notes of an entry's use
_WAIT = 30  # seconds for which one waits for others that use the database
_OVERHEAD = 128  # bytes that an entry takes beside its data, about: keys, checksum and two indexes


@dataclass(frozen=True, slots=True)
class Usage:
    """What one kind of entry takes in the store."""

    entries: int
    bytes: int


def gigabytes(variable: str, usual: int, *, zero: bool = False) -> int:
    """Return the bytes that an environment variable allows as a number of GiB; `zero`: it may be 0.

    Raises:
        StoreError: it is no such number.
    """
    text = os.environ.get(variable, str(usual))
    try:
        size = float(text)
    except ValueError:
        size = -1.0
    if not 0 <= size < float("inf") or not (size or zero):
        limit = "of at least 0" if zero else "above 0"
        raise StoreError(f"{variable} ({text!r}) must be a number of gigabytes {limit}, such as {usual}")
    return int(size * 2**30)


def default_capacity() -> int:
    """Return the store's cap in bytes, by `WORKBENCH_STORE_GB`."""
    return gigabytes("WORKBENCH_STORE_GB", 4)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the database to write-ahead mode, once others that are just opening it let go.

    SQLite's own time-out does not hold for this switch: it fails at once where another process switches too.
    """
    patience = time.monotonic() + _WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                raise
            time.sleep(0.02)


class _Damaged(StoreError):
    """The database was broken beyond use; a new, empty one is in its place."""


class Store:
    """(kind, key) → bytes, in `folder`, kept under `capacity_bytes`; with `folder=None` in memory, for this object.

    Raises:
        StoreError: the folder cannot be written, with the remedy.
    """

    def __init__(self, folder: Path | None, capacity_bytes: int | None = None) -> None:
        self.capacity_bytes = default_capacity() if capacity_bytes is None else capacity_bytes
        if self.capacity_bytes <= 0:
            raise StoreError(f"the store's size cap ({self.capacity_bytes} bytes) must be above 0")
        self._path = folder / "store.sqlite" if folder else None
        self._lock = threading.RLock()  # one connection, used by one thread at a time
        self._process = os.getpid()
        if folder:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise self._refusal(error) from error
        with self._lock:
            self._connection = self._open()

    @property
    def folder(self) -> Path | None:
        """The folder, for files too large for the store; None in memory."""
        return self._path.parent if self._path else None

    def __reduce__(self) -> "tuple[type[Store], tuple[Path | None, int]]":
        """Open the same folder in another process; a store in memory starts empty there."""
        return Store, (self._path.parent if self._path else None, self.capacity_bytes)

    def get(self, kind: str, key: str) -> bytes | None:
        """Return the entry's bytes; None where there is none, or a damaged one."""
        return self.get_many(kind, [key]).get(key)

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """Return key → bytes for those of `keys` that are here."""
        try:
            found, stale, damaged = self._read(kind, dict.fromkeys(keys))
        except _Damaged:
            return {}
        if damaged:
            log.warning("%d damaged entries (%s) dropped from the store; they will be made again", len(damaged), kind)
            self._delete(kind, damaged)
        if stale:
            self._touch(kind, stale)
        return found

    def held(self, kind: str, keys: Iterable[str]) -> set[str]:
        """Return those of `keys` that are here; none is read, nor noted as used."""
        found: set[str] = set()
        with suppress(_Damaged), self._transaction(write=False) as connection:
            for some in _batches(dict.fromkeys(keys)):
                select = f"SELECT key FROM entries WHERE kind = ? AND key IN ({_marks(some)})"
                found.update(key for (key,) in connection.execute(select, (kind, *some)))
        return found

    def _read(self, kind: str, keys: Iterable[str]) -> tuple[dict[str, bytes], list[str], list[str]]:
        """Return the sound entries, their keys whose use was not noted lately, and the keys of damaged entries."""
        recent = int(time.time()) - _TOUCH
        found: dict[str, bytes] = {}
        stale: list[str] = []
        damaged: list[str] = []
        with self._transaction(write=False) as connection:
            for batch in _batches(keys):
                select = f"SELECT key, checksum, used, data FROM entries WHERE kind = ? AND key IN ({_marks(batch)})"
                for key, checksum, used, data in connection.execute(select, (kind, *batch)):
                    if _checksum(kind, key, data) != checksum:
                        damaged.append(key)
                        continue
                    found[key] = data
                    if used <= recent:
                        stale.append(key)
        return found, stale, damaged

    def put(self, kind: str, key: str, data: bytes) -> None:
        """Keep `data` under (kind, key), in place of what was there."""
        self.put_many(kind, {key: data})

    def put_many(self, kind: str, entries: Mapping[str, bytes]) -> None:
        """Keep all or, where the disk refuses, none; then drop what was not used for longest if the cap is passed.

        An entry larger than the whole cap is not kept.

        Raises:
            StoreError: the disk is full or read-only.
        """
        now = int(time.time())
        sized = [(key, data, len(data) + _OVERHEAD) for key, data in entries.items()]
        rows = [(kind, k, _checksum(kind, k, d), n, now, d) for k, d, n in sized if n <= self.capacity_bytes]
        if not rows:
            return
        try:
            self._write(rows)
        except _Damaged:
            self._write(rows)

    def _write(self, rows: Sequence[tuple[str, str, bytes, int, int, bytes]]) -> None:
        with self._transaction() as connection:
            # Not INSERT OR REPLACE: its implied deletes run no triggers, and the totals would drift.
            connection.executemany("DELETE FROM entries WHERE kind = ? AND key = ?", [row[:2] for row in rows])
            connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._evict(connection)

    def keep(self, kind: str, entries: Mapping[str, bytes]) -> bool:
        """Put `entries`, and return whether the disk took them; a refusal is logged. For what is worth more than its
        cache.
        """
        try:
            self.put_many(kind, entries)
        except StoreError as error:
            log.warning("%d entries (%s) are not kept, and will be made again: %s", len(entries), kind, error)
            return False
        return True

    def memo(
        self,
        kind: str,
        items: Iterable[T],
        key: Callable[[T], str],
        make: Callable[[T], V],
        encode: Callable[[V], bytes],
        decode: Callable[[bytes, T], V | None],
        together: int = 256,
    ) -> Generator[V, None, None]:
        """Yield a value for each item in turn: from the store where it is there, else made and kept.

        `decode` returns None for bytes of another form, which are made again. Items are looked up and kept `together`
        at a time. What was made is also kept where the caller stops early and closes the generator. After one refusal
        of the disk nothing more is kept, and everything is made all the same.
        """
        rest = iter(items)
        writable = True
        while batch := list(islice(rest, together)):
            keys = [key(item) for item in batch]
            known = self.get_many(kind, keys)
            new: dict[str, bytes] = {}
            try:
                for name, item in zip(keys, batch, strict=True):
                    value = decode(known[name], item) if name in known else None
                    if value is None:
                        value = make(item)
                        if writable:
                            new[name] = encode(value)
                    yield value
            finally:
                writable = writable and (not new or self.keep(kind, new))

    def usage(self) -> dict[str, Usage]:
        """Return kind → what it takes, the largest first."""
        with self._transaction(write=False) as connection:
            select = "SELECT kind, entries, bytes FROM totals WHERE entries > 0 ORDER BY bytes DESC, kind"
            rows = connection.execute(select)
            return {kind: Usage(entries, size) for kind, entries, size in rows}

    def clear(self, kind: str | None = None) -> None:
        """Drop every entry, or those of one kind, and give the space back to the disk."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM entries WHERE ? IS NULL OR kind = ?", (kind, kind))
        with self._lock, suppress(sqlite3.OperationalError):  # another process reads: the space is reused instead
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the database file."""
        with self._lock:
            self._connection.close()

    def _evict(self, connection: sqlite3.Connection) -> None:
        (total,) = connection.execute("SELECT coalesce(sum(bytes), 0) FROM totals").fetchone()
        if total <= self.capacity_bytes:
            return
        surplus = total - self.capacity_bytes * 9 // 10  # some room beyond, so that not every write evicts
        gone: list[tuple[int]] = []
        for row, size in connection.execute("SELECT rowid, size FROM entries ORDER BY used, rowid"):
            if surplus <= 0:
                break
            gone.append((row,))
            surplus -= size
        connection.executemany("DELETE FROM entries WHERE rowid = ?", gone)

    def _touch(self, kind: str, keys: Sequence[str]) -> None:
        """Note that entries were used. Only the order of eviction depends on it, so it may fail."""
        try:
            with self._transaction() as connection:
                rows = [(int(time.time()), kind, key) for key in keys]
                connection.executemany("UPDATE entries SET used = ? WHERE kind = ? AND key = ?", rows)
        except StoreError as error:
            log.info("the use of %d entries was not noted: %s", len(keys), error)

    def _delete(self, kind: str, keys: Sequence[str]) -> None:
        with self._transaction() as connection:
            connection.executemany("DELETE FROM entries WHERE kind = ? AND key = ?", [(kind, key) for key in keys])

    @contextmanager
    def _transaction(self, write: bool = True) -> Iterator[sqlite3.Connection]:
        """Hold the connection, for one thread; a write is kept whole or not at all.

        Raises:
            StoreError: the disk refuses; as `_Damaged` where a new database was begun.
        """
        with self._lock:
            if self._process != os.getpid():  # SQLite's connections do not survive a fork
                self._process, self._connection = os.getpid(), self._open()
            try:
                if write:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                if write:
                    self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                if not isinstance(error, sqlite3.Error):
                    raise
                if _is_damage(error):
                    self._set_aside(error)
                    raise _Damaged("the store was damaged and started again") from error
                raise self._refusal(error) from error

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise self._refusal(error) from error
            self._set_aside(error)
            return self._connection

    def _connect(self) -> sqlite3.Connection:
        where = self._path or ":memory:"
        connection = sqlite3.connect(where, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            _write_ahead(connection)
            connection.execute(f"PRAGMA journal_size_limit = {64 << 20}")
            connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last writes, no more
            connection.executescript(_SCHEMA)
            connection.execute(
                "PRAGMA user_version = 1"
            )  # a write, so that a read-only folder shows here, not in a run
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, error: sqlite3.Error) -> None:
        """Move a damaged database out of the way, where it can be looked at, and begin a new one."""
        with suppress(AttributeError, sqlite3.Error):
            self._connection.close()
        if self._path:
            aside = self._path.with_name(f"store.damaged-{time.time_ns()}.sqlite")
            log.warning("the store %s is damaged (%s); set aside as %s, a new one begun", self._path, error, aside.name)
            with suppress(FileNotFoundError):
                self._path.rename(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._connection = self._connect()

    def _refusal(self, error: Exception) -> StoreError:
        where = self._path.parent if self._path else "memory"
        remedy = "make the folder writable with space left, or set WORKBENCH_HOME to one that is"
        return StoreError(f"the store in {where} cannot be used ({error}); {remedy}")


def _is_damage(error: sqlite3.Error) -> bool:
    """Return whether the database file itself is broken, rather than busy, full or read-only."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _checksum(kind: str, key: str, data: bytes) -> bytes:
    """Return a hash over name and content, which also finds an entry under a wrong name."""
    return blake2b(data, digest_size=16, key=blake2b(f"{kind}\0{key}".encode(), digest_size=32).digest()).digest()


def _marks(batch: Sequence[str]) -> str:
    return ",".join("?" * len(batch))


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, _BATCH)):
        yield batch
