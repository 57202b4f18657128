"""`search`: the best chunks of files and folders for a query."""

import shutil
import sys
import textwrap
from dataclasses import replace
from typing import Any

from workbench.cli.files import corpus_of, store_here
from workbench.cli.flags import Flags, method, pipeline_file
from workbench.cli.output import Progress, shown, warn, write_json
from workbench.documents import Corpus
from workbench.errors import SpecError
from workbench.pipelines import REGISTRIES, Pipeline, prepared
from workbench.records import Hit
from workbench.retrievers import MAX_K
from workbench.retrievers.contexts import label

_PREFIXES = {name: "" if name == "splitter" else f"{name}-" for name in REGISTRIES}
_LINES = 8  # of a hit's text, for people; --json has it all


def run(arguments: list[str]) -> int:
    """Write the hits for people, or {rank, score, document, start, end, page, heading_path, text} for each."""
    flags = Flags("search", "The best chunks for a query. What was parsed or embedded before is taken from the store.")
    flags.add_argument("docs", nargs="+", metavar="DOCS", help="files, or folders of them")
    flags.add_argument("--query", required=True, help="what to search for")
    flags.add_argument("-k", metavar="K", help=f"how many hits, 1 to {MAX_K} (default 5)")
    flags.add_argument("--config", metavar="P.yaml", help="a pipeline file; flags change what it says")
    for name in ("retriever", "embedder", "splitter", "index", "parser"):
        flags.add_method(name, REGISTRIES[name], _PREFIXES[name])
    given = flags.read(arguments)
    query: str = given["query"]
    if not query.strip():
        raise SpecError("--query is empty; type at least one word")
    pipeline = _pipeline(given)

    store = store_here()
    corpus, status = corpus_of(given["docs"], pipeline.parser, store, "search")
    rows = prepared(corpus, pipeline, store, Progress("embedding", "chunks"))
    hits = pipeline.retriever(rows, [query], pipeline.k)[0]
    for hit in hits:
        _write(hit, corpus, given["json"])
    sys.stdout.flush()
    if not given["json"]:
        found = f"{len(hits)} of {_count(len(rows), 'chunk')}" if hits else f"no hit among {_count(len(rows), 'chunk')}"
        warn(f"{found} in {_count(len(corpus), 'document')}; {pipeline.label}")
    return status


def _count(n: int, thing: str) -> str:
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def _pipeline(given: dict[str, Any]) -> Pipeline:
    base = pipeline_file(given["config"]) if given["config"] else None
    parts: dict[str, Any] = {
        name: method(registry, name, given, base and getattr(base, name), _PREFIXES[name])
        for name, registry in REGISTRIES.items()
    }
    if given["k"] is not None:
        try:
            parts["k"] = int(given["k"])
        except ValueError:
            raise SpecError(f"-k ({given['k']!r}) must be a whole number from 1 to {MAX_K}") from None
    return replace(base, **parts) if base else Pipeline(**parts)


def _write(hit: Hit, corpus: Corpus, as_json: bool) -> None:
    document = corpus.document(hit.span.document)
    start, end, text = hit.span.start, hit.span.end, corpus[hit.span]
    if as_json:
        place = {"document": document.name, "start": start, "end": end}
        where = {"page": document.page_at(start), "heading_path": list(document.heading_path(start))}
        write_json({"rank": hit.rank, "score": hit.score} | place | where | {"text": text})
        return
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    body = textwrap.wrap(shown(text), max(20, width - 4), max_lines=_LINES, placeholder=" …")
    print(f"{hit.rank:>2}. {shown(label(document, start))}  [{start}–{end}]  {hit.score:.4g}")
    print("\n".join(f"    {line}" for line in body), end="\n\n")
