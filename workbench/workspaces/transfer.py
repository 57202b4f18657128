"""A whole workspace exported as one ZIP file, and such a file imported, every part of it checked.

    workspace.json          its form; for each document its name, sha256, parser and tags; models that were named
    documents/NAME          the files as they were uploaded
    golden.jsonl            the golden set, if the user keeps one
    pipelines/NAME.yaml     the pipelines that were kept
    runs/NAME.json          what was measured on its documents and questions

Nothing else is written or read: indexes, vectors and databases are made again, nothing is unpickled.
"""

import io
import json
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from workbench import golden
from workbench.errors import DocumentError, SpecError, WorkbenchError
from workbench.parsers import PARSERS, Auto, Parser, label
from workbench.parsers.archives import MAX_RATIO, Archive
from workbench.pipelines import from_yaml
from workbench.records import Question, Run, golden_id, read_run, run_from_json, run_to_json, write_run
from workbench.specs import digest, fingerprint, from_dict
from workbench.workspaces.corpus_cache import Refusal
from workbench.workspaces.experiments import remember
from workbench.workspaces.workspace import Workspace

VERSION = 1
MANIFEST, GOLDEN, DOCUMENTS, PIPELINES, RUNS = "workspace.json", "golden.jsonl", "documents/", "pipelines/", "runs/"
MOST_MEMBERS = 5_000
MOST_SETTINGS = 4_000_000  # of workspace.json
MOST_TAGS, LONGEST_TAG = 50, 100
MODEL = re.compile(r"[A-Za-z0-9][\w.-]{0,99}(/[A-Za-z0-9][\w.-]{0,99})?")  # a name, never a path
_REBUILT = "a workspace file holds documents, a golden set, pipelines and runs; anything else is never taken over"


@dataclass(slots=True)
class Imported:
    """How much of a workspace file was imported, and what was refused: member and reason."""

    documents: int = 0
    questions: int = 0
    pipelines: int = 0
    runs: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, member: str, reason: str) -> None:
        self.refused.append((member, reason))


def members_of(archive: Archive, told: Imported) -> dict[str, zipfile.ZipInfo]:
    """Return the members that may be read, by name; refuse the others. Nothing is written under a member's name."""
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
    """Return why a member is not read; "" if it is."""
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
    """The content of workspace.json: parser and tags of each document by its sha256, and models."""

    parsers: dict[str, Parser]
    tags: dict[str, list[str]]
    models: list[str]


def about_of(archive: Archive, members: dict[str, zipfile.ZipInfo]) -> About:
    """Read `workspace.json` and check every value.

    Raises:
        DocumentError: it is damaged, too large, of another form, or names an invalid parser.
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
        raise DocumentError(f"its {MANIFEST} names an invalid parser: {error}.") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DocumentError(
            f"its {MANIFEST} is damaged ({type(error).__name__}). Export the workspace again."
        ) from None
    return About(parsers, tags, models)


def _texts(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise TypeError("a list of texts is meant")
    return sorted({v.strip()[:LONGEST_TAG] for v in values if v.strip()})[:MOST_TAGS]


MOST_BYTES = 1_000_000_000  # of all members together
MOST_TEXT = 64_000_000  # of a golden set
MOST_PIPELINE = 100_000
MOST_RUNS = 100_000_000  # of all runs: they are no part of a quota
_FINGERPRINT = re.compile(r"[0-9a-f]{8,64}")


def export_workspace(workspace: Workspace) -> tuple[bytes, tuple[Refusal, ...]]:
    """Return the workspace as a ZIP file, and the files left out because their bytes cannot be read."""
    out, missing = io.BytesIO(), []
    corpus, _ = workspace.corpus()
    tags = workspace.settings.get("tags", {})
    documents: list[dict[str, Any]] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in workspace.sources:
            try:
                _write(archive, DOCUMENTS + source.name, workspace.content(source))
            except DocumentError as error:
                missing.append(Refusal(source, str(error)))
                continue
            row = {"name": source.name, "sha256": source.id, "parser": source.parser, "tags": tags.get(source.id, [])}
            documents.append(row)
        if workspace.golden.history.current.golden:
            _write(archive, GOLDEN, workspace.golden.export(corpus).encode("utf-8"))
        for name, yaml in workspace.pipelines.items():
            _write(archive, f"{PIPELINES}{name}.yaml", yaml.encode("utf-8"))
        for run in _runs(workspace):
            _write(archive, f"{RUNS}{_place(run)}-{run.fingerprint}.json", run_to_json(run))
        models = [name for name in workspace.settings.get("models", []) if MODEL.fullmatch(name)]
        about = {"workbench": VERSION, "documents": documents, "models": models}
        _write(archive, MANIFEST, json.dumps(about, ensure_ascii=False, indent=1).encode("utf-8"))
    return out.getvalue(), tuple(missing)


def import_workspace(
    workspace: Workspace, name: str, data: bytes, progress: Callable[[int, int], None] = lambda done, total: None
) -> Imported:
    """Import a workspace file: its documents and questions join those that are here.

    If the workspace holds nothing but the sample, sample documents that the file does not name are removed. A refused
    part does not stop the others; each document is parsed within limits before it is kept.

    Raises:
        DocumentError: not a workspace file, damaged, or larger than the limits: nothing of it is taken.
        StoreError: this id may only read the workspace.
    """
    workspace.check_writable()
    shown = label(name)
    try:
        with Archive(data, MOST_BYTES) as archive:
            told = Imported()
            members = members_of(archive, told)
            about = about_of(archive, members)
            wanted = [member for member in members if member.startswith(DOCUMENTS)]
            contents = {member: archive.read(members[member]) for member in members if member != MANIFEST}
    except DocumentError as error:
        raise DocumentError(f"{shown}: {error}") from None
    untouched = all(s.sample for s in workspace.sources) and not workspace.golden.history.current.golden
    own = {digest(contents[member]) for member in wanted}
    for done, member in enumerate(wanted):
        progress(done, len(wanted))
        _take_document(workspace, member, contents[member], about, told)
    if untouched and told.documents:
        for source in workspace.sources:
            if source.sample and source.id not in own:
                workspace.remove(source.id)
    _keep_settings(workspace, about, own)
    if GOLDEN in contents:
        _take_golden(workspace, contents[GOLDEN], shown, told)
    for member in members:
        if member.startswith(PIPELINES):
            _take_pipeline(workspace, member, contents[member], told)
    _take_runs(workspace, {m: contents[m] for m in members if m.startswith(RUNS)}, told)
    return told


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Write a member without a time, so that the same workspace is the same file.

    Highly repetitive data is stored as it is: compressed, it would be refused as a ZIP bomb when imported.
    """
    first = data[: 1 << 20]
    repeats = len(zlib.compress(first, 1)) * (MAX_RATIO // 2) < len(first)
    archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_STORED if repeats else zipfile.ZIP_DEFLATED)


