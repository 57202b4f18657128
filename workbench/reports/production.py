"""What a configuration will need in production: counts scaled from what was measured, by inputs that are stated."""

from dataclasses import dataclass
from typing import Any

from workbench.errors import SpecError
from workbench.indexes import INDEXES, projected_bytes
from workbench.pipelines import Pipeline, collection
from workbench.records import Run
from workbench.reports.blocks import Section, Table, Text
from workbench.tokens import tokenizer

DAYS = 30


@dataclass(frozen=True, slots=True)
class Load:
    """What production will be asked. None where nobody said; then what depends on it is left open, not guessed.

    `documents` in all, like those here on average; `queries` a month; prices in US dollars per million tokens;
    `characters_per_second` that the embedder does on the machine that will run it.
    """

    documents: int | None = None
    queries: int = 10_000
    context_price: float | None = None
    embedding_price: float | None = None
    characters_per_second: float | None = None

    def __post_init__(self) -> None:
        for name, low in (("documents", 1), ("queries", 0)):
            value = getattr(self, name)
            if value is not None and not low <= value <= 10**12:
                raise SpecError(f"{name} ({value:,}) must be from {low} to 10^12")
        for name in ("context_price", "embedding_price", "characters_per_second"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1e9:
                raise SpecError(f"{name} ({value}) must be from 0 to 10^9")
        if self.characters_per_second == 0:
            raise SpecError("characters_per_second (0) must be above 0; leave it out where nobody measured it")


@dataclass(frozen=True, slots=True)
class Projection:
    """A configuration in production. `sizes` is index → bytes; None where an input is missing."""

    documents: int
    chunks: int
    characters: int
    embedded_tokens: int
    sizes: dict[str, int]
    embedding_seconds: float | None
    embedding_money: float | None
    context_tokens: float
    context_tokens_month: float
    context_money_month: float | None


def project(run: Run, pipeline: Pipeline, corpus: Any, load: Load) -> Projection:
    """Scale the run's counts on this corpus to this load, by the number of documents."""
    rows = collection(corpus, pipeline.splitter)
    documents = load.documents or len(corpus)
    scale = documents / len(corpus)
    vectors = pipeline.retriever.needs_vectors
    texts = rows.texts() if vectors else []
    embedder = pipeline.embedder
    counts = tokenizer(embedder.tokenizer).counts(texts) if texts else None
    if counts is not None and embedder.max_tokens:
        counts = counts.clip(max=embedder.max_tokens)
    tokens = round(int(counts.sum()) * scale) if counts is not None else 0
    characters = round(sum(map(len, texts)) * scale)
    price = load.embedding_price if load.embedding_price is not None else getattr(embedder.source, "price", None)
    month = run.tokens_per_query * load.queries
    chunks = round(run.chunks * scale)
    return Projection(
        documents=documents,
        chunks=chunks,
        characters=characters,
        embedded_tokens=tokens,
        sizes=_sizes(pipeline, chunks) if vectors else {},
        embedding_seconds=characters / load.characters_per_second if load.characters_per_second else None,
        embedding_money=tokens * price / 1e6 if price is not None else None,
        context_tokens=run.tokens_per_query,
        context_tokens_month=month,
        context_money_month=month * load.context_price / 1e6 if load.context_price is not None else None,
    )


def _sizes(pipeline: Pipeline, chunks: int) -> dict[str, int]:
    """Return the bytes of the chosen index, and of each kind at its defaults."""
    dim = pipeline.embedder.dimensions
    out = {f"{pipeline.index.kind} (as chosen)": projected_bytes(pipeline.index, chunks, dim)}
    for kind, made in INDEXES.items():
        if kind == pipeline.index.kind:
            continue
        try:
            out[kind] = projected_bytes(made(), chunks, dim)
        except SpecError:  # its defaults do not fit vectors of this length
            continue
    return out


def section(found: Projection, load: Load, run: Run) -> Section:
    """Return the projection as a section of a report, its inputs first."""
    given = [
        ("documents", f"{found.documents:,}", "as many as measured" if load.documents is None else "given"),
        ("queries a month", f"{load.queries:,}", "given"),
        ("price of context", _price(load.context_price), "the model that reads it: input tokens"),
        ("price of embedding", _price(load.embedding_price), "0 for a model that runs here; then time counts"),
        (
            "speed of embedding",
            f"{load.characters_per_second:,.0f} characters a second" if load.characters_per_second else "not given",
            "measured where it will run",
        ),
    ]
    rows = [
        ("documents → chunks", f"{found.documents:,} → {found.chunks:,}"),
        *((f"index, {kind}", bytes_label(size)) for kind, size in found.sizes.items()),
        ("to embed once", f"{found.embedded_tokens:,} tokens, {found.characters:,} characters"),
        ("embedding, time", duration(found.embedding_seconds) if found.embedding_seconds else "speed not given"),
        ("embedding, money", _money(found.embedding_money)),
        ("context a query", f"{found.context_tokens:,.0f} tokens (cl100k, measured at k = {run.pipeline.get('k')})"),
        ("context a month", f"{found.context_tokens_month:,.0f} tokens"),
        ("context a month, money", _money(found.context_money_month)),
    ]
    return Section(
        "In production",
        (
            Text(
                "Sizes and costs scale with the number of documents like those measured. Quality does not: a larger "
                "collection has more passages that look alike, so recall falls. Measure again on a larger sample."
            ),
            Table.of(("Input", "Value", "Where from"), given),
            Table.of(("What", "Projection"), rows),
        ),
    )


def _price(value: float | None) -> str:
    return "not given" if value is None else f"${value:g} per million tokens"


def _money(value: float | None) -> str:
    return "price not given" if value is None else f"${value:,.2f}"


def bytes_label(size: float) -> str:
    """Format bytes in powers of 1,000: `12.3 MB`."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def duration(seconds: float) -> str:
    """Format seconds: `3 s`, `12 min`, `5.2 h`, `3 days`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"
