"""A whole workspace as one ZIP file, and such a file taken into a workspace, every part of it checked.

    workspace.json          its form; for each document its name, sha256, parser and tags; models that were named
    documents/NAME          the files as they were uploaded
    golden.jsonl            the golden set, where the user keeps one
    pipelines/NAME.yaml     the pipelines that were kept
    runs/NAME.json          what was measured on its documents and questions

Nothing else is written and nothing else is taken: indexes, vectors and databases are made anew, nothing is unpickled.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from workbench import golden
from workbench.errors import DocumentError, WorkbenchError
from workbench.parsers import Auto, label
from workbench.parsers.archives import MAX_RATIO, Archive
from workbench.pipelines import from_yaml
from workbench.records import Question, Run, golden_id, read_run, run_from_json, run_to_json, write_run
from workbench.specs import digest, fingerprint
from workbench.workspaces.catalogues import remember
from workbench.workspaces.contents import Workspace
from workbench.workspaces.members import (
    DOCUMENTS,
    GOLDEN,
    MANIFEST,
    MODEL,
    PIPELINES,
    RUNS,
    VERSION,
    About,
    Imported,
    about_of,
    members_of,
)
from workbench.workspaces.openings import Refusal

MOST_BYTES = 1_000_000_000  # of all members together
MOST_TEXT = 64_000_000  # of a golden set
MOST_PIPELINE = 100_000
MOST_RUNS = 100_000_000  # of all runs: they are no part of a quota
_FINGERPRINT = re.compile(r"[0-9a-f]{8,64}")


def export_workspace(workspace: Workspace) -> tuple[bytes, tuple[Refusal, ...]]:
    """The workspace as a ZIP file, and the files that are not in it because their bytes cannot be read."""
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
    """What was taken of a workspace file. Documents join those that are here, and questions the golden set.

    Where the workspace holds nothing but the sample, sample documents that the file does not name leave it. Whatever is
    refused is refused by itself; each document is parsed within limits before it is kept.

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
    """Nothing; a member without a time, so that the same workspace is the same file. What is nothing but repetition is
    not packed, or it would be taken for a bomb when it comes back.
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
    """The name of the folder of a run's documents and questions; see `experiments_folder`."""
    return fingerprint([run.corpus, run.golden])


def _runs(workspace: Workspace) -> Iterator[Run]:
    """Every run that the workspace keeps; damaged files are left out."""
    home = workspace.folder / "experiments"
    for file in sorted(home.glob("*/runs/[0-9a-f]*.json")) if home.is_dir() else []:
        try:
            yield read_run(file)
        except WorkbenchError:
            continue