def _take_document(workspace: Workspace, member: str, data: bytes, about: About, told: Imported) -> None:
    name = member.removeprefix(DOCUMENTS)
    try:
        if all(source.id != digest(data) for source in workspace.sources):
            workspace.add(name, data, about.parsers.get(digest(data), Auto()))
        told.documents += 1
    except WorkbenchError as error:
        told.refuse(member, str(error))


def _keep_settings(workspace: Workspace, about: About, own: set[str]) -> None:
    here = {source.id for source in workspace.sources}
    before = workspace.settings
    tags: dict[str, list[str]] = dict(before.get("tags", {}))
    for id in own & here & about.tags.keys():
        if found := sorted({*tags.get(id, []), *about.tags[id]}):
            tags[id] = found
    models = list(dict.fromkeys([*before.get("models", []), *about.models]))
    if tags != before.get("tags", {}) or models != before.get("models", []):
        workspace.keep_settings(tags=tags, models=models)


def _take_golden(workspace: Workspace, data: bytes, shown: str, told: Imported) -> None:
    if len(data) > MOST_TEXT:
        told.refuse(GOLDEN, f"it has {len(data) / 1e6:.0f} MB; the limit is {MOST_TEXT / 1e6:.0f} MB")
        return
    corpus, _ = workspace.corpus()
    own = bool(workspace.golden.history.current.golden)
    try:
        found = golden.reread_golden(data, corpus)
        counts: list[int] = []

        def edit(before: tuple[Question, ...]) -> tuple[Question, ...]:
            merged = golden.merge(before if own else (), found.questions)
            counts.append(len(merged.added))
            return merged.questions

        workspace.golden.change(edit, corpus, f"imported from {shown}")
        told.questions = counts[-1]
    except WorkbenchError as error:
        told.refuse(GOLDEN, str(error))
        return
    for problem in found.problems:
        told.refuse(GOLDEN, str(problem))


def _take_pipeline(workspace: Workspace, member: str, data: bytes, told: Imported) -> None:
    name = member.removeprefix(PIPELINES).removesuffix(".yaml")
    if len(data) > MOST_PIPELINE:
        told.refuse(member, f"it has {len(data):,} bytes; the limit is {MOST_PIPELINE:,}")
        return
    try:
        text = data.decode("utf-8")
        from_yaml(text)
    except UnicodeDecodeError:
        told.refuse(member, "it is not UTF-8")
    except WorkbenchError as error:
        told.refuse(member, str(error))
    else:
        taken, number = workspace.pipelines, 2
        free = name
        while free in taken and taken[free] != text:
            free, number = f"{name} ({number})", number + 1
        workspace.keep_pipeline(free, text)
        told.pipelines += 1


def _take_runs(workspace: Workspace, files: dict[str, bytes], told: Imported) -> None:
    room, taken = MOST_RUNS, []
    for member, data in files.items():
        room -= len(data)
        if room < 0:
            told.refuse(member, f"its runs have more than {MOST_RUNS / 1e6:.0f} MB, the limit")
            continue
        try:
            run = run_from_json(data)
        except WorkbenchError as error:
            told.refuse(member, str(error))
            continue
        if not _FINGERPRINT.fullmatch(run.fingerprint):
            told.refuse(member, "the fingerprint of its pipeline is none")
            continue
        file = workspace.folder / "experiments" / _place(run) / "runs" / f"{run.fingerprint}.json"
        if not file.exists():
            write_run(run, file)
        taken.append(run)
    told.runs = len(taken)
    corpus, _ = workspace.corpus()
    questions, _ = workspace.golden_set(corpus)
    if here := [run for run in taken if (run.corpus, run.golden) == (corpus.id, golden_id(questions))]:
        remember(workspace, here, corpus, questions)


def _place(run: Run) -> str:
    """Return the folder's name for a run's documents and questions; see `experiments_folder`."""
    return fingerprint([run.corpus, run.golden])


def _runs(workspace: Workspace) -> Iterator[Run]:
    """Yield every run that the workspace keeps; damaged files are left out."""
    home = workspace.folder / "experiments"
    for file in sorted(home.glob("*/runs/[0-9a-f]*.json")) if home.is_dir() else []:
        try:
            yield read_run(file)
        except WorkbenchError:
            continue
