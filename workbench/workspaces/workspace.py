"""A workspace: the documents, golden set, pipelines and settings in one folder, and how it is reached.

In team mode it is reached by an id that nobody can guess. The owner's id gives the reader's id by a one-way hash, and
that gives the folder's name by another: both ids lead to the folder, a reader cannot find the owner's id, the folder's
name tells neither, and no id is ever part of a path.
"""

import json
import os
import re
import secrets
import shutil
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.documents import Corpus, Document
from workbench.errors import DocumentError, SpecError, StoreError, WorkbenchError
from workbench.golden import Problem
from workbench.parsers import PARSERS, Auto, Parser, label, parse_safely
from workbench.parsers.sandbox import on_behalf_of
from workbench.records import Question
from workbench.settings import home, team_mode
from workbench.specs import digest, from_dict, to_dict
from workbench.store import Store
from workbench.workspaces.corpus_cache import File, Parse, Refusal, all_parsed, opened, parsed, store_of
from workbench.workspaces.golden import GoldenSet
from workbench.workspaces.manifest import (
    Manifest,
    Source,
    check_new,
    check_quota,
    given_up,
    locked,
    now,
    read_locked,
    read_manifest,
    sample_files,
    sample_sources,
    write_manifest,
    write_whole,
)

_TOGETHER = 100  # files that are named at a time


