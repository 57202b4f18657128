"""The manifest of a workspace: one JSON file that names what the workspace holds, changed whole or not at all."""

import json
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from workbench.atomic_files import replacing
from workbench.errors import DocumentError, GoldenError, StoreError
from workbench.installation import beside
from workbench.memory_cache import MemoryCache
from workbench.parsers import Auto
from workbench.parsers.files import files
from workbench.specs import digest, to_dict

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Source:
    """A file in a workspace. `id` is the sha256 of its bytes, and their file name on the disk.

    `name` is a label, unique in the workspace. `parser` is the parser that the user chose for it, as a plain mapping.
    `sample` marks a file of the sample corpus, which stays in its own folder.
    """

    id: str
    name: str
    size: int
    media_type: str
    parser: dict[str, Any]
    added: str
    sample: bool = False

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is not a sha256")


@dataclass(slots=True)
class Manifest:
    """What a workspace holds: its sources in order, those removed last (for undo), pipelines by name, settings.

    `successors` maps the id of a file to that of the file that replaced it. `notice` says what was lost or recovered
    when a damaged manifest was set aside, until it is dismissed.
    """

    sources: list[Source] = field(default_factory=list)
    removed: list[Source] = field(default_factory=list)
    pipelines: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    successors: dict[str, str] = field(default_factory=dict)
    notice: str = ""

    def find(self, id: str) -> Source | None:
        """Return the source with this id; None if the workspace does not hold it."""
        return next((s for s in self.sources if s.id == id), None)

    @property
    def used(self) -> int:
        """The bytes of the sources; the sample corpus costs nothing."""
        return sum(s.size for s in self.sources if not s.sample)

    def free_name(self, name: str) -> str:
        """Return the name, or the first of `name (2)`, `name (3)` … that is free: golden sets name documents by it."""
        taken = {s.name for s in self.sources}
        stem, suffix = os.path.splitext(name)
        number = 2
        while name in taken:
            name = f"{stem} ({number}){suffix}"
            number += 1
        return name


