"""Versions of a golden set on the disk, for undo and redo.

A version is two files of JSON lines, named by their content. `golden/versions.json` lists the versions and says which
one stands; it is replaced whole, so that a change, an accepted draft or an undo happens altogether or not at all.
"""

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from workbench.errors import StoreError
from workbench.golden.corpus_lookup import is_whole
from workbench.specs import digest
from workbench.workspaces.manifests import now, write_whole

MOST_VERSIONS = 50
"""Versions that are kept; the oldest goes first."""

_BEFORE_VERSIONS = "golden.jsonl"  # where the golden set stood before it had versions
_FILE = re.compile(r"|golden\.jsonl|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Version:
    """A state of the golden set: what led to it, when, and the files of its questions and drafts; "" where none."""

    label: str = ""
    time: str = ""
    golden: str = ""
    drafts: str = ""

    def __post_init__(self) -> None:
        if not (isinstance(self.label, str) and isinstance(self.time, str)):
            raise ValueError("a version's label and time must be text")
        if not (_FILE.fullmatch(self.golden) and _FILE.fullmatch(self.drafts)):
            raise ValueError("a version names no file of its own")


@dataclass(frozen=True, slots=True)
class History:
    """The versions that are kept, the oldest first, and which of them stands."""

    versions: tuple[Version, ...] = (Version(),)
    at: int = 0

    @property
    def current(self) -> Version:
        """The version that stands."""
        return self.versions[self.at]

    @property
    def undo(self) -> str:
        """What `undo` would take back; "" where there is nothing."""
        return self.current.label if self.at else ""

    @property
    def redo(self) -> str:
        """What `redo` would do again; "" where there is nothing."""
        return self.versions[self.at + 1].label if self.at + 1 < len(self.versions) else ""

    def followed(self, version: Version) -> "History":
        """With a further version after the one that stands; what was undone is given up."""
        versions = (*self.versions[: self.at + 1], version)[-MOST_VERSIONS:]
        return History(versions, len(versions) - 1)


def read_history(folder: Path) -> History:
    """The versions in a workspace's folder.

    Raises:
        StoreError: their list cannot be read.
    """
    index = _index(folder)
    try:
        data = index.read_bytes()
    except FileNotFoundError:
        return History((Version(golden=_BEFORE_VERSIONS if (folder / _BEFORE_VERSIONS).exists() else ""),))
    except OSError as error:
        raise StoreError(f"the golden set cannot be read: {error.strerror or error}") from error
    try:
        values = json.loads(data)
        if values["workbench"] != 1:
            raise StoreError(f"the golden set has format {values['workbench']!r} of a newer workbench; update this one")
        history = History(tuple(Version(**v) for v in values["versions"]), values["at"])
        if not is_whole(history.at) or not 0 <= history.at < len(history.versions):
            raise ValueError(f"{len(history.versions)} versions, and version {history.at} stands")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise StoreError(
            f"golden/{index.name} in the workspace is damaged ({error}); the questions stand in the files beside it: "
            "move it away and import the newest of them"
        ) from error
    return history


def write_history(folder: Path, history: History) -> None:
    """Put the list of versions in the place of the one before, and drop the files that it no longer names."""
    values = {"workbench": 1, "at": history.at, "versions": [asdict(v) for v in history.versions]}
    text = json.dumps(values, ensure_ascii=False, indent=1)
    write_whole(_index(folder), text.encode("utf-8", "surrogatepass"))
    named = {file for v in history.versions for file in (v.golden, v.drafts)}
    for path in _index(folder).parent.glob("*.jsonl"):
        if path.stem not in named:
            path.unlink(missing_ok=True)


def commit(
    folder: Path, history: History, label: str, golden: bytes | None = None, drafts: bytes | None = None
) -> None:
    """A further version, with the files that are given in the place of the ones before. To be called under `locked`."""
    _index(folder).parent.mkdir(exist_ok=True)
    version = replace(history.current, label=label, time=now())
    if golden is not None:
        version = replace(version, golden=_kept(folder, golden))
    if drafts is not None:
        version = replace(version, drafts=_kept(folder, drafts))
    write_history(folder, history.followed(version))


def content(folder: Path, file: str) -> bytes:
    """The JSON lines of a file of a version; none for "".

    Raises:
        FileNotFoundError: it is gone, as when another process gave up its version.
    """
    if not file:
        return b""
    path = folder / file if file == _BEFORE_VERSIONS else folder / "golden" / f"{file}.jsonl"
    return path.read_bytes().removeprefix(b"\xef\xbb\xbf")


def _kept(folder: Path, data: bytes) -> str:
    name = digest(data)
    path = folder / "golden" / f"{name}.jsonl"
    if not path.exists():
        write_whole(path, data)
    return name


def _index(folder: Path) -> Path:
    return folder / "golden" / "versions.json"
