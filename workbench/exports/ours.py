"""`export.py` for the workbench itself as a library: a few lines."""

from workbench.pipelines import Pipeline

_CODE = '''"""{label}: the workbench as a library.

    python export.py "a question"   the best chunks of documents.jsonl
    python export.py --chunks       every chunk as a line of JSON
"""

import argparse
import base64
import hashlib
import json
from pathlib import Path

from workbench.documents import Corpus
from workbench.embedders import {embed}
from workbench.pipelines import from_yaml, prepared
from workbench.workspaces.corpus_cache import from_json

HERE = Path(__file__).parent
{adapter}PIPELINE = from_yaml((HERE / "pipeline.yaml").read_text("utf-8"))


def load_documents(path: Path) -> Corpus:
    """The parsed documents. `workbench.read(folder)` parses files instead."""
    lines = path.read_bytes().splitlines()
    return Corpus(tuple(from_json(line, json.loads(line)["name"]) for line in lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("query", nargs="?", help="what to search for")
    parser.add_argument("--documents", type=Path, default=HERE / "documents.jsonl", help="the parsed documents")
    parser.add_argument("--chunks", action="store_true", help="print every chunk as a line of JSON")
    parser.add_argument("--dump", action="store_true", help="the same with vectors, and the hits of --queries")
    parser.add_argument("--queries", type=Path, help="a JSON list of queries to dump the hits of")
    given = parser.parse_args()
    corpus = load_documents(given.documents)
    rows = prepared(corpus, PIPELINE)
    if given.chunks or given.dump:
        vectors = embed(PIPELINE.embedder, rows.texts()) if given.dump and PIPELINE.retriever.needs_vectors else None
        for i in range(len(rows)):
            span = rows.span(i)
            row = {"document": span.document, "start": span.start, "end": span.end, "header": rows.headers[i]}
            row["sha256"] = hashlib.sha256(corpus[span].encode("utf-8", "surrogatepass")).hexdigest()
            if vectors is not None:
                row["vector"] = base64.b64encode(vectors[i].astype("<f4").tobytes()).decode()
            print(json.dumps(row))
        for query in json.loads(given.queries.read_text("utf-8")) if given.queries else []:
            hits = PIPELINE.retriever(rows, [query], PIPELINE.k)[0]
            print(json.dumps({"query": query, "hits": [hit.chunk for hit in hits]}))
    elif given.query:
        for hit in PIPELINE.retriever(rows, [given.query], PIPELINE.k)[0]:
            print(f"{hit.rank}. {corpus.document(hit.span.document).name}\\n{corpus[hit.span]}\\n")
    else:
        parser.print_help()


if __name__ == "__main__":
    main()
'''


_ADAPTER = 'keep_adapter(read_adapter((HERE / "adapter.safetensors").read_bytes()))  # where pipelines look for it\n'


def code(pipeline: Pipeline) -> str:
    """The text of `export.py`."""
    text = _CODE.replace("{label}", pipeline.label.replace('"', "'"))
    adapted = bool(getattr(pipeline.embedder, "adapter", ""))
    text = text.replace("{embed}", "embed, keep_adapter, read_adapter" if adapted else "embed")
    return text.replace("{adapter}", _ADAPTER if adapted else "")
