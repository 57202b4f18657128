"""The sample corpus as sources of a workspace. Its bytes stay beside the code; no workspace copies them."""

from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path

from workbench.errors import GoldenError
from workbench.installation import beside
from workbench.parsers import Auto
from workbench.parsers.files import files
from workbench.specs import digest, to_dict
from workbench.workspaces.manifests import Source, now

FOLDER = beside("sample_docs")
GOLDEN = "golden.jsonl"


def sample_sources() -> list[Source]:
    """The files of the sample corpus in the order of their names; none where the code came without them."""
    added, parser = now(), to_dict(Auto())
    return [
        Source(id, path.name, path.stat().st_size, guess_type(path.name)[0] or "", parser, added, sample=True)
        for id, path in sample_files().items()
    ]


def sample_files() -> dict[str, Path]:
    """sha256 → file; hashed again only where a file has changed."""
    found = sorted(files([FOLDER])) if FOLDER.is_dir() else []
    return _hashed(tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in found))


@lru_cache(maxsize=4)
def _hashed(stamps: tuple[tuple[Path, int, int], ...]) -> dict[str, Path]:
    return {digest(path.read_bytes()): path for path, _, _ in stamps}


def golden() -> bytes:
    """The golden set of the sample corpus as JSON lines."""
    try:
        return (FOLDER / GOLDEN).read_bytes()
    except OSError as error:
        raise GoldenError(f"the golden set of the sample corpus cannot be read: {error.strerror or error}") from error