def encoded(manifest: Manifest) -> bytes:
    """Encode the manifest as JSON, a line for each file."""
    names = [f.name for f in fields(Source)]
    parts = ['"workbench": 1']
    for f in fields(Manifest):
        value = getattr(manifest, f.name)
        if f.name in ("sources", "removed"):
            rows = (_json({name: getattr(source, name) for name in names}) for source in value)
            parts.append(f'"{f.name}": [{",".join(f"{chr(10)} {row}" for row in rows)}]')
        else:
            parts.append(f'"{f.name}": {_json(value)}')
    return ("{" + ",\n".join(parts) + "}").encode("utf-8", "surrogatepass")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def decoded(data: bytes) -> Manifest:
    """Decode a manifest.

    Raises:
        ValueError: it is damaged.
        StoreError: it is of a version that this code does not know.
    """
    try:
        values = json.loads(data.decode("utf-8", "surrogatepass"))
        if (version := values.pop("workbench")) != 1:
            raise StoreError(f"this workspace has format {version!r} of a newer workbench; this one knows 1: update it")
        for name in ("sources", "removed"):
            values[name] = [Source(**entry) for entry in values[name]]
        manifest = Manifest(**values)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a manifest: {error!r}") from error
    for f in fields(Manifest):
        if type(getattr(manifest, f.name)) is not type(getattr(Manifest(), f.name)):
            raise ValueError(f"{f.name} is of the wrong type")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a workspace. A damaged one is set aside, and the copy before the last change is used.

    Its lists and mappings are shared until the file changes: do not change them.
    """
    try:
        return replace(_read(folder / "manifest.json"))
    except (OSError, ValueError):
        with locked(folder):
            return read_locked(folder)


_manifests: MemoryCache[tuple[tuple[int, int, int], Manifest]] = MemoryCache(
    256 << 20, lambda known: 10_000 + 1_000 * len(known[1].sources)
)


def _read(path: Path) -> Manifest:
    """Return the manifest in this file, decoded once for every state of the file: pages ask many times a run."""
    known = _manifests.get(path)
    if known and known[0] == _stamp(os.stat(path)):
        return known[1]
    with path.open("rb") as file:
        stamp = _stamp(os.fstat(file.fileno()))
        manifest = decoded(file.read())
    _manifests.put(path, (stamp, manifest))
    return manifest


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_mtime_ns, found.st_size, found.st_ino


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest, and keep a copy of the one before. Call it under `locked`."""
    current = folder / "manifest.json"
    if current.exists():
        write_whole(folder / "manifest.previous.json", current.read_bytes())
    write_whole(current, encoded(manifest))
    _manifests.drop(current)  # a stamp could come again within the clock's tick


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        StoreError: the disk refuses.
    """
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        raise _refusal(path.parent, error) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one writer at a time in, over threads and processes. The lock ends with its process, however that ends."""
    try:
        with closing(sqlite3.connect(folder / "lock.sqlite", timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
    except sqlite3.Error as error:
        raise _refusal(folder, error) from error


def read_locked(folder: Path) -> Manifest:
    """`read_manifest` under the lock. Files that no manifest names any more are kept under names of their own."""
    current = folder / "manifest.json"
    data, aside = b"", f"manifest.damaged-{time.time_ns()}.json"
    try:
        data = current.read_bytes()
        return decoded(data)
    except FileNotFoundError:
        reason = "it was gone"
    except OSError as error:
        raise _refusal(folder, error) from error
    except ValueError as error:
        reason = f"it was damaged ({error}) and set aside as {aside}"
        write_whole(folder / aside, data)
    try:
        manifest = decoded((folder / "manifest.previous.json").read_bytes())
        origin = "the copy from before the last change was taken"
    except (OSError, ValueError):
        manifest = Manifest()
        origin = "no older copy was left"
    known = {s.id for s in (*manifest.sources, *manifest.removed)}
    found = [f for f in sorted((folder / "sources").glob("*")) if _SHA256.fullmatch(f.name) and f.name not in known]
    for file in found:
        label = f"recovered-{file.name[:8]}"
        manifest.sources.append(Source(file.name, label, file.stat().st_size, "", {"kind": "auto"}, now()))
    names = f", and {len(found)} files without their names were kept" if found else ""
    manifest.notice = f"The list of documents was made again, because {reason}: {origin}{names}."
    write_whole(current, encoded(manifest))
    return manifest


def now() -> str:
    """Return the time as a manifest writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _refusal(folder: Path, error: Exception) -> StoreError:
    return StoreError(
        f"the workspace in {folder} cannot be used ({error}); make the folder writable with space left, "
        "or set WORKBENCH_HOME to one that is"
    )


SAMPLE_FOLDER = beside("sample_docs")
SAMPLE_GOLDEN = "golden.jsonl"


def sample_sources() -> list[Source]:
    """Return the files of the sample corpus in the order of their names; none if it is not installed."""
    added, parser = now(), to_dict(Auto())
    return [
        Source(id, path.name, path.stat().st_size, guess_type(path.name)[0] or "", parser, added, sample=True)
        for id, path in sample_files().items()
    ]


def sample_files() -> dict[str, Path]:
    """Return the sample files by their sha256."""
    found = sorted(files([SAMPLE_FOLDER])) if SAMPLE_FOLDER.is_dir() else []
    return _hashed(tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in found))


@lru_cache(maxsize=4)
def _hashed(stamps: tuple[tuple[Path, int, int], ...]) -> dict[str, Path]:
    return {digest(path.read_bytes()): path for path, _, _ in stamps}


def sample_golden() -> bytes:
    """Return the golden set of the sample corpus as JSON lines."""
    try:
        return (SAMPLE_FOLDER / SAMPLE_GOLDEN).read_bytes()
    except OSError as error:
        raise GoldenError(f"the golden set of the sample corpus cannot be read: {error.strerror or error}") from error


def check_new(manifest: Manifest, source: Source, capacity: int) -> None:
    """Check that the source may be added.

    Raises:
        DocumentError: its content is here already.
        StoreError: it does not fit.
    """
    if twin := manifest.find(source.id):
        other = "" if twin.name == source.name else f" as {twin.name}"
        raise DocumentError(f"{source.name} is already here{other}: the content is the same, byte for byte")
    check_quota(manifest, source, capacity)


def check_quota(manifest: Manifest, source: Source, capacity: int) -> None:
    """Check that the source fits beside what is here.

    Raises:
        StoreError: it does not, with the sizes.
    """
    if not source.sample and manifest.used + source.size > capacity:
        raise StoreError(
            f"{source.name} ({_megabytes(source.size)}) does not fit: {_megabytes(manifest.used)} of "
            f"{_megabytes(capacity)} are used; remove documents first"
        )


def given_up(manifest: Manifest, source: Source, capacity: int) -> list[Source]:
    """Drop the sources removed longest ago, until the new one fits beside the rest; return them."""
    held = [*manifest.sources, *manifest.removed, source]
    surplus = sum(s.size for s in held if not s.sample) - capacity
    gone = []
    while surplus > 0 and manifest.removed:
        oldest = manifest.removed.pop(0)
        if not oldest.sample:
            surplus -= oldest.size
            gone.append(oldest)
    return gone


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB"
