"""`export`: a pipeline as a folder of code, data and facts that runs without the workbench and can be verified."""

import json
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workbench.documents import Corpus
from workbench.embedders import find_adapter
from workbench.errors import SpecError
from workbench.exports import ours
from workbench.exports.embedding import static_source
from workbench.exports.indexing import is_plain
from workbench.exports.plans import FRAMEWORKS, TARGETS, Note, is_counted_by_model, support, uses_own_splitter
from workbench.exports.ranking import retriever_source
from workbench.exports.readmes import readme
from workbench.exports.splitting import splitter_source
from workbench.golden import write_golden
from workbench.pipelines import Pipeline, collection, to_yaml
from workbench.records import Question
from workbench.retrievers import Collection
from workbench.specs import digest
from workbench.store import Store
from workbench.workspaces.corpus_cache import to_json

FORMAT = 1
"""Of manifest.json."""

MANIFEST, DOCUMENTS, GOLDEN = "manifest.json", "documents.jsonl", "golden.jsonl"

ADAPTER = "adapter.safetensors"
"""What turns the vectors of queries, where the pipeline's embedder has it."""

Progress = Callable[[int, int], None]


def export(
    pipeline: Pipeline,
    corpus: Corpus | None,
    golden: Sequence[Question] | None,
    target: str,
    out: Path,
    *,
    store: Store | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """The files written into the folder `out`: code for `target`, pinned requirements, and the data it was given.

    `corpus` is carried as parsed text, since another reader gives other text; a bundle cannot do without. `golden`
    goes along, and its questions are what `verify` asks. Files of the same names are replaced, others stay.

    Raises:
        NotExpressible: there is no such target.
        SpecError: the target cannot express the pipeline (every reason is named), or needs a corpus.
    """
    notes = support(pipeline, target)
    if stops := [note for note in notes if note.stops]:
        reasons = "; ".join(f"{note.part} {note.kind}: {note.text}" for note in stops)
        raise SpecError(f"{target} cannot express this pipeline. {reasons}. Other targets are {_others(target)}")
    if golden and corpus is None:
        raise SpecError("a golden set stands on documents: give the documents too")
    files: dict[str, bytes] = {"pipeline.yaml": to_yaml(pipeline).encode()}
    if adapter := getattr(pipeline.embedder, "adapter", ""):
        files[ADAPTER] = find_adapter(adapter).data
    if corpus is not None:
        files[DOCUMENTS] = b"".join(documents_lines(corpus))
        if golden:
            files[GOLDEN] = write_golden(golden, corpus).encode()
    if target in FRAMEWORKS:
        files |= {name: text.encode() for name, text in _code(pipeline, target).items()}
        files["requirements.txt"] = "".join(f"{line}\n" for line in requirements(pipeline, target)).encode()
    elif target == "python":
        files["export.py"] = ours.code(pipeline).encode()
    rows = collection(corpus, pipeline.splitter) if corpus is not None else None
    if target == "bundle":
        from workbench.exports.bundles import bundle

        if corpus is None or rows is None:
            raise SpecError("a bundle holds chunks and vectors: give the documents too")
        files |= bundle(pipeline, corpus, rows, store, progress)
    files["README.md"] = readme(pipeline, target, notes, corpus, golden or ()).encode()
    facts = _manifest(pipeline, target, notes, corpus, rows, files)
    files[MANIFEST] = (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    return _written(out, files)


def _others(target: str) -> str:
    return ", ".join(name for name in TARGETS if name != target)


def _code(pipeline: Pipeline, target: str) -> dict[str, str]:
    files = {"export.py": import_module(f"workbench.exports.{target}").code(pipeline)}
    if not uses_own_splitter(pipeline, target):
        files["splitter.py"] = splitter_source(pipeline.splitter)
    if pipeline.retriever.kind != "dense":
        files["retriever.py"] = retriever_source(pipeline.retriever)
    if pipeline.retriever.needs_vectors and pipeline.embedder.kind == "static":
        files["embedder.py"] = static_source(pipeline.embedder)
    return files


def requirements(pipeline: Pipeline, target: str) -> list[str]:
    """What the exported code needs, each at the version that it was tried with."""
    framework: dict[str, str] = import_module(f"workbench.exports.{target}").PACKAGES
    needed = {"numpy"}
    vectors, static = pipeline.retriever.needs_vectors, pipeline.embedder.kind == "static"
    if pipeline.splitter.unit == "tokens":
        needed.add("tokenizers" if is_counted_by_model(pipeline) else "bpe-openai")
        if is_counted_by_model(pipeline):
            needed |= _packages_of([pipeline.splitter.tokenizer])
    if vectors and static:
        needed |= {"safetensors", "tokenizers"} | _packages_of([pipeline.embedder.source.name])
    elif vectors:
        needed |= {"sentence-transformers", "transformers", "torch"}
    if vectors and (target != "haystack" or not is_plain(pipeline.index)):
        needed.add("faiss-cpu")
    if getattr(pipeline.retriever, "stop_words", "none") != "none":
        needed.add("bm25s")
    if getattr(pipeline.retriever, "stemmer", "none") != "none":
        needed.add("PyStemmer")
    unused: tuple[str, ...] = () if vectors and not static else ("huggingface", "sentence-transformers")
    unused += () if vectors else ("faiss", "langchain-community")
    framework = {name: release for name, release in framework.items() if not any(part in name for part in unused)}
    own = [f"{name}=={version(name).partition('+')[0]}" for name in sorted(needed)]
    return [*(f"{name}=={release}" for name, release in framework.items()), *own]


def _packages_of(names: Iterable[str]) -> set[str]:
    """The packages that carry these models where the hub does not have them."""
    from workbench import models
    from workbench.exports.splitting import hub_name

    found = [models.find(name) for name in names if hub_name(name) == name and "/" not in name]
    return {model.home.split()[1] for model in found if model.home.startswith("package ")}


def documents_lines(corpus: Corpus) -> Iterable[bytes]:
    """The parsed documents, a line of JSON each, in the corpus's order."""
    for document in corpus:
        data = to_json(document)
        try:
            data.decode()
        except UnicodeDecodeError:  # half a character, which only JSON's own escapes can carry
            data = json.dumps(json.loads(data.decode("utf-8", "surrogatepass"))).encode()
        yield data + b"\n"


def chunks_digest(rows: Collection) -> str:
    """sha256 over every chunk's document, place, header and text, in order."""
    lines = []
    for i in range(len(rows)):
        span, text = rows.span(i), rows.text(i).encode("utf-8", "surrogatepass")
        lines.append(f"{span.document} {span.start} {span.end} {digest(text)}")
    return digest("\n".join(lines).encode())


def _manifest(
    pipeline: Pipeline,
    target: str,
    notes: list[Note],
    corpus: Corpus | None,
    rows: Collection | None,
    files: dict[str, bytes],
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "format": FORMAT,
        "target": target,
        "pipeline": pipeline.fingerprint,
        "label": pipeline.label,
        "embedder": pipeline.embedder.identity() if pipeline.retriever.needs_vectors else None,
        "corpus": corpus.id if corpus is not None else None,
        "documents": len(corpus) if corpus is not None else 0,
        "chunks": len(rows) if rows is not None else None,
        "chunks_sha256": chunks_digest(rows) if rows is not None else None,
        "versions": {name: version(name) for name in ("numpy", "tokenizers", "faiss-cpu", "torch", "transformers")},
        "notes": [{"part": n.part, "kind": n.kind, "level": n.level, "text": n.text} for n in notes],
    }
    return facts | {"files": {name: digest(data) for name, data in sorted(files.items())}}


def _written(out: Path, files: dict[str, bytes]) -> list[Path]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (out / name).write_bytes(data)
    except OSError as error:
        raise SpecError(f"{out}: the export cannot be written ({error.strerror})") from None
    return [out / name for name in files]
