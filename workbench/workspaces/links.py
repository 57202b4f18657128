"""How a workspace is reached: the local one, or by an id that nobody can guess.

The owner's id gives the reader's id by a one-way hash, and that gives the folder's name by another. So both ids lead to
the folder, a reader cannot find the owner's id, the folder's name tells neither, and no id is ever part of a path.
"""

import os
import re
import secrets
import shutil
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

from workbench.errors import StoreError
from workbench.models import team_mode
from workbench.parsers import parse_safely
from workbench.workspaces.contents import Workspace
from workbench.workspaces.manifests import Manifest, locked, read_locked, write
from workbench.workspaces.parsed import Parse
from workbench.workspaces.samples import sample_sources

LOCAL = "local"
_ID = re.compile(r"[wr][A-Za-z0-9_-]{32}")  # w: may change it, r: may read it; 192 random bits
_UNKNOWN = "there is no such workspace: the link is incomplete or mistyped, or the workspace was deleted or has expired"


def open_workspace(id: str | None = None, *, parse: Parse = parse_safely) -> Workspace:
    """The workspace that the id leads to; without one the local workspace or, in team mode, a new one.

    Raises:
        StoreError: the id is not known here, or the folder cannot be written.
    """
    if not team_mode():
        if id not in (None, LOCAL):
            raise StoreError(f"{_UNKNOWN}; this workbench is in local mode and has one workspace")
        folder = _home() / LOCAL
        if not (folder / "manifest.json").exists():
            _create(folder)
        return Workspace(folder, LOCAL, reader_id=LOCAL, capacity=2 << 30, parse=parse)
    return new_workspace(parse=parse) if id is None else _known(id, parse)


def new_workspace(*, parse: Parse = parse_safely) -> Workspace:
    """A new workspace with the sample corpus, private to whoever holds its id."""
    id = "w" + secrets.token_urlsafe(24)
    _create(_folder(id))
    return _known(id, parse)


def delete_workspace(id: str) -> None:
    """Remove the workspace and everything in it, for good. Only its owner's id does this."""
    workspace = open_workspace(id)
    workspace.check_writable()
    _delete(workspace.folder)


def expire(days: float) -> int:
    """How many workspaces of team mode were removed because nobody opened them for so many days."""
    stale = [
        manifest.parent
        for manifest in _home().glob("team-*/manifest.json")
        if manifest.stat().st_mtime < time.time() - days * 86_400
    ]
    for folder in stale:
        _delete(folder)
    return len(stale)


def _delete(folder: Path) -> None:
    gone = folder.with_name(f"deleted-{secrets.token_hex(8)}")  # at once out of reach, then removed
    with locked(folder):
        folder.replace(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _known(id: str, parse: Parse) -> Workspace:
    """The workspace of team mode that stands there already; a name never creates one."""
    folder = _folder(id) if _ID.fullmatch(id) else None
    if folder is None or not (folder / "manifest.json").exists():
        raise StoreError(_UNKNOWN)
    if folder.joinpath("manifest.json").stat().st_mtime < time.time() - 3_600:
        os.utime(folder / "manifest.json")  # in use: `expire` counts from here
    return Workspace(folder, id, reader_id=_reader_id(id), capacity=_quota(), parse=parse)


def _reader_id(id: str) -> str:
    return id if id[0] == "r" else "r" + urlsafe_b64encode(sha256(f"read {id}".encode()).digest()[:24]).decode()


def _folder(id: str) -> Path:
    return _home() / f"team-{sha256(_reader_id(id).encode()).hexdigest()}"


def _home() -> Path:
    return Path(os.environ.get("WORKBENCH_HOME") or ".workbench").resolve() / "workspaces"


def _quota() -> int:
    text = os.environ.get("WORKBENCH_QUOTA_MB", "200")
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise StoreError(f"WORKBENCH_QUOTA_MB ({text!r}) must be a whole number of megabytes above 0, such as 200")
    return int(text) << 20


def _create(folder: Path) -> None:
    """A new workspace with the sample corpus; no change where another process was faster."""
    try:
        (folder / "sources").mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"no workspace can be made in {folder.parent} ({error}); make the folder writable, "
            "or set WORKBENCH_HOME to one that is"
        ) from error
    with locked(folder):
        if (folder / "manifest.json").exists():
            return
        if any((folder / "sources").iterdir()):
            read_locked(folder)  # the manifest was lost, the files were not
        else:
            write(folder, Manifest(sources=sample_sources()))
