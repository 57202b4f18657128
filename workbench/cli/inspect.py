"""Commands that look at documents, chunks and models, no labels needed: parse, chunk, search, doctor, models."""

import shutil
import sys
import textwrap
from dataclasses import replace
from typing import Any

from workbench import endpoints, models
from workbench.cli import DONE, WRONG_INPUT
from workbench.cli.flags import Flags, Reading, corpus_of, method, pipeline_file, store_here, warnings
from workbench.cli.output import Progress, count, shown, warn, write_json
from workbench.diagnostics import Finding, chunk_tokens, examine
from workbench.documents import Chunks, Corpus
from workbench.errors import ModelUnavailable, SpecError
from workbench.parsers import PARSERS, isolation
from workbench.parsers.sandbox import LIMITS
from workbench.pipelines import REGISTRIES, Pipeline, prepared, split
from workbench.records import Hit
from workbench.retrievers import MAX_K
from workbench.retrievers.contexts import label
from workbench.splitters import SPLITTERS
from workbench.tokens import BPE_ENCODINGS


def run_parse(arguments: list[str]) -> int:
    """Write {document, media, parser, text, sections, pages, warnings} for each file."""
    flags = Flags(
        "parse", "What the parser makes of each file, a JSON line for each. Offsets count code points of text."
    )
    flags.add_argument("files", nargs="+", metavar="FILE", help="files, or folders of them")
    flags.add_method("parser", PARSERS, prefix="parser-")
    given = flags.read(arguments)
    reading = Reading(given["files"], method(PARSERS, "parser", given, prefix="parser-"))
    for document in reading:
        write_json(
            {
                "document": document.name,
                "media": document.media_type,
                "parser": document.parser,
                "text": document.text,
                "sections": [
                    {"kind": s.kind, "level": s.level, "start": s.span.start, "end": s.span.end, "title": s.title}
                    for s in document.sections
                ],
                "pages": [{"page": n, "start": span.start, "end": span.end} for n, span in document.pages],
                "warnings": list(document.warnings),
            }
        )
        sys.stdout.flush()
    return reading.status


def run_chunk(arguments: list[str]) -> int:
    """Write {document, start, end, text, tokens} for each chunk; and its header, where chunks have headers."""
    flags = Flags(
        "chunk",
        "The chunks of each file, a JSON line for each: text is the document's from start to end, in code points, and "
        "tokens counts it in the splitter's tokenizer.",
    )
    flags.add_argument("files", nargs="+", metavar="FILE", help="files, or folders of them")
    flags.add_argument("--config", metavar="P.yaml", help="a pipeline file; flags change what it says")
    flags.add_method("splitter", SPLITTERS)
    flags.add_method("parser", PARSERS, prefix="parser-")
    given = flags.read(arguments)
    base = pipeline_file(given["config"]) if given["config"] else None
    parser = method(PARSERS, "parser", given, base.parser if base else None, "parser-")
    splitter = method(SPLITTERS, "splitter", given, base.splitter if base else None)
    if splitter.tokenizer not in BPE_ENCODINGS:
        models.find(splitter.tokenizer)  # before any file is read

    reading = Reading(given["files"], parser)
    for document in reading:
        warnings(document)
        chunks = splitter(document)
        tokens = chunk_tokens(document, Chunks(document.id, chunks.spans), splitter.tokenizer)  # the header not counted
        for chunk, size in zip(chunks, tokens.tolist(), strict=True):
            place = {"document": document.name, "start": chunk.span.start, "end": chunk.span.end}
            header = {"header": chunk.header} if chunks.headers else {}
            write_json(place | {"text": document[chunk.span], "tokens": size} | header)
        sys.stdout.flush()
    return reading.status


_PREFIXES = {name: "" if name == "splitter" else f"{name}-" for name in REGISTRIES}
_LINES = 8  # of a hit's text, for people; --json has it all


def run_search(arguments: list[str]) -> int:
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
        _write_hit(hit, corpus, given["json"])
    sys.stdout.flush()
    if not given["json"]:
        found = f"{len(hits)} of {count(len(rows), 'chunk')}" if hits else f"no hit among {count(len(rows), 'chunk')}"
        warn(f"{found} in {count(len(corpus), 'document')}; {pipeline.label}")
    return status


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


def _write_hit(hit: Hit, corpus: Corpus, as_json: bool) -> None:
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


_EXAMPLES = 3  # of a finding, for people; --json has more
_WIDTH = 90


