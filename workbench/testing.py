"""The laws that every method keeps, for authors of extensions; our own tests call the same functions.

    from workbench.testing import check_splitter

    def test_my_splitter():
        check_splitter(MySplitter)

Each raises AssertionError with what does not hold, on which input. `check_method` is part of every other check of a
class: its fields make a form, flags and a block of YAML, and its identity changes exactly with what it does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from workbench.documents import Corpus, Document, Section
from workbench.embedders import Embedder, Static
from workbench.errors import DocumentError, SpecError
from workbench.indexes import Flat, IndexSpec
from workbench.metrics import Judgement, judge
from workbench.parsers import Parser
from workbench.records import Hit
from workbench.retrievers import Collection, Retriever
from workbench.spans import Span
from workbench.specs import Spec, fingerprint, from_dict, label, to_dict
from workbench.splitters import Recursive, Splitter
from workbench.vectors import norms

TEXTS = (
    "",
    "One line without an end",
    "# Title\n\nA first paragraph. It has two sentences.\n\n## Part\n- item\n- item\n\n| a | b |\n| 1 | 2 |\n",
    "The same passage stands here twice. It is short.\n\n" * 12,
    "漢字とかな交じり文。e\u0301 and 👩‍🔬\r\nline two\ttab\u00a0no-break \ufeff mark\n\n\n9.5 km, Dr. Who.",
    "a" * 300 + " " + "word " * 80,
)
"""Texts on which methods break: empty, repeated, without blanks, of several scripts and line ends."""

VALUES = (int, float, bool, str)
"""The types of fields that forms and flags can show; also tuples of str, and any of them or None."""


def _hold(condition: Any, message: str) -> None:
    """Raise AssertionError unless the condition holds; `assert` would say nothing under `python -O`."""
    if not condition:
        raise AssertionError(message)


def document(text: str, name: str = "example.md") -> Document:
    """Return a document with its headings and tables marked as a parser does."""
    sections, at, id = [], 0, fingerprint(text)
    for line in text.splitlines(keepends=True):
        span = Span(id, at, at + len(line.rstrip()))
        marks = len(line) - len(line.lstrip("#"))
        if marks and line[marks:].strip():
            sections.append(Section("heading", marks, span, line[marks:].strip()))
        if line.startswith("|"):
            sections.append(Section("table", 1, span))
        at += len(line)
    return Document(source="example", id=id, name=name, text=text, sections=tuple(sections))


def corpus() -> Corpus:
    """Return a corpus of `TEXTS`."""
    return Corpus(tuple(document(text, f"{i}.md") for i, text in enumerate(TEXTS)))


def check_method(cls: type[Spec]) -> None:
    """Check what form, flags, files and caches need of any method's class.

    Raises:
        AssertionError: with what does not hold.
    """
    _hold(isinstance(vars(cls).get("kind"), str), f"{cls.__name__} needs a class attribute `kind`, such as 'sections'")
    _hold(label(cls), f"{cls.kind} needs a label")
    _hold((cls.__doc__ or "").strip(), f"{cls.kind} needs a docstring: its first line is the help of the form")
    hints = get_type_hints(cls)
    for field in fields(cls):
        what = f"the field {cls.kind}.{field.name}"
        _hold(field.default is not MISSING, f"{what} needs a default, so that old files can be read")
        _hold(field.metadata.get("help"), f"{what} needs a line of help: make it by workbench.specs.option")
        hint = hints[field.name]
        options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        known = [o for o in options if o in (*VALUES, NoneType) or o == tuple[str, ...]]
        _hold(len(known) == len(options), f"{what} has a type that no form shows: {hint}")
        if float in options:
            limits = field.metadata.get("low"), field.metadata.get("high")
            _hold(None not in limits, f"{what} is a number with decimals and needs `low` and `high`")
    made = cls()
    again = from_dict({cls.kind: cls}, to_dict(made), "method")
    _hold(again == made, f"{cls.kind} changes on its way through a file")
    _hold(again.fingerprint == made.fingerprint, f"{cls.kind}: equal settings have two identities")
    try:
        from_dict({cls.kind: cls}, {"kind": cls.kind, "no_such_field": 1}, "method")
    except SpecError:
        return
    raise AssertionError(f"{cls.kind} takes a field that it does not have")


def check_revision(cls: type[Any]) -> None:
    """Check that a higher `revision` is another identity: vectors and runs kept for the code before are not used."""
    later = type(cls.__name__, (cls,), {"revision": cls.revision + 1, "kind": cls.kind, "__doc__": cls.__doc__})
    _hold(later().identity() != cls().identity(), f"{cls.kind}: `revision` must be part of `identity()`")


def check_splitter(cls: type[Splitter], *, drops: Callable[[str], bool] = str.isspace, sized: bool = True) -> None:
    """Check a splitter on `TEXTS`, in characters and in tokens.

    `drops` says which lost characters are meant, white space where not given; `sized` is False for a splitter whose
    pieces may be larger than chunk_size.

    Raises:
        AssertionError: with what does not hold.
    """
    check_method(cls)
    check_revision(cls)
    for unit in ("characters", "tokens"):
        for size, overlap in ((1, 0), (7, 3), (40, 0), (200, 20)):
            splitter = cls(chunk_size=size, chunk_overlap=overlap, unit=unit)
            for text in TEXTS:
                chunks = check_chunks(splitter, document(text))
                lost = missing(text, chunks)
                where = f"{cls.kind} {size}/{overlap} {unit} of {text[:30]!r}"
                unmeant = "".join(c for c in lost if not drops(c))
                _hold(not unmeant, f"{where}: {unmeant[:20]!r} is in no chunk")
                if sized and unit == "characters":
                    longest = max((end - start for start, end in chunks), default=0)
                    _hold(longest <= size, f"{where}: a chunk has {longest} characters")
    with_path = cls(chunk_size=60, chunk_overlap=0, unit="characters", header="path")
    _hold(any(with_path(document(TEXTS[2])).headers), f"{cls.kind}: header='path' gives no header under a heading")


def check_chunks(splitter: Splitter, of: Document) -> list[tuple[int, int]]:
    """Return the chunks as (start, end) pairs: spans of the text in order, and the same when they are cut again."""
    chunks = splitter(of)
    found = [(start, end) for start, end in chunks.spans.tolist()]
    where = f"{splitter.kind} of {of.text[:30]!r}"
    for start, end in found:
        _hold(0 <= start < end <= len(of.text), f"{where}: {start}–{end} is no span of {len(of.text)} characters")
    _hold(all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(found)), f"{where}: chunks are out of order")
    _hold(found == [tuple(pair) for pair in splitter(of).spans.tolist()], f"{where}: cut again, it is cut otherwise")
    return found


def missing(text: str, chunks: Iterable[tuple[int, int]]) -> str:
    """Return the characters of a text that are in no chunk."""
    held = np.zeros(len(text), bool)
    for start, end in chunks:
        held[start:end] = True
    return "".join(c for c, kept in zip(text, held.tolist(), strict=True) if not kept)


def collection(embedder: Embedder | None = None) -> Collection:
    """Return the chunks of `corpus`, with a flat index over their vectors."""
    from workbench.pipelines import collection as rows_of
    from workbench.pipelines import embedded, indexed

    embedder = embedder or Static()
    rows = rows_of(corpus(), Recursive(chunk_size=80, chunk_overlap=10, unit="characters"))
    return indexed(rows, embedded(rows, embedder), embedder, Flat())


def check_retriever(cls: type[Retriever], queries: Sequence[str] = ("passage", "Dr. Who and 漢字", "")) -> None:
    """Check a retriever on a small corpus with the static model.

    Raises:
        AssertionError: with what does not hold.
    """
    check_method(cls)
    shared = {f.name for f in fields(cls)}
    _hold({"expand", "window", "merge"} <= shared, f"{cls.kind} needs the fields expand, window and merge")
    rows, retriever = collection(), cls()
    for k in (1, 3, 1000):
        together = retriever(rows, list(queries), k)
        _hold(len(together) == len(queries), f"{cls.kind} gives {len(together)} lists for {len(queries)} queries")
        for query, hits in zip(queries, together, strict=True):
            check_hits(hits, rows, k, f"{cls.kind}, k = {k}, {query!r}")
            alone = retriever(rows, [query], k)[0]
            _hold(alone == hits, f"{cls.kind}, {query!r}: other hits alone than beside other queries")
    everything = np.zeros(len(rows), bool)
    _hold(retriever(rows, ["passage"], 3, everything) == [[]], f"{cls.kind} finds rows that the filter leaves out")
    for wrong in (0, 1001, True):
        try:
            retriever(rows, ["passage"], wrong)
        except SpecError:
            continue
        raise AssertionError(f"{cls.kind} takes k = {wrong!r}; override `rank`, not `__call__`")


def check_hits(hits: Sequence[Hit], rows: Collection, k: int, where: str = "") -> None:
    """Check a ranking of `rows`: at most k hits, ranks from 1, no chunk twice, scores that fall, equal ones by row."""
    _hold(len(hits) <= min(k, len(rows)), f"{where}: {len(hits)} hits for k = {k}")
    _hold([hit.rank for hit in hits] == list(range(1, len(hits) + 1)), f"{where}: ranks do not count from 1")
    keys = [(-hit.score, hit.chunk) for hit in hits]
    _hold(all(a < b for a, b in pairwise(keys)), f"{where}: scores must fall, equal ones go by row, no row twice")
    for hit in hits:
        _hold(np.isfinite(hit.score), f"{where}: a score is {hit.score}")
        _hold(hit.span.covers(rows.span(hit.chunk)), f"{where}: a hit does not hold its chunk")


def check_embedder(embedder: Embedder, tolerance: float = 1e-5) -> None:
    """Check an embedder: shape, type, declared norms, and that a text's vector does not depend on its neighbours.

    Raises:
        AssertionError: with what does not hold.
    """
    check_method(type(embedder))
    texts = [*TEXTS, "a lone surrogate \ud800 here"]
    for rows in (embedder.encode_document(texts), embedder.encode_query(texts)):
        _hold(rows.shape == (len(texts), embedder.dimensions), f"{embedder.kind}: vectors have the shape {rows.shape}")
        _hold(rows.dtype == np.float32, f"{embedder.kind}: vectors are {rows.dtype}, not float32")
        _hold(np.isfinite(rows).all(), f"{embedder.kind}: a vector is not finite")
        lengths = norms(rows)
        if embedder.normalised:
            _hold(np.allclose(lengths[lengths > 0], 1, atol=1e-5), f"{embedder.kind} is not normalised as it says")
    _hold(embedder.encode_document([]).shape == (0, embedder.dimensions), f"{embedder.kind}: no texts, no rows")
    together = embedder.encode_document(texts)
    alone = np.concatenate([embedder.encode_document([text]) for text in texts])
    _hold(np.allclose(together, alone, atol=tolerance), f"{embedder.kind}: a vector moves with its neighbours")


def check_index(cls: type[IndexSpec], **settings: Any) -> None:
    """Check an index on 300 made-up vectors: shapes, types, order, and the same rows for one query as for many.

    Raises:
        AssertionError: with what does not hold.
    """
    check_method(cls)
    made = np.random.default_rng(1)
    vectors, queries = made.normal(size=(300, 24)).astype("f4"), made.normal(size=(7, 24)).astype("f4")
    for metric in ("cosine", "dot"):
        index = cls(metric=metric, **settings)(vectors)
        scores, rows = index.search(queries, 5)
        _hold((scores.shape, rows.shape) == ((7, 5), (7, 5)), f"{cls.kind}: shapes {scores.shape}, {rows.shape}")
        _hold(scores.dtype == np.float32 and rows.dtype == np.int64, f"{cls.kind}: types {scores.dtype}, {rows.dtype}")
        _hold((np.diff(scores, axis=1) <= 0).all(), f"{cls.kind}: scores rise with the rank")
        _hold(all(len(set(row)) == 5 for row in rows.tolist()), f"{cls.kind}: a row is found twice")
        alone = np.concatenate([index.search(query[None], 5)[1] for query in queries])
        _hold((alone == rows).all(), f"{cls.kind}: other rows for a query alone")


def check_parser(cls: type[Parser], files: Mapping[str, bytes]) -> None:
    """Check a parser on files of a format that it reads, whole and damaged: name → bytes.

    Raises:
        AssertionError: with what does not hold.
    """
    from workbench.parsers import parse

    check_method(cls)
    parser = cls()
    for name, data in files.items():
        read = parse(name, data, parser)
        _hold(read.text.strip(), f"{cls.kind}: {name} has no text")
        _hold(read == parse(name, data, parser), f"{cls.kind}: {name} read again is another document")
        for section in read.sections:
            within = 0 <= section.span.start <= section.span.end <= len(read.text)
            _hold(within, f"{cls.kind}: {name} has the section {section} outside its text")
        for damaged in (b"", data[: len(data) // 2], bytes(reversed(data)), data[:40] + b"\0\xff" * 20):
            try:
                parse(name, damaged, parser)
            except DocumentError:
                continue  # refused in good order


def check_metric(formula: Callable[[Judgement], float]) -> None:
    """Check a measure of a ranking: a definition, finite values from 0, at most 1 unless `unbounded`, best when whole.

    Raises:
        AssertionError: with what does not hold.
    """
    name = getattr(formula, "__name__", "metric")
    _hold((formula.__doc__ or "").strip(), f"{name} needs a docstring: its first line is its definition")
    gold = [Span("d", 10, 30), Span("d", 50, 90)]
    rankings: tuple[list[Span], ...] = (
        [],
        gold,
        gold[:1],
        [Span("d", 0, 100)],
        [Span("d", 200, 300)],
        [Span("d", 25, 60), *gold],
    )
    for hits in rankings:
        value = formula(judge(gold, hits))
        _hold(bool(np.isfinite(value)) and value >= 0, f"{name} of {hits} is {value}")
        _hold(getattr(formula, "unbounded", False) or value <= 1, f"{name} of {hits} is {value}, above 1")


__all__ = [
    "TEXTS", "check_chunks", "check_embedder", "check_hits", "check_index", "check_method", "check_metric",
    "check_parser", "check_retriever", "check_revision", "check_splitter", "collection", "corpus", "document",
    "missing",
]  # fmt: skip
