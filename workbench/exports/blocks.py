"""Pieces of exported code that the three frameworks share: the command line, and the dump that verify reads."""

import sys

from workbench.exports.embedding import model_line, needs_unit
from workbench.exports.indexing import UNIT, index_blocks, is_plain
from workbench.pipelines import Pipeline

MAIN = '''
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("query", nargs="?", help="what to search for")
    parser.add_argument("--documents", type=Path, default=HERE / "documents.jsonl", help="the parsed documents")
    parser.add_argument("--chunks", action="store_true", help="print every chunk as a line of JSON")
    parser.add_argument("--dump", action="store_true", help="the same with vectors, and the hits of --queries")
    parser.add_argument("--queries", type=Path, help="a JSON list of queries to dump the hits of")
    given = parser.parse_args()
    chunks = split(load_documents(given.documents))
    if given.chunks:
        print_chunks(chunks)
    elif given.dump:
        search, vectors = build(chunks)
        print_chunks(chunks, vectors)
        for query in json.loads(given.queries.read_text("utf-8")) if given.queries else []:
            print(json.dumps({"query": query, "hits": [{chunk_number} for hit in search(query)]}))
    elif given.query:
        search, _ = build(chunks)
        for rank, hit in enumerate(search(given.query), 1):
            print(f"{rank}. {{hit_name}}\\n{{hit_text}}\\n")
    else:
        parser.print_help()


def print_chunks(chunks: list, vectors: np.ndarray | None = None) -> None:
    """One line of JSON for each chunk: its document, place, header, the hash of its text, and its vector in base64."""
    for i, chunk in enumerate(chunks):
        meta, text = {chunk_meta}, {chunk_text}
        row = {"document": meta["document"], "start": meta.get("start"), "end": meta.get("end")}
        row["header"] = meta.get("header", "")
        row["sha256"] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if vectors is not None:
            row["vector"] = base64.b64encode(np.asarray(vectors[i], "<f4").tobytes()).decode()
        print(json.dumps(row))


if __name__ == "__main__":
    main()
'''


def main_block(number: str, name: str, text: str, meta: str, content: str) -> str:
    """The command line and the dump, with the framework's words for a hit and a chunk."""
    out = MAIN.replace("{chunk_number}", number).replace("{{hit_name}}", "{" + name + "}")
    return out.replace("{{hit_text}}", "{" + text + "}").replace("{chunk_meta}", meta).replace("{chunk_text}", content)


def head(pipeline: Pipeline, framework: str, imports: list[str]) -> str:
    """The docstring, the imports in order, and the constants."""
    label = pipeline.label.replace('"', "'")
    standard = ["argparse", "base64", "hashlib", "json"]
    lines = [
        f'"""{label}, in {framework}.',
        "",
        '    python export.py "a question"   the best chunks',
        "    python export.py --chunks       every chunk as a line of JSON",
        '"""',
        "",
    ]
    needs_model = pipeline.retriever.needs_vectors and pipeline.embedder.kind != "static"
    own_imports = [line for line in imports if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    others = [line for line in imports if line not in own_imports]
    first = sorted({*(f"import {name}" for name in standard), *(["import os"] if needs_model else []),
                    *own_imports, "from pathlib import Path"}, key=_order)  # fmt: skip
    local = [line for line in others if line.startswith(("from splitter", "from retriever", "from embedder"))]
    third = sorted({*(line for line in others if line not in local), "import numpy as np"}, key=_order)
    groups = [first, third, *([sorted(local, key=_order)] if local else [])]
    lines += "\n\n".join("\n".join(group) for group in groups).splitlines()
    lines += ["", "HERE = Path(__file__).parent"]
    if needs_model:
        lines.append(model_line(pipeline.embedder))
    lines.append(f"K = {pipeline.k}")
    return "\n".join(lines) + "\n"


def _order(line: str) -> tuple[bool, str]:
    return not line.startswith("import"), line.lower()


def collection_lines(pipeline: Pipeline, texts: str, vectors: str, encode: str) -> list[str]:
    """The lines that make `rows`, the collection that retriever.py ranks."""
    if not pipeline.retriever.needs_vectors:
        return [f"    rows = Collection({texts})"]
    unit = needs_unit(pipeline.embedder, pipeline.index.metric)
    made = f"unit({vectors})" if unit else vectors
    encoder = f"lambda query: unit([{encode}])[0]" if unit else f"lambda query: {encode}"
    given = [texts, made, encoder]
    lines: list[str] = []
    if not is_plain(pipeline.index):
        lines = [
            f"    index = build_index({vectors})",
            "",
            "    def nearest(vector: np.ndarray, k: int) -> np.ndarray:",
            "        return index.search(vector[None], k)[1][0]",
            "",
        ]
        given.append("nearest")
    if pipeline.index.metric == "dot" and not unit:
        given.append("dot=True")
    return [*lines, "    rows = Collection(", *(f"        {one}," for one in given), "    )"]


def ranking_blocks(pipeline: Pipeline) -> list[str]:
    """`unit` and `build_index`, where the generated retriever needs them."""
    if not pipeline.retriever.needs_vectors:
        return []
    if is_plain(pipeline.index):
        return [UNIT] if needs_unit(pipeline.embedder, pipeline.index.metric) else []
    return index_blocks(pipeline)


def joined(blocks: list[str]) -> str:
    """The module: blocks with two blank lines between them."""
    return "\n\n\n".join(block.strip("\n") for block in blocks if block.strip()) + "\n"
