"""`verify`: exported code is run and held against what the workbench gives, chunk by chunk and hit by hit."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench.documents import Corpus, Document
from workbench.embedders import keep_adapter, read_adapter
from workbench.errors import SpecError
from workbench.exports.comparisons import Check, Difference, Ranks, compare, same_hits
from workbench.exports.environments import is_made, missing, python_for
from workbench.exports.escapes import Escape, escapes
from workbench.exports.plans import FRAMEWORKS, TARGETS
from workbench.exports.running import Dump, ourselves, run
from workbench.exports.writing import ADAPTER, DOCUMENTS, FORMAT, GOLDEN, MANIFEST, documents_lines, requirements
from workbench.golden import read_golden
from workbench.pipelines import Pipeline, collection, embedded, from_yaml, prepared
from workbench.retrievers import MAX_K, Collection
from workbench.specs import digest
from workbench.store import Store
from workbench.workspaces.corpus_cache import from_json


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome; `equal` where nothing differed. `seconds` by stage, the environment's making apart.

    `escapes` says of equal hits which wrong parameters of the retriever they would not have shown.
    """

    target: str
    checks: tuple[Check, ...]
    differences: tuple[Difference, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    escapes: tuple[Escape, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether everything that was compared is the same; what was not, `not_compared` names."""
        return not any(check.different for check in self.checks)

    @property
    def not_compared(self) -> tuple[str, ...]:
        """The checks that compared nothing."""
        return tuple(check.name for check in self.checks if not check.compared)

    @property
    def outcome(self) -> str:
        """`equal`, `different`, or `equal; hits: not compared`."""
        if not self.equal:
            return "different"
        return "; ".join(["equal", *(f"{name}: not compared" for name in self.not_compared)])


def verify(
    folder: Path,
    documents: Corpus | None = None,
    queries: Sequence[str] | None = None,
    *,
    chunks_only: bool = False,
    store: Store | None = None,
    say: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """What the export in `folder` gives, compared with what the workbench gives now.

    It starts from the parsed text that the export carries; `documents`, parsed anew, are compared with that text, or
    stand for it where it carries none. `queries` default to the questions of its golden set. `say` is told of each
    stage, `progress(done, total)` of the embedding. `chunks_only` leaves vectors and hits out.

    Raises:
        SpecError: the folder is no export, or there is no document to verify on.
        EnvironmentUnavailable: the environment of a framework could not be made.
        ExportFailed: the exported code stopped with an error.
    """
    manifest = read_manifest(folder)
    tell = say or (lambda line: None)
    if (adapter := folder / ADAPTER).is_file():  # of an export made elsewhere, too
        keep_adapter(read_adapter(adapter.read_bytes()))
    pipeline = from_yaml(_text(folder / "pipeline.yaml"))
    carried = _carried(folder)
    corpus = carried or documents
    if corpus is None or len(corpus) == 0:
        raise SpecError(f"{folder}: the export carries no documents.jsonl; name documents to verify it on")
    checks = [_files(folder, manifest), _engine(pipeline, manifest)]
    differences: list[Difference] = _changed(folder, manifest, pipeline)
    if carried is not None and documents is not None:
        check, more = _anew(carried, documents)
        checks.append(check)
        differences += more
    asked = list(queries) if queries is not None else _questions(folder, corpus)
    seconds: dict[str, float] = {}
    if manifest["target"] == "bundle":
        from workbench.exports.bundles import read_bundle

        tell("reading the bundle")
        theirs = read_bundle(folder, pipeline, asked)
    else:
        start = time.monotonic()
        python = _python(folder, manifest["target"], tell)
        seconds["environment"] = time.monotonic() - start
        tell("running export.py")
        start = time.monotonic()
        theirs = _run(folder, python, pipeline, corpus, carried is not None, asked, chunks_only)
        seconds["export"] = time.monotonic() - start
    tell("running the workbench")
    start = time.monotonic()
    rows = _rows(corpus, pipeline, chunks_only, store, progress)
    ours, ranks = _found(rows, pipeline, asked, chunks_only, store)
    seconds["workbench"] = time.monotonic() - start
    edited = [line.where for line in differences if line.check == "files"]
    found, more = compare(ours, theirs, ranks, _cause(edited, pipeline))
    escaped: tuple[Escape, ...] = ()
    if chunks_only and pipeline.retriever.needs_vectors:
        found.append(Check("vectors", 0, 0, _LEFT_OUT))
    if chunks_only or not asked:
        found.append(Check("hits", 0, 0, _LEFT_OUT if chunks_only else _NO_QUESTION))
    elif not more:
        start = time.monotonic()
        escaped = escapes(rows, pipeline, ours.hits, lambda query, got: same_hits(ours, ranks, query, got))
        seconds["escapes"] = time.monotonic() - start
    return Verification(manifest["target"], (*checks, *found), (*differences, *more), seconds, escaped)


_LEFT_OUT = "left out by --chunks-only"
_NO_QUESTION = "the export carries no questions and no --query was given: a wrong ranking would not be seen"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The facts that an export states about itself.

    Raises:
        SpecError: there are none, or of another form.
    """
    try:
        manifest = json.loads(_text(folder / MANIFEST))
        known = manifest["format"] == FORMAT and manifest["target"] in TARGETS and isinstance(manifest["files"], dict)
    except (ValueError, TypeError, LookupError):
        known = False
    if not known:
        raise SpecError(f"{folder}: {MANIFEST} is not one that this version wrote; export anew")
    return dict(manifest)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise SpecError(f"{path.parent} is no export: {path.name} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SpecError(f"{path}: it is not UTF-8 text; export anew") from None


def _carried(folder: Path) -> Corpus | None:
    path = folder / DOCUMENTS
    if not path.is_file():
        return None
    try:
        lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
        return Corpus(tuple(_document(line) for line in lines if line))
    except (ValueError, TypeError, LookupError) as error:
        raise SpecError(f"{path}: it does not hold parsed documents ({error}); export anew") from None


def _document(line: bytes) -> Document:
    return from_json(line, json.loads(line.decode("utf-8", "surrogatepass"))["name"])


def _questions(folder: Path, corpus: Corpus) -> list[str]:
    path = folder / GOLDEN
    if not path.is_file():
        return []
    return list(dict.fromkeys(question.text for question in read_golden(path, corpus)[0]))


def _changed(folder: Path, manifest: dict[str, Any], pipeline: Pipeline) -> list[Difference]:
    out = []
    for name, hash in manifest["files"].items():
        path = folder / name
        now = digest(path.read_bytes()) if path.is_file() else "gone"
        if now != hash:
            out.append(Difference("files", name, hash[:12], now[:12], "the file was changed after the export"))
    if pipeline.fingerprint != manifest["pipeline"]:
        cause = "pipeline.yaml, the model's files or the workbench's methods have changed since the export"
        out.append(Difference("pipeline", "fingerprint", pipeline.fingerprint, manifest["pipeline"], cause))
    return out


def _files(folder: Path, manifest: dict[str, Any]) -> Check:
    names = manifest["files"]
    changed = [n for n, h in names.items() if not (folder / n).is_file() or digest((folder / n).read_bytes()) != h]
    return Check("files", len(names), len(changed))


def _engine(pipeline: Pipeline, manifest: dict[str, Any]) -> Check:
    return Check("pipeline", 1, int(pipeline.fingerprint != manifest["pipeline"]))


def _anew(carried: Corpus, parsed: Corpus) -> tuple[Check, list[Difference]]:
    """The carried texts against the documents parsed now, by the bytes that they were made from."""
    now = {document.source: document for document in parsed}
    out = []
    for document in carried:
        other = now.get(document.source)
        if other is None:
            same = next((d for d in parsed if d.name == document.name), None)
            cause = "a file of this name has other bytes now" if same else "the file is not among the documents given"
            out.append(Difference("parsing", document.name, "not parsed", "in the export", cause))
        elif other.text != document.text or other.sections != document.sections:
            at = next((i for i, (a, b) in enumerate(zip(other.text, document.text)) if a != b), -1)
            cause = f"{other.parser} reads it otherwise now than {document.parser} did; the first difference is at {at}"
            out.append(Difference("parsing", document.name, f"{len(other.text)}", f"{len(document.text)}", cause))
    return Check("parsing", len(carried), len(out)), out


def _python(folder: Path, target: str, tell: Callable[[str], None]) -> Path:
    if target not in FRAMEWORKS:
        return ourselves()
    lines = [line.strip() for line in _text(folder / "requirements.txt").splitlines()]
    pinned = [line for line in lines if line and not line.startswith("#")]
    return python_for(target, _installed(pinned, target), tell)


def _installed(pinned: Sequence[str], target: str) -> list[str]:
    """One environment for all exports to a framework: with what this one does not need, too."""
    named = {line.partition("==")[0] for line in pinned}
    packages: dict[str, str] = import_module(f"workbench.exports.{target}").PACKAGES
    return [*pinned, *(f"{n}=={v}" for n, v in packages.items() if n not in named)]


def to_install(pipeline: Pipeline, target: str) -> list[str]:
    """The packages that `verify` installs before it can run such an export; none where they are here."""
    if target not in FRAMEWORKS:
        return []
    wanted = _installed(requirements(pipeline, target), target)
    return [] if is_made(target, wanted) else missing(wanted)


def _run(
    folder: Path,
    python: Path,
    pipeline: Pipeline,
    corpus: Corpus,
    carried: bool,
    asked: Sequence[str],
    chunks_only: bool,
) -> Dump:
    import tempfile

    if carried:
        return run(folder, python, pipeline, folder / DOCUMENTS, asked, chunks_only)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / DOCUMENTS
        path.write_bytes(b"".join(documents_lines(corpus)))
        return run(folder, python, pipeline, path, asked, chunks_only)


def _rows(
    corpus: Corpus,
    pipeline: Pipeline,
    chunks_only: bool,
    store: Store | None,
    progress: Callable[[int, int], None] | None,
) -> Collection:
    return collection(corpus, pipeline.splitter) if chunks_only else prepared(corpus, pipeline, store, progress)


def _found(
    rows: Collection, pipeline: Pipeline, asked: Sequence[str], chunks_only: bool, store: Store | None
) -> tuple[Dump, Ranks]:
    vectors, hits, ranks = None, {}, {}
    if not chunks_only:
        if pipeline.retriever.needs_vectors:
            vectors = embedded(rows, pipeline.embedder, store)
        wide = min(MAX_K, max(4 * pipeline.k, pipeline.k + 50))
        for query in asked:
            hits[query] = tuple(hit.chunk for hit in pipeline.retriever(rows, [query], pipeline.k)[0])
            ranks[query] = {hit.chunk: hit.score for hit in pipeline.retriever(rows, [query], wide)[0]}
    return dump_of(rows, vectors, hits), ranks


def dump_of(rows: Collection, vectors: Any, hits: dict[str, tuple[int, ...]]) -> Dump:
    """A collection in the form in which exports print theirs."""
    spans = [rows.span(i) for i in range(len(rows))]
    hashes = tuple(digest(rows.corpus[span].encode("utf-8", "surrogatepass")) for span in spans)
    return Dump(tuple((s.document, s.start, s.end) for s in spans), tuple(rows.headers), hashes, vectors, hits)


def _cause(edited: Sequence[str], pipeline: Pipeline) -> str:
    code = [name for name in edited if name.endswith((".py", ".yaml", ".jsonl", ".txt", ".parquet", ".faiss"))]
    if code:
        return f"{', '.join(code)} was changed after the export"
    if not getattr(pipeline.index, "exact", True) or pipeline.index.kind != "flat":
        return f"the {pipeline.index.kind} index is approximate and found others"
    return "unknown: another version of a package, or a fault of the export; please report it"
