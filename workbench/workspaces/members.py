"""What stands in the file of a workspace: which members may be read, and what its `workspace.json` says."""

import json
import re
import stat
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import DocumentError, SpecError
from workbench.parsers import PARSERS, Parser, label
from workbench.parsers.archives import Archive
from workbench.specs import from_dict

VERSION = 1
MANIFEST, GOLDEN, DOCUMENTS, PIPELINES, RUNS = "workspace.json", "golden.jsonl", "documents/", "pipelines/", "runs/"
MOST_MEMBERS = 5_000
MOST_SETTINGS = 4_000_000  # of workspace.json
MOST_TAGS, LONGEST_TAG = 50, 100
MODEL = re.compile(r"[A-Za-z0-9][\w.-]{0,99}(/[A-Za-z0-9][\w.-]{0,99})?")  # a name, never a path
_REBUILT = "a workspace file holds documents, a golden set, pipelines and runs; anything else is never taken over"


@dataclass(slots=True)
class Imported:
    """What was taken of a workspace file, counted, and what was not: each member's name and the reason."""

    documents: int = 0
    questions: int = 0
    pipelines: int = 0
    runs: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, member: str, reason: str) -> None:
        """Note that a member was not taken."""
        self.refused.append((member, reason))


def members_of(archive: Archive, told: Imported) -> dict[str, zipfile.ZipInfo]:
    """The members that may be read, by name; the others are refused. Nothing is ever written under a member's name."""
    entries = [entry for entry in archive.entries() if not entry.is_dir()]
    if len(entries) > MOST_MEMBERS:
        raise DocumentError(f"it holds {len(entries):,} files; the limit is {MOST_MEMBERS:,}.")
    often = Counter(entry.filename for entry in entries)
    if often[MANIFEST] != 1:
        raise DocumentError(f"it is no workspace file: it holds {MANIFEST} {often[MANIFEST] or 'no'} times, not once.")
    members: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        if reason := _unwanted(entry, often):
            told.refuse(entry.filename[:300], reason)
        else:
            members[entry.filename] = entry
    if MANIFEST not in members:
        raise DocumentError(f"its {MANIFEST} cannot be read: {dict(told.refused)[MANIFEST]}.")
    return members


def _unwanted(entry: zipfile.ZipInfo, often: Counter[str]) -> str:
    """Why a member is not read; "" where it is."""
    name, mode = entry.filename, entry.external_attr >> 16
    folder, _, last = name.rpartition("/")
    if often[name] > 1:
        return "the file holds this name twice, and which is meant cannot be known"
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        return "a link or a device, which is never followed"
    if entry.flag_bits & 1:
        return "it is protected by a password"
    if "\\" in name or name.startswith("/") or ".." in name.split("/"):
        return "its name is a path that leads out of the file"
    if name in (MANIFEST, GOLDEN):
        return ""
    if f"{folder}/" not in (DOCUMENTS, PIPELINES, RUNS) or not last:
        return _REBUILT
    if label(last) != last:
        return "its name is no name that a document can have"
    if (folder, last[-5:]) in (("pipelines", ".yaml"), ("runs", ".json")) or folder == "documents":
        return ""
    return _REBUILT


@dataclass(frozen=True, slots=True)
class About:
    """What workspace.json says: the parser and tags of each document by its sha256, and models."""

    parsers: dict[str, Parser]
    tags: dict[str, list[str]]
    models: list[str]


def about_of(archive: Archive, members: dict[str, zipfile.ZipInfo]) -> About:
    """What its `workspace.json` says, every value checked.

    Raises:
        DocumentError: it is damaged, too large, of another form, or names a parser that cannot be.
    """
    data = archive.read(members[MANIFEST])
    if len(data) > MOST_SETTINGS:
        raise DocumentError(f"its {MANIFEST} has {len(data) / 1e6:.0f} MB; the limit is {MOST_SETTINGS / 1e6:.0f} MB.")
    try:
        values = json.loads(data.decode("utf-8"))
        if values["workbench"] != VERSION or isinstance(values["workbench"], bool):
            raise DocumentError(f"it has format {values['workbench']!r}; this workbench reads {VERSION}. Update it.")
        parsers, tags = {}, {}
        for row in values["documents"]:
            id = str(row["sha256"])
            parsers[id] = from_dict(PARSERS, row["parser"], "parser")
            tags[id] = _texts(row.get("tags", []))
        models = [name for name in _texts(values.get("models", [])) if MODEL.fullmatch(name)]
    except SpecError as error:
        raise DocumentError(f"its {MANIFEST} names a parser that cannot be: {error}.") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DocumentError(f"its {MANIFEST} is damaged ({type(error).__name__}). Export the workspace anew.") from None
    return About(parsers, tags, models)


def _texts(values: Any) -> list[str]:
    """Short texts, each once."""
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise TypeError("a list of texts is meant")
    return sorted({v.strip()[:LONGEST_TAG] for v in values if v.strip()})[:MOST_TAGS]