@dataclass(frozen=True, slots=True, eq=False)
class Workspace:
    """The workspace in `folder`, opened by `id`; `reader_id` opens it to read only. `capacity`: its quota in bytes."""

    folder: Path
    id: str
    reader_id: str
    capacity: int
    parse: Parse

    # --- what it holds

    @property
    def writable(self) -> bool:
        """Return whether this id may change it."""
        return self.id == "local" or self.id != self.reader_id

    @property
    def sources(self) -> list[Source]:
        """The files in it, in the order in which they were added."""
        return list(read_manifest(self.folder).sources)

    @property
    def removed(self) -> list[Source]:
        """The files that `restore` can bring back, the last removed first."""
        return read_manifest(self.folder).removed[::-1]

    @property
    def store(self) -> Store:
        """The store shared with the other workspaces of this WORKBENCH_HOME."""
        return store_of(self.folder.parents[1])

    @property
    def notice(self) -> str:
        """A message about damage that was found and repaired; "" for none."""
        return read_manifest(self.folder).notice

    @property
    def used(self) -> int:
        """The bytes of its own files; the sample corpus is free."""
        return read_manifest(self.folder).used

    def corpus(
        self, parser: Parser | None = None, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> tuple[Corpus, tuple[Refusal, ...]]:
        """Return its documents by `parser`, or each by its own, and what could not be read.

        Only new files are parsed, which `progress(done, total)` counts; other texts are read when they are asked for.
        """
        with on_behalf_of(self.folder.name):
            return opened(
                (self.folder, self.parse, parser),
                read_manifest(self.folder).sources,
                lambda source: self._file(source, parser or _chosen(source)),
                lambda files: all_parsed(self.parse, self.store, files, progress),
            )

    def document(self, source: Source, parser: Parser | None = None) -> Document:
        """Return the document of one source, by `parser` or by the source's own."""
        read = partial(self.content, source)
        with on_behalf_of(self.folder.name):
            return parsed(self.parse, self.store, source.name, source.id, read, parser or _chosen(source))

    def content(self, source: Source) -> bytes:
        """Return the file as it was uploaded."""
        sample = sample_files().get(source.id)
        try:
            return (sample or self.folder / "sources" / source.id).read_bytes()
        except OSError as error:
            why = "the sample corpus has changed" if source.sample else f"its bytes are gone ({error.strerror})"
            raise DocumentError(f"{source.name} cannot be read: {why}; remove it and add it again") from error

    # --- documents

    def add(self, name: str, data: bytes, parser: Parser | None = None) -> Source:
        """Parse a file and keep it; a file that cannot be parsed changes nothing.

        Raises:
            DocumentError: it cannot be read, or its content is already here.
            StoreError: this id may not write, the quota is reached, or the disk refuses.
        """
        source = self._source(name, data, parser)
        with self._changing() as manifest:
            return self._insert(manifest, source, data, len(manifest.sources))

    def add_all(
        self, files: Iterable[tuple[str, bytes]], progress: Callable[[int], None] = lambda done: None
    ) -> tuple[list[Source], list[str]]:
        """`add` many files; return those kept, and the reason for each refusal. `progress(done)` counts them.

        Raises:
            StoreError: this id may not write, or the disk refuses.
        """
        self.check_writable()
        kept, refused, rest = list[Source](), list[str](), enumerate(files, 1)
        while some := list(islice(rest, _TOGETHER)):
            new: list[tuple[Source, bytes]] = []
            for done, (name, data) in some:
                try:
                    new.append((self._source(name, data, None), data))
                except WorkbenchError as error:
                    refused.append(str(error))
                progress(done)
            with self._changing() as manifest:
                for source, data in new:
                    try:
                        kept.append(self._insert(manifest, source, data, len(manifest.sources)))
                    except WorkbenchError as error:  # a disk that refuses does so again at the end, for all
                        refused.append(str(error))
        return kept, refused

    def paste(self, text: str, name: str = "pasted text") -> Source:
        """Add pasted text as a file, plain unless its name says otherwise."""
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise DocumentError(f"the pasted text holds half a character at position {error.start}") from error
        return self.add(name if Path(name).suffix else f"{name}.txt", data, Auto(encoding="utf-8"))

    def replace(self, id: str, name: str, data: bytes) -> Source:
        """Put a new file in the place of another, which can be restored."""
        source = self._source(name, data, _chosen(self._find(read_manifest(self.folder), id)), instead=id)
        with self._changing() as manifest:
            place = manifest.sources.index(self._find(manifest, id))
            manifest.removed.append(manifest.sources.pop(place))
            self._insert(manifest, source, data, place)
            manifest.successors[id] = source.id
        return source

    def remove(self, id: str) -> Source:
        """Take a source out; `restore` brings it back."""
        with self._changing() as manifest:
            source = self._find(manifest, id)
            manifest.sources.remove(source)
            manifest.removed.append(source)
        return source

    def restore(self, id: str) -> Source:
        """Bring a removed source back, at the end of the list."""
        with self._changing() as manifest:
            source = next((s for s in manifest.removed if s.id == id), None)
            if source is None:
                raise DocumentError("this file can no longer be brought back; upload it again")
            check_quota(manifest, source, self.capacity)
            manifest.removed.remove(source)
            source = replace(source, name=manifest.free_name(source.name))
            manifest.sources.append(source)
        return source

    def discard(self, id: str) -> None:
        """Delete a removed file for good."""
        with self._changing() as manifest:
            manifest.removed = [s for s in manifest.removed if s.id != id]
            if not manifest.find(id):
                (self.folder / "sources" / id).unlink(missing_ok=True)

    def rename(self, id: str, name: str) -> Source:
        """Give a source another label."""
        with self._changing() as manifest:
            source = self._find(manifest, id)
            renamed = replace(source, name=label(name))
            if any(s.name == renamed.name and s.id != id for s in manifest.sources):
                raise DocumentError(f"another file is already called {renamed.name}; choose another name")
            manifest.sources[manifest.sources.index(source)] = renamed
        return renamed

    def choose_parser(self, id: str, parser: Parser) -> Source:
        """Choose another parser for a source, once it has read the file."""
        source = self._find(read_manifest(self.folder), id)
        self.document(source, parser)
        with self._changing() as manifest:
            source = self._find(manifest, id)
            changed = replace(source, parser=to_dict(parser))
            manifest.sources[manifest.sources.index(source)] = changed
        return changed

    def start_with_sample(self) -> list[Source]:
        """Bring all files of the sample corpus, in its current version; return them."""
        with self._changing() as manifest:
            current = {s.id: s for s in sample_sources()}
            manifest.sources = [s for s in manifest.sources if not s.sample or s.id in current]
            manifest.removed = [s for s in manifest.removed if s.id not in current]
            for source in current.values():
                if not manifest.find(source.id):
                    manifest.sources.append(replace(source, name=manifest.free_name(source.name)))
            return [s for s in manifest.sources if s.id in current]

    # --- golden set, pipelines, settings

    @property
    def golden(self) -> GoldenSet:
        """The golden set, with its drafts and versions."""
        return GoldenSet(self.folder, self.check_writable, read_manifest(self.folder).successors)

    def golden_set(self, corpus: Corpus) -> tuple[tuple[Question, ...], tuple[Problem, ...]]:
        """Return the questions anchored in this corpus, and unreadable rows; see `GoldenSet.read`."""
        found = self.golden.read(corpus)
        return found.questions, found.problems

    def keep_golden_set(self, questions: Iterable[Question], corpus: Corpus, label: str = "") -> None:
        """Replace the golden set; see `GoldenSet.keep`."""
        self.golden.keep(questions, corpus, label)

    @property
    def pipelines(self) -> Mapping[str, str]:
        """The kept pipelines: name → YAML."""
        return read_manifest(self.folder).pipelines

    def keep_pipeline(self, name: str, yaml: str) -> None:
        """Keep a pipeline under this name, in place of another."""
        with self._changing() as manifest:
            manifest.pipelines[label(name)] = yaml

    def drop_pipeline(self, name: str) -> None:
        """Remove the pipeline of this name."""
        with self._changing() as manifest:
            manifest.pipelines.pop(name, None)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that the pages keep over a restart."""
        return read_manifest(self.folder).settings

    def keep_settings(self, **values: Any) -> None:
        """Change these settings; the others stay."""
        with self._changing() as manifest:
            manifest.settings.update(values)

    def dismiss_notice(self) -> None:
        """Clear the notice, once the user has read it."""
        with self._changing() as manifest:
            manifest.notice = ""

    def check_writable(self) -> None:
        """Raise StoreError if this id may only read."""
        if not self.writable:
            raise StoreError("this link only reads the workspace; ask its owner for a link that may change it")

    @contextmanager
    def _changing(self) -> Iterator[Manifest]:
        """The manifest, to be changed; written at the end unless an error is raised."""
        self.check_writable()
        with locked(self.folder):
            manifest = read_locked(self.folder)
            yield manifest
            write_manifest(self.folder, manifest)

    def _source(self, name: str, data: bytes, parser: Parser | None, instead: str = "") -> Source:
        """Return a new source once its parser has read it; refuse it first if it is here already or too large."""
        self.check_writable()
        id, parser = digest(data), parser or Auto()
        is_sample = id in sample_files()
        source = Source(id, label(name), len(data), "", to_dict(parser), now(), is_sample)
        manifest = read_manifest(self.folder)
        manifest.sources = [s for s in manifest.sources if s.id != instead]
        check_new(manifest, source, self.capacity)
        with on_behalf_of(self.folder.name):
            document = parsed(self.parse, self.store, source.name, id, lambda: data, parser)
        return replace(source, media_type=document.media_type)

    def _insert(self, manifest: Manifest, source: Source, data: bytes, place: int) -> Source:
        check_new(manifest, source, self.capacity)
        manifest.removed = [s for s in manifest.removed if s.id != source.id]
        for gone in given_up(manifest, source, self.capacity):
            (self.folder / "sources" / gone.id).unlink(missing_ok=True)
        if not source.sample:
            write_whole(self.folder / "sources" / source.id, data)
        manifest.sources.insert(place, replace(source, name=manifest.free_name(source.name)))
        return source

    def _find(self, manifest: Manifest, id: str) -> Source:
        if source := manifest.find(id):
            return source
        raise DocumentError("this file is no longer in the workspace; someone may have removed it in another window")

    def _file(self, source: Source, parser: Parser) -> File:
        return File(source.name, source.id, partial(self.content, source), parser)


def _chosen(source: Source) -> Parser:
    try:
        return _parser(json.dumps(source.parser))
    except SpecError as error:
        raise DocumentError(f"{source.name}: {error}; choose another parser for this file") from error


@lru_cache(maxsize=64)
def _parser(mapping: str) -> Parser:
    """Return the parser of a JSON mapping; cached, since most of thousands of files name the same one."""
    return from_dict(PARSERS, json.loads(mapping), "parser")


LOCAL = "local"
_ID = re.compile(r"[wr][A-Za-z0-9_-]{32}")  # w: may change it, r: may read it; 192 random bits
_UNKNOWN = "there is no such workspace: the link is incomplete or mistyped, or the workspace was deleted or has expired"


def open_workspace(id: str | None = None, *, parse: Parse = parse_safely) -> Workspace:
    """Return the workspace that the id leads to; without one the local workspace or, in team mode, a new one.

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
    """Create a workspace with the sample corpus, private to whoever has its id."""
    id = "w" + secrets.token_urlsafe(24)
    _create(_folder(id))
    return _known(id, parse)


def delete_workspace(id: str) -> None:
    """Delete the workspace and everything in it, for good. Only its owner's id may."""
    workspace = open_workspace(id)
    workspace.check_writable()
    _delete(workspace.folder)


def expire(days: float) -> int:
    """Delete the workspaces of team mode that nobody opened for so many days; return how many."""
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
    """Return a workspace of team mode that exists; an id never creates one."""
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
    return home() / "workspaces"


def _quota() -> int:
    text = os.environ.get("WORKBENCH_QUOTA_MB", "200")
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise StoreError(f"WORKBENCH_QUOTA_MB ({text!r}) must be a whole number of megabytes above 0, such as 200")
    return int(text) << 20


def _create(folder: Path) -> None:
    """Create a workspace with the sample corpus, unless another process was faster."""
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
            write_manifest(folder, Manifest(sources=sample_sources()))
