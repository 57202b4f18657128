"""`verify`: exported code is run and compared with what the workbench gives, chunk by chunk and hit by hit."""

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench import models, settings
from workbench.documents import Corpus
from workbench.errors import SpecError, WorkbenchError
from workbench.exports import environments
from workbench.exports.bundle import read_bundle
from workbench.exports.comparison import Check, Difference, Dump, Escape, Ranks, compare, escapes, same_hits
from workbench.exports.folder import DOCUMENTS, FORMAT, GOLDEN, MANIFEST, PACKAGES, documents_lines, requirements
from workbench.exports.targets import FRAMEWORKS, TARGETS
from workbench.exports.wheel import FOLDER
from workbench.golden import read_golden
from workbench.integrations import load_pipeline, read_documents
from workbench.pipelines import Pipeline, collection, embedded, prepared
from workbench.retrievers import MAX_K, Collection
from workbench.specs import digest
from workbench.store import Store
from workbench.tokens import BPE_ENCODINGS

_PATIENCE = 3_600  # seconds
_WHEELS = 8  # unpacked ones that are kept


class ExportFailed(WorkbenchError):
    """The exported code did not run to its end; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found; `seconds` by stage, making an environment being one.

    `escapes` names the wrong parameters of the retriever that equal hits would not have shown.
    """

    target: str
    checks: tuple[Check, ...]
    differences: tuple[Difference, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    escapes: tuple[Escape, ...] = ()

    @property
    def equal(self) -> bool:
        """Return whether everything that was compared is the same; what was not, `not_compared` names."""
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
    """Run the export in `folder` and compare what it gives with what the workbench gives now.

    Both start from the parsed text that the export carries; `documents`, parsed again, are compared with that text, or
    replace it where there is none. `queries` default to the questions of its golden set. `say` gets a line for each
    stage, `progress(done, total)` the state of the embedding. `chunks_only` leaves vectors and hits out.

    Raises:
        SpecError: the folder is no export, or there is no document to verify on.
        EnvironmentUnavailable: the environment of a framework could not be made.
        ExportFailed: the exported code stopped with an error.
    """
    manifest = read_manifest(folder)
    tell = say or (lambda line: None)
    pipeline = load_pipeline(folder / "pipeline.yaml")
    carried = read_documents(folder / DOCUMENTS, pipeline) if (folder / DOCUMENTS).is_file() else None
    corpus = carried or documents
    if corpus is None or len(corpus) == 0:
        raise SpecError(f"{folder}: the export carries no documents.jsonl; name documents to verify it on")
    differences: list[Difference] = _changed(folder, manifest, pipeline)
    edited = [line.where for line in differences if line.check == "files"]
    checks = [Check("files", len(manifest["files"]), len(edited)), Check("pipeline", 1, len(differences) - len(edited))]
    if carried is not None and documents is not None:
        check, more = _parsing(carried, documents)
        checks.append(check)
        differences += more
    asked = list(queries) if queries is not None else _questions(folder, corpus)
    seconds: dict[str, float] = {}
    if manifest["target"] == "bundle":
        tell("reading the bundle")
        theirs = read_bundle(folder, pipeline, asked)
    else:
        start = time.monotonic()
        python = _python(folder, manifest["target"], tell)
        seconds["environment"] = time.monotonic() - start
        tell("running export.py")
        start = time.monotonic()
        theirs = _run(folder, manifest, python, pipeline, corpus, asked, chunks_only)
        seconds["export"] = time.monotonic() - start
    tell("running the workbench")
    start = time.monotonic()
    rows = collection(corpus, pipeline.splitter) if chunks_only else prepared(corpus, pipeline, store, progress)
    ours, ranks = expected(rows, pipeline, asked, chunks_only, store)
    seconds["workbench"] = time.monotonic() - start
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
    """Return an export's manifest.

    Raises:
        SpecError: there is none, or it has an unknown form.
    """
    try:
        manifest = json.loads(_text(folder / MANIFEST))
        known = (
            manifest["format"] in (1, FORMAT) and manifest["target"] in TARGETS and isinstance(manifest["files"], dict)
        )
    except (ValueError, TypeError, LookupError):
        known = False
    if not known:
        raise SpecError(f"{folder}: {MANIFEST} is not one that this version or an earlier one wrote; export again")
    return dict(manifest)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise SpecError(f"{path.parent} is no export: {path.name} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SpecError(f"{path}: it is not UTF-8 text; export again") from None


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


def _parsing(carried: Corpus, parsed: Corpus) -> tuple[Check, list[Difference]]:
    """Compare the carried texts with the documents as parsed now; equal bytes make a pair."""
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
        return Path(sys.executable)
    lines = [line.strip() for line in _text(folder / "requirements.txt").splitlines()]
    return environments.python_for(target, _installed(lines, target), tell)


def _installed(lines: Sequence[str], target: str) -> list[str]:
    """Return what one environment for all exports to a framework holds: with what this one does not need, too."""
    pinned = [line for line in lines if "==" in line and not line.startswith("#")]
    named = {line.partition("==")[0] for line in pinned}
    return [*pinned, *(f"{n}=={v}" for n, v in PACKAGES[target].items() if n not in named)]


def to_install(pipeline: Pipeline, target: str) -> list[str]:
    """Return the packages that `verify` installs before it can run such an export; none where they are here."""
    if target not in FRAMEWORKS:
        return []
    wanted = _installed(requirements(pipeline, target), target)
    return [] if environments.is_made(target, wanted) else environments.missing(wanted)


def _run(
    folder: Path,
    manifest: dict[str, Any],
    python: Path,
    pipeline: Pipeline,
    corpus: Corpus,
    asked: Sequence[str],
    chunks_only: bool,
) -> Dump:
    """Return the chunks, vectors and hits that the folder's `export.py` gives.

    Raises:
        ExportFailed: it stopped with an error, or printed something else.
    """
    folder = folder.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        dump, queries, job = (Path(scratch) / name for name in ("dump", "queries.json", "job.json"))
        queries.write_text(json.dumps(list(asked)), "utf-8")
        if not (documents := folder / DOCUMENTS).is_file():
            documents = Path(scratch) / DOCUMENTS
            documents.write_bytes(b"".join(documents_lines(corpus)))
        if manifest["format"] == 1:
            start = ["-c", _BEFORE] if manifest["target"] == "python" else ["export.py"]
            what = ["--chunks"] if chunks_only else ["--dump", "--queries", str(queries)]
            command = [str(python), *start, "--documents", str(documents), *what]
        else:
            facts = {"target": manifest["target"], "documents": str(documents), "folders": {str(folder): str(dump)}}
            job.write_text(json.dumps(facts | {"queries": None if chunks_only else list(asked)}), "utf-8")
            command = [str(python), "-P", str(Path(__file__).with_name("driver.py")), str(job)]
        # To files, as a pipe would have to be read while it fills.
        with (Path(scratch) / "out").open("wb+") as out, (Path(scratch) / "err").open("wb+") as err:
            try:
                status = subprocess.run(
                    command,
                    cwd=folder,
                    stdout=out,
                    stderr=err,
                    env=variables(pipeline, _engine(folder, manifest)),
                    timeout=_PATIENCE,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                raise ExportFailed(f"export.py did not end within {_PATIENCE} s") from None
            except OSError as error:
                raise ExportFailed(f"export.py could not be started ({error.strerror})") from None
            out.seek(0), err.seek(0)
            if status:
                words = err.read().decode("utf-8", "replace").strip().splitlines()
                raise ExportFailed(f"export.py ended with status {status}: {words[-1] if words else 'it said nothing'}")
            data = out.read() if manifest["format"] == 1 else dump.read_bytes()
            return read_dump(data.decode("utf-8", "replace").splitlines())


_BEFORE = """
import importlib, runpy, sys
sys.modules["workbench." + "workspaces.parsed"] = importlib.import_module("workbench.integrations")
sys.argv[0] = "export.py"
runpy.run_path("export.py", run_name="__main__")
"""
"""Runs an export of format 1 for the workbench itself, with the module that it reads documents by."""


def _engine(folder: Path, manifest: dict[str, Any]) -> Path:
    """Return the folder from which exported code imports the workbench: the wheel that it carries, unpacked."""
    wheel = next((folder / name for name in manifest["files"] if name.startswith(f"{FOLDER}/")), None)
    if wheel is None or not wheel.is_file():
        return Path(__file__).parents[2]
    data = wheel.read_bytes()
    place = environments.home() / f"wheel-{digest(data)[:16]}"
    if not place.is_dir():
        partial = place.with_name(f"{place.name}.{os.getpid()}")
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                archive.extractall(partial)
            partial.rename(place)
        except (OSError, zipfile.BadZipFile) as error:
            if not place.is_dir():  # else another process was first
                raise ExportFailed(f"{wheel}: it cannot be unpacked into {place.parent} ({error})") from None
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        kept = sorted(place.parent.glob("wheel-*"), key=lambda folder: folder.stat().st_mtime)
        for old in kept[:-_WHEELS]:
            shutil.rmtree(old, ignore_errors=True)
    return place


def read_dump(lines: Sequence[str]) -> Dump:
    """Return what an export printed.

    Raises:
        ExportFailed: it is something else.
    """
    chunks: list[dict[str, Any]] = []
    hits: dict[str, tuple[int, ...]] = {}
    try:
        for line in lines:
            row = json.loads(line)
            if "query" in row:
                hits[row["query"]] = tuple(row["hits"])
            else:
                chunks.append(row)
        vectors = None
        if chunks and "vector" in chunks[0]:
            vectors = np.stack([np.frombuffer(base64.b64decode(row["vector"]), "<f4") for row in chunks])
        return Dump(
            tuple((row["document"], row["start"], row["end"]) for row in chunks),
            tuple(row["header"] for row in chunks),
            tuple(row["sha256"] for row in chunks),
            vectors,
            hits,
        )
    except (ValueError, LookupError, TypeError) as error:
        raise ExportFailed(f"export.py printed something that is no dump ({error})") from None


def variables(pipeline: Pipeline, engine: Path) -> dict[str, str]:
    """Return the process's variables: no network, the models where the workbench has them, and the engine."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    kept |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    kept |= {"TOKENIZERS_PARALLELISM": "false", "HAYSTACK_TELEMETRY_ENABLED": "False", "PYTHONIOENCODING": "utf-8"}
    kept |= {"ANONYMIZED_TELEMETRY": "False", "PYTHONPATH": str(engine)}
    kept["WORKBENCH_HOME"] = str(settings.home().resolve())
    splitter = pipeline.splitter
    if splitter.unit == "tokens" and splitter.tokenizer not in BPE_ENCODINGS:
        kept["TOKENIZER_PATH"] = str(models.find(splitter.tokenizer).tokenizer)
    if pipeline.retriever.needs_vectors and models.available(pipeline.embedder.source.name):
        kept["MODEL_PATH"] = str(pipeline.embedder.source.folder)
    return kept


def expected(
    rows: Collection, pipeline: Pipeline, asked: Sequence[str], chunks_only: bool = False, store: Store | None = None
) -> tuple[Dump, Ranks]:
    """Return what the workbench gives, in the form in which exports print theirs, and scores well beyond k."""
    vectors, hits, ranks = None, {}, {}
    if not chunks_only:
        if pipeline.retriever.needs_vectors:
            vectors = embedded(rows, pipeline.embedder, store)
        wide = min(MAX_K, max(4 * pipeline.k, pipeline.k + 50))
        for query in asked:
            hits[query] = tuple(hit.chunk for hit in pipeline.retriever(rows, [query], pipeline.k)[0])
            ranks[query] = {hit.chunk: hit.score for hit in pipeline.retriever(rows, [query], wide)[0]}
    spans = [rows.span(i) for i in range(len(rows))]
    hashes = tuple(digest(rows.corpus[span].encode("utf-8", "surrogatepass")) for span in spans)
    return Dump(tuple((s.document, s.start, s.end) for s in spans), tuple(rows.headers), hashes, vectors, hits), ranks


def _cause(edited: Sequence[str], pipeline: Pipeline) -> str:
    code = [name for name in edited if name.endswith((".py", ".yaml", ".jsonl", ".txt", ".parquet", ".faiss", ".whl"))]
    if code:
        return f"{', '.join(code)} was changed after the export"
    if not getattr(pipeline.index, "exact", True) or pipeline.index.kind != "flat":
        return f"the {pipeline.index.kind} index is approximate and found others"
    return "unknown: another version of a package, or a fault of the export; please report it"
