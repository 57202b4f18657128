"""The README of an export: what it does, what the target cannot express, how it was verified."""

from collections.abc import Sequence

from workbench.documents import Corpus
from workbench.exports.plans import FRAMEWORKS, Note
from workbench.pipelines import Pipeline
from workbench.records import Question

_WHAT = {
    "splitter.py": "the splitter: a document to chunks with exact places in its text; no dependency on a framework",
    "retriever.py": "the ranking of chunks by words and vectors",
    "embedder.py": "the static embedder",
    "export.py": "the pipeline",
}


def readme(
    pipeline: Pipeline, target: str, notes: Sequence[Note], corpus: Corpus | None, golden: Sequence[Question]
) -> str:
    """The text of README.md."""
    name = FRAMEWORKS.get(target, {"bundle": "a bundle", "python": "the workbench as a library"}.get(target, target))
    lines = [f"# {pipeline.label}: {name}", "", *_intro(target, corpus), ""]
    lines += ["## How each part is given", "", "| part | kind | how | what to know |", "|---|---|---|---|"]
    lines += [f"| {n.part} | {n.kind} | {n.level} | {n.text.replace('|', '/')} |" for n in notes]
    lines += ["", *_model(pipeline, target), *_verified(corpus, golden)]
    return "\n".join(lines)


def _intro(target: str, corpus: Corpus | None) -> list[str]:
    data = f" The parsed text of {len(corpus)} documents is in `documents.jsonl`." if corpus is not None else ""
    if target == "bundle":
        return [
            f"Chunks, vectors and a FAISS index.{data}",
            "",
            "    pip install -r requirements.txt",
            "    python load.py --query-vector vector.json   # the nearest chunks; see load.py for the loaders",
            "",
            "`chunks.parquet` has a row for each chunk, `vectors.parquet` its vector in the same order, `index.faiss` "
            "the index over them, which compares with every vector. `load.py` reads all three, checks their checksums "
            "against `manifest.json`, and loads them into Chroma or Qdrant. `pgvector.sql` makes a PostgreSQL "
            "table and fills it from `pgvector.copy` (`psql -v ON_ERROR_STOP=1 -f pgvector.sql`).",
        ]
    run = "pip install -r requirements.txt" + (" (of the workbench)" if target == "python" else "")
    return [
        f"`pipeline.yaml` as code.{data}",
        "",
        f"    {run}",
        '    python export.py "a question"',
    ]


def _model(pipeline: Pipeline, target: str) -> list[str]:
    if target not in FRAMEWORKS:
        return []
    lines = ["## Models", ""]
    if pipeline.retriever.needs_vectors:
        lines.append(
            f"The embedding model is `{pipeline.embedder.source.name}`. `MODEL_PATH` names a local folder of it, for "
            "machines without the hub."
        )
    if pipeline.splitter.unit == "tokens":
        lines.append(
            f"Chunks are measured with the tokenizer of `{pipeline.splitter.tokenizer}`. `TOKENIZER_PATH` names a "
            "local `tokenizer.json`."
        )
    return [*lines, ""] if len(lines) > 2 else []


def _verified(corpus: Corpus | None, golden: Sequence[Question]) -> list[str]:
    lines = ["## How it is verified", "", "    python -m workbench verify THIS_FOLDER [DOCS]", ""]
    if corpus is None:
        lines.append("No documents came along: name them, and they are parsed and compared.")
    asked = f", and the hits of the {len(golden)} questions in `golden.jsonl`" if golden else ""
    lines.append(
        "`verify` runs this code in a process of its own with the packages of `requirements.txt`, and compares every "
        f"chunk's place, the hash of its text, its vector (cosine at least 0.9999){asked} with what the workbench "
        "gives. It prints `equal`, or each difference with its cause. Chunks of equal score may stand "
        "in another order; that is told and is no difference."
    )
    if not golden:
        lines.append("Without questions it says `hits: not compared`; name some with `--query`.")
    else:
        lines.append("It also says which wrong parameters of the ranking would have given the same hits.")
    return [*lines, ""]
