"""`export`: a pipeline as a folder of code, data and facts that a colleague can run and that `verify` can prove."""

import json
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import Distribution, distributions, packages_distributions, version
from pathlib import Path
from typing import Any

from workbench import models
from workbench.documents import Corpus
from workbench.embedders import find_adapter
from workbench.errors import SpecError
from workbench.exports.bundle import bundle
from workbench.exports.code import code, is_packaged, rendered
from workbench.exports.targets import FRAMEWORKS, TARGETS, Note, native, support
from workbench.exports.wheel import FOLDER, wheel
from workbench.golden import write_golden
from workbench.installation import DISTRIBUTION
from workbench.integrations import ADAPTER
from workbench.pipelines import REGISTRIES, Pipeline, collection, to_yaml
from workbench.records import Question
from workbench.retrievers import Collection
from workbench.specs import digest
from workbench.store import Store
from workbench.tokens import BPE_ENCODINGS
from workbench.workspaces.corpus_cache import to_json

FORMAT = 2
"""Of manifest.json. In format 1 export.py printed its own chunks, vectors and hits; `verify` knows both."""

MANIFEST, DOCUMENTS, GOLDEN = "manifest.json", "documents.jsonl", "golden.jsonl"

PACKAGES = {
    "langchain": {
        "langchain-core": "1.8.3",
        "langchain-community": "0.4.2",
        "langchain-huggingface": "1.2.3",
        "langchain-text-splitters": "1.1.3",
    },
    "llamaindex": {
        "llama-index-core": "0.14.25",
        "llama-index-embeddings-huggingface": "0.8.0",
        "llama-index-vector-stores-faiss": "0.7.0",
    },
    "haystack": {"haystack-ai": "3.4.1", "sentence-transformers-haystack": "2.0.0"},
}
"""The packages of each framework, at the versions that the code was tried with."""

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
    """Write code for `target`, pinned requirements and the data that is given into the folder `out`; return the files.

    `corpus` is carried as parsed text, since another reader gives other text; a bundle cannot do without. `golden`
    goes along, and its questions are what `verify` asks. Code that imports the workbench has its wheel beside it.
    Files of the same names are replaced, others stay.

    Raises:
        NotExpressible: there is no such target.
        SpecError: the target cannot express the pipeline (every reason is named), or needs a corpus.
    """
    notes = support(pipeline, target)
    if stops := [note for note in notes if note.stops]:
        reasons = "; ".join(f"{note.part} {note.kind}: {note.text}" for note in stops)
        others = ", ".join(name for name in TARGETS if name != target)
        raise SpecError(f"{target} cannot express this pipeline. {reasons}. Other targets are {others}")
    if golden and corpus is None:
        raise SpecError("a golden set stands on documents: give the documents too")
    files: dict[str, bytes] = {"pipeline.yaml": to_yaml(pipeline).encode()}
    if adapter := getattr(pipeline.embedder, "adapter", ""):
        files[ADAPTER] = find_adapter(adapter).data
    if corpus is not None:
        files[DOCUMENTS] = b"".join(documents_lines(corpus))
        if golden:
            files[GOLDEN] = write_golden(golden, corpus).encode()
    rows = collection(corpus, pipeline.splitter) if corpus is not None else None
    if target == "bundle":
        if corpus is None or rows is None:
            raise SpecError("a bundle holds chunks and vectors: give the documents too")
        files |= bundle(pipeline, corpus, rows, store, progress)
    else:
        files["export.py"] = code(pipeline, target).encode()
        files["requirements.txt"] = "".join(f"{line}\n" for line in requirements(pipeline, target)).encode()
        if uses_engine(pipeline, target):
            name, data = wheel()
            files[f"{FOLDER}/{name}"] = data
    files["README.md"] = _readme(pipeline, target, notes, corpus, golden or ()).encode()
    facts = _manifest(pipeline, target, notes, corpus, rows, files)
    files[MANIFEST] = (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()
    try:
        for name, data in files.items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(data)
    except OSError as error:
        raise SpecError(f"{out}: the export cannot be written ({error.strerror})") from None
    return [out / name for name in files]


def uses_engine(pipeline: Pipeline, target: str) -> bool:
    """Return whether the exported code imports the workbench."""
    return target == "python" or (target in FRAMEWORKS and not native(pipeline, target).alone)


def requirements(pipeline: Pipeline, target: str) -> list[str]:
    """Return what the exported code needs, each at the version that it was tried with; the wheel by its path."""
    vectors = pipeline.retriever.needs_vectors
    own = native(pipeline, target) if target in FRAMEWORKS else None
    needed, named = {"numpy"}, set(_models(pipeline))
    transformer = any(not models.available(n) or models.find(n).kind not in ("static", "remote") for n in named)
    if pipeline.splitter.unit == "tokens":
        needed.add("bpe-openai" if pipeline.splitter.tokenizer in BPE_ENCODINGS else "tokenizers")
        named |= {pipeline.splitter.tokenizer} - set(BPE_ENCODINGS)
    if vectors:
        needed |= {"sentence-transformers", "transformers", "torch"} if transformer else {"safetensors", "tokenizers"}
    if vectors and (own is None or target != "haystack" or not own.search):
        needed.add("faiss-cpu")
    if getattr(pipeline.retriever, "stemmer", "none") != "none":
        needed.add("PyStemmer")
    needed |= {models.find(name).home.split()[1] for name in named if models.available(name) and is_packaged(name)}
    needed |= _others(pipeline)
    unused: tuple[str, ...] = () if own and own.search else ("huggingface", "sentence-transformers")
    unused += () if own and own.search else ("faiss", "langchain-community")
    packages = {n: v for n, v in PACKAGES.get(target, {}).items() if not any(part in n for part in unused)}
    lines = [f"{n}=={v}" for n, v in packages.items()]
    lines += [f"{name}=={version(name).partition('+')[0]}" for name in sorted(needed)]
    if uses_engine(pipeline, target):
        extras = "[models]" if transformer else ""
        lines.append(f"./{FOLDER}/{wheel()[0]}{extras}")
    return lines


def _models(pipeline: Pipeline) -> Iterable[str]:
    """Yield the models that the pipeline's methods load."""
    for part in _parts(pipeline):
        if model := getattr(part, "model", ""):
            yield model


def _parts(pipeline: Pipeline) -> list[Any]:
    """Return the methods that an export runs: without vectors, no embedder and no index."""
    unused = () if pipeline.retriever.needs_vectors else ("embedder", "index")
    return [getattr(pipeline, name) for name in REGISTRIES if name not in unused]


def _others(pipeline: Pipeline) -> set[str]:
    """Return the distributions of other packages that the pipeline's methods come from."""
    modules = {type(part).__module__.partition(".")[0] for part in _parts(pipeline)} - {"workbench"}
    if not modules:
        return set()
    known = {module: names[0] for module, names in packages_distributions().items()}
    for one in distributions():
        points = [point for point in one.entry_points if point.group.startswith("workbench.")]
        known |= {point.module.partition(".")[0]: one.name for point in points}
    return {known[module] for module in modules if module in known} - {DISTRIBUTION}


def documents_lines(corpus: Corpus) -> Iterable[bytes]:
    """Yield the parsed documents, a line of JSON each, in the corpus's order."""
    for document in corpus:
        data = to_json(document)
        try:
            data.decode()
        except UnicodeDecodeError:  # half a character, which only JSON's own escapes can carry
            data = json.dumps(json.loads(data.decode("utf-8", "surrogatepass"))).encode()
        yield data + b"\n"


def _manifest(
    pipeline: Pipeline,
    target: str,
    notes: list[Note],
    corpus: Corpus | None,
    rows: Collection | None,
    files: dict[str, bytes],
) -> dict[str, Any]:
    lines = []
    for i in range(len(rows) if rows is not None else 0):
        span, text = rows.span(i), rows.text(i).encode("utf-8", "surrogatepass")  # type: ignore[union-attr]
        lines.append(f"{span.document} {span.start} {span.end} {digest(text)}")
    return {
        "format": FORMAT,
        "target": target,
        "pipeline": pipeline.fingerprint,
        "label": pipeline.label,
        "embedder": pipeline.embedder.identity() if pipeline.retriever.needs_vectors else None,
        "corpus": corpus.id if corpus is not None else None,
        "documents": len(corpus) if corpus is not None else 0,
        "chunks": len(rows) if rows is not None else None,
        "chunks_sha256": digest("\n".join(lines).encode()) if rows is not None else None,
        "versions": {name: d.version for name in _VERSIONS for d in Distribution.discover(name=name)},
        "notes": [{"part": n.part, "kind": n.kind, "level": n.level, "text": n.text} for n in notes],
        "files": {name: digest(data) for name, data in sorted(files.items())},
    }


_VERSIONS = ("numpy", "tokenizers", "faiss-cpu", "torch", "transformers")


def _readme(
    pipeline: Pipeline, target: str, notes: Sequence[Note], corpus: Corpus | None, golden: Sequence[Question]
) -> str:
    """Return the text of README.md: how to install, run, verify and feed own files, and what is not the same."""
    vectors, splitter = pipeline.retriever.needs_vectors, pipeline.splitter
    facts: dict[str, Any] = {"label": pipeline.label, "target": target, "notes": notes, "carried": corpus is not None}
    facts["name"] = FRAMEWORKS.get(target, "a bundle" if target == "bundle" else "the workbench as a library")
    facts["data"] = f" The parsed text of {len(corpus)} documents is in `documents.jsonl`." if corpus else ""
    facts["own"] = native(pipeline, target) if target in FRAMEWORKS else None
    facts |= {"wheel": wheel()[0] if uses_engine(pipeline, target) else "", "parser": pipeline.parser.kind}
    facts |= {"questions": len(golden), "model": pipeline.embedder.source.name if vectors else ""}
    facts["tokenizer"] = splitter.tokenizer if splitter.unit == "tokens" else ""
    packaged = ("package ", "endpoint ", "folder")
    facts["fetched"] = [
        n for n in _models(pipeline) if not (models.available(n) and models.find(n).home.startswith(packaged))
    ]
    return rendered("README.md", facts)