def run_doctor(arguments: list[str]) -> int:
    """Write a line a kind of finding, with its count, its share, examples and what to turn; what is fine last."""
    flags = Flags(
        "doctor",
        "What a chunking cuts, repeats, leaves too small, or hides from the model, found in the chunks alone. "
        "Exit status 0 whatever is found.",
    )
    flags.add_argument("docs", nargs="+", metavar="DOCS", help="files, or folders of them")
    flags.add_argument("--config", metavar="P.yaml", help="a pipeline file (default: the default pipeline)")
    given = flags.read(arguments)
    pipeline = pipeline_file(given["config"]) if given["config"] else Pipeline()
    corpus, status = corpus_of(given["docs"], pipeline.parser, store_here(), "examine")
    chunks = {d.id: split(d, pipeline.splitter) for d in corpus}
    embedder = pipeline.embedder
    findings = examine(corpus, pipeline.splitter, chunks, embedder.tokenizer, embedder.max_tokens)
    for finding in sorted(findings, key=lambda f: -f.share):
        if given["json"]:
            write_json(_finding_row(finding, corpus))
        else:
            _write_finding(finding, corpus)
    sys.stdout.flush()
    held = isolation()
    if not held["network"]:
        warn("warning: this system does not shut the network off from the processes that read files")
    if missing := [limit for limit in LIMITS if limit not in held["limits"]]:
        warn(f"warning: this system does not limit {', '.join(missing)} of the processes that read files")
    if not given["json"]:
        n = sum(len(c) for c in chunks.values())
        warn(f"{n:,} chunks of {len(corpus):,} documents examined; {pipeline.label}")
    return status or DONE


def _finding_row(finding: Finding, corpus: Corpus) -> dict[str, Any]:
    examples = [
        {"document": corpus.document(s.document).name, "start": s.start, "end": s.end} for s in finding.examples
    ]
    return {
        "kind": finding.kind,
        "count": finding.count,
        "of": finding.of,
        "share": round(finding.share, 4),
        "why": finding.why,
        "field": finding.field,
        "remedy": finding.remedy,
        "examples": examples,
    }


def _write_finding(finding: Finding, corpus: Corpus) -> None:
    if not finding.count:
        print(f"  ok    {finding.kind}" + ("" if finding.of else " (nothing of the kind is here)"))
        return
    print(f"{finding.share:>6.1%}  {finding.count:,} of {finding.of:,} {finding.title}")
    print(f"        {finding.why}\n        {finding.field}: {finding.remedy}")
    for span in finding.examples[:_EXAMPLES]:
        text = shown(corpus[span])
        text = text if len(text) <= _WIDTH else f"{text[: _WIDTH // 2]} … {text[-_WIDTH // 2 :]}"
        print(f"        {shown(corpus.document(span.document).name)} [{span.start}–{span.end}]: {text}")


_COLUMNS = ("name", "kind", "dimensions", "max_tokens", "available", "price", "home", "licence")


def run_models(arguments: list[str]) -> int:
    """Write a row for each packaged and remote model, or each named one; stderr says how to get what is missing."""
    flags = Flags(
        "models",
        "The packaged models and those behind endpoints, or those named. Max tokens is what a text may have, specials "
        "excluded; price is in US dollars per million tokens. A server is asked whether it is there only for models "
        "that are named.",
    )
    help = "a packaged model, endpoint/model, a folder, or a hub id in the cache"
    flags.add_argument("names", nargs="*", metavar="NAME", help=help)
    given = flags.read(arguments)
    rows, missing = [], 0
    for name in given["names"] or (*models.PACKAGED, *endpoints.remote_models()):
        try:
            rows.append(_row(models.find(name), ask=bool(given["names"])))
        except ModelUnavailable as error:
            missing += 1
            warn(f"error: {error}")
            rows.append(dict.fromkeys(_row_keys()) | {"name": name, "available": False, "note": str(error)})
    if given["json"]:
        for row in rows:
            write_json(row)
    else:
        print(_table(rows))
    return WRONG_INPUT if missing and given["names"] else DONE


def _row(model: models.Model, ask: bool) -> dict[str, Any]:
    values = {key: getattr(model, key) for key in _row_keys() if key != "available"}
    values["note"] = model.missing or model.note
    remote = endpoints.remote_model(model.name)
    return dict.fromkeys(_row_keys()) | values | {"available": _answers(remote, ask) if remote else not model.missing}


def _answers(remote: endpoints.Remote, ask: bool) -> bool | None:
    """Return whether the server has the model; None where it was not asked, or does not say.

    Raises:
        ModelUnavailable: there is no key, or no server.
    """
    remote.endpoint.secret()
    ids = endpoints.served(remote.endpoint) if ask else None
    if ids is not None and remote.id not in ids:
        raise ModelUnavailable(
            f"endpoint {remote.endpoint.name} ({remote.endpoint.host}) does not list the model {remote.id!r}; correct "
            "its id"
        )
    return None if ids is None else True


def _row_keys() -> tuple[str, ...]:
    return (*_COLUMNS, "sha256", "note")


def _table(rows: list[dict[str, Any]]) -> str:
    """Return the rows under their columns' names, aligned."""
    columns = [c for c in _COLUMNS if c != "price" or any(row["price"] is not None for row in rows)]
    texts = [[c.replace("_", " ") for c in columns], *([_cell(row, c) for c in columns] for row in rows)]
    widths = [max(len(line[i]) for line in texts) for i in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in texts)


def _cell(row: dict[str, Any], column: str) -> str:
    value = row[column]
    if column == "available":
        return {True: "yes", False: "no"}.get(value, "not asked")
    if column == "max_tokens" and value is None and row["available"] and row["kind"] != "remote":
        return "no limit"
    return "–" if value in (None, "") else str(value)
