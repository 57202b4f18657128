"""Hashes of a model's files, which identify it whatever its name."""

import hashlib
from functools import lru_cache
from pathlib import Path

from workbench.specs import digest, fingerprint


def settings_hash(folder: Path) -> str:
    """Return a hash of the configuration files that decide a sentence-transformers model's vectors."""
    files = (p for pattern in ("*.json", "*/*.json") for p in folder.glob(pattern))  # modules lie one folder deep
    decisive = ("config.json", "modules.json", "special_tokens_map.json")
    small = sorted(p for p in files if p.name.endswith(decisive) and p.stat().st_size < 1 << 20)
    return fingerprint([(p.relative_to(folder).as_posix(), digest(p.read_bytes())) for p in small])


def file_hash(path: Path) -> str:
    """Return a file's sha256 in hex; a file that has not changed is read once per process."""
    status = path.stat()
    return _hash_of(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _hash_of(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
