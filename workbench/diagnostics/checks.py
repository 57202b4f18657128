"""Chunk health without labels: what a chunking cut, repeats, leaves too small, or hides from the model.

Each check returns the spans concerned, and of how many. `FINDINGS` names the checks in the order of a report, with why
each matters and which field to change.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Chunks, Corpus, Document
from workbench.embedders.static import token_runs
from workbench.memory_cache import cached
from workbench.records import Hit
from workbench.spans import Ranges, Span
from workbench.splitters import Splitter
from workbench.splitters.pieces import CHARACTERS
from workbench.splitters.sentences import sentence_starts
from workbench.tokens import inside_word, token_offsets, tokenizer

Ints = NDArray[np.int64]


def chunk_tokens(document: Document, chunks: Chunks, name: str) -> Ints:
    """Return (n,) tokens of each chunk as it is embedded, header included, in the named tokenizer.

    Exact, and quick where tokens end at white space, since a chunk's tokens then are the document's between its ends;
    or where a text falls apart at known joints (`workbench.embedders.static`).
    """
    rules = tokenizer(name)
    if not rules.ends_at_space:
        runs = token_runs(document, chunks, name)
        return rules.counts(chunks.texts(document)) if runs is None else runs.counts
    starts = token_offsets(document.text, name)[:, 0]
    counts = np.searchsorted(starts, chunks.spans[:, 1]) - np.searchsorted(starts, chunks.spans[:, 0])
    if len(torn := np.flatnonzero(_torn(document.text, chunks.spans))):
        counts[torn] = rules.counts([document.text[start:end] for start, end in chunks.spans[torn].tolist()])
    return counts + rules.counts(chunks.headers) if chunks.headers else counts


def _torn(text: str, spans: Ranges) -> NDArray[np.bool_]:
    """Return (n,) whether an end of the span may lie inside a token: no white space on either side of it."""
    places, where = np.unique(spans, return_inverse=True)
    torn = np.array([inside_word(text, place) for place in places.tolist()], np.bool_)[where.reshape(spans.shape)]
    return torn[:, 0] | torn[:, 1]


def unseen(document: Document, chunks: Chunks, name: str, limit: int | None, tokens: Ints | None = None) -> Ranges:
    """Return (n, 2) the part of each chunk beyond the model's `limit` of tokens, which its vector never sees.

    Empty (end, end) where the chunk fits, and everywhere if `limit` is None. `tokens` are its `chunk_tokens`, if known.
    """
    out = np.repeat(chunks.spans[:, 1:], 2, axis=1)
    if limit is None:
        return out
    rules = tokenizer(name)
    for i in np.flatnonzero((chunk_tokens(document, chunks, name) if tokens is None else tokens) > limit).tolist():
        chunk = chunks[i]
        header = f"{chunk.header}\n\n" if chunk.header else ""
        cut = int(rules.offsets(header + document[chunk.span])[limit, 0])  # where the first lost token starts
        out[i, 0] = min(chunk.span.start + max(0, cut - len(header)), chunk.span.end)
    return out


TINY = 0.2
"""Of the size asked for: below it a chunk is tiny."""
OVERSIZED = 1.05
"""Of the size asked for: above it a chunk is oversized; a little is lost in measuring pieces apart."""
FEWEST_WORDS = 6
"""Different words below which a chunk says little."""
LETTERS = 0.4
"""Share of letters and digits below which a chunk says little: rules, dots of a table of contents, empty cells."""
REPEATED = 3
"""Least places of a line in the corpus from which it is boilerplate."""
SHORTEST_LINE = 12
BOILERPLATE = 0.5
"""Share of a chunk in such lines from which on it is boilerplate."""

WRAPPED = 0.75
"""Of the width of most full lines: a shorter line was ended by its author, not by the margin."""

Found = tuple[list[Span], int]
"""The spans that are concerned, and of how many."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutting:
    """A corpus as it was cut: the chunks of each document in text order, and how the model counts and cuts them off."""

    corpus: Corpus
    splitter: Splitter
    chunks: Mapping[str, Chunks]
    tokenizer: str
    limit: int | None

    def parts(self) -> Iterator[tuple[Document, Ranges]]:
        """Yield each document with its chunks, (n, 2) by start and end."""
        for document in self.corpus:
            spans = self.chunks[document.id].spans
            yield document, spans[np.lexsort((spans[:, 1], spans[:, 0]))]

    def all(self) -> Iterator[tuple[Document, Span]]:
        """Yield every chunk with its document."""
        for document, spans in self.parts():
            for start, end in spans.tolist():
                yield document, Span(document.id, start, end)


# --- what was cut


def cut_sentences(cutting: Cutting) -> Found:
    """Find chunks that begin or end inside a sentence."""
    out, of = [], 0
    for document, spans in cutting.parts():
        of += len(spans)
        clean = _sentence_edges(document)
        for start, end in spans.tolist():
            if start not in clean or _next_word(document.text, end) not in clean:
                out.append(Span(document.id, start, end))
    return out, of


@cached(64 << 20, lambda edges: 60 * len(edges), key=lambda document: (document.id, hash(document.text)))
def _sentence_edges(document: Document) -> frozenset[int]:
    """Return where sentences start, the first one at the first letter, and the end of the text.

    A line that ends well before the width at which the text is wrapped, if it is wrapped at all, ends what it says:
    a heading, a list's item, a row.
    """
    text = document.text
    breaks = [m.span() for m in re.finditer(r"\n\s*", text)]
    starts = [0, *(end for _, end in breaks)]
    widths = np.array([start - begin for begin, (start, _) in zip(starts, breaks, strict=False)], np.int64)
    full = WRAPPED * float(np.quantile(widths, 0.9)) if len(widths) else 0.0
    ends = (end for (_, end), width in zip(breaks, widths.tolist(), strict=True) if width < full)
    return frozenset([_next_word(text, 0), len(text), *sentence_starts(text), *ends])


def _next_word(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def cut_sections(kind: str) -> Callable[[Cutting], Found]:
    """Return a check that finds sections of a kind that no chunk holds whole."""

    def check(cutting: Cutting) -> Found:
        out, of = [], 0
        for document, spans in cutting.parts():
            for section in document.sections:
                if section.kind == kind:
                    of += 1
                    body = _trimmed(document.text, section.span)
                    touched = (spans[:, 0] < body.end) & (spans[:, 1] > body.start)
                    whole = (spans[:, 0] <= body.start) & (spans[:, 1] >= body.end)
                    if touched.any() and not whole.any():
                        out.append(section.span)
        return out, of

    return check


def _trimmed(text: str, span: Span) -> Span:
    part = text[span.start : span.end]
    start = span.start + len(part) - len(part.lstrip())
    return Span(span.document, start, max(start, span.start + len(part.rstrip())))


def severed_headings(cutting: Cutting) -> Found:
    """Find headings whose text begins in another chunk, none of which repeats the heading as a header."""
    out, of = [], 0
    for document, spans in cutting.parts():
        starts = {h.span.start for h in document.headings}
        for heading in document.headings:
            follows = _next_word(document.text, heading.span.end)
            if follows >= len(document.text) or follows in starts:
                continue  # nothing is under it but a further heading
            of += 1
            together = (spans[:, 0] <= heading.span.start) & (spans[:, 1] > follows)
            if not together.any() and not _carried(cutting.chunks[document.id], heading.title, follows):
                out.append(heading.span)
    return out, of


def _carried(chunks: Chunks, title: str, at: int) -> bool:
    """Return whether a chunk that holds the place has the heading in its header."""
    if not chunks.headers:
        return False
    rows = np.flatnonzero((chunks.spans[:, 0] <= at) & (chunks.spans[:, 1] > at))
    return any(title in chunks.headers[i] for i in rows.tolist())


# --- sizes


def _sizes(cutting: Cutting, document: Document, spans: Ranges) -> NDArray[np.int64]:
    if cutting.splitter.measure == CHARACTERS:
        return (spans[:, 1] - spans[:, 0]).astype(np.int64)
    return chunk_tokens(document, Chunks(document.id, spans.copy()), cutting.splitter.measure)


def tiny(cutting: Cutting) -> Found:
    """Find chunks far below the size that was asked for."""
    return _of_size(cutting, lambda sizes: sizes < TINY * cutting.splitter.chunk_size)


def oversized(cutting: Cutting) -> Found:
    """Find chunks above the size that was asked for."""
    return _of_size(cutting, lambda sizes: sizes > OVERSIZED * cutting.splitter.chunk_size)


def _of_size(cutting: Cutting, which: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> Found:
    out, of = [], 0
    for document, spans in cutting.parts():
        of += len(spans)
        marked = spans[which(_sizes(cutting, document, spans))]
        out += [Span(document.id, start, end) for start, end in marked.tolist()]
    return out, of


def truncated(cutting: Cutting) -> Found:
    """Find chunks whose end the embedding model never sees."""
    out, of = [], 0
    for document in cutting.corpus:
        chunks = cutting.chunks[document.id]
        of += len(chunks)
        hidden = unseen(document, chunks, cutting.tokenizer, cutting.limit)
        out += [Span(document.id, start, end) for start, end in hidden.tolist() if end > start]
    return out, of


# --- what says little or the same


def _each(cutting: Cutting, fits: Callable[[str], bool]) -> Found:
    """Return the chunks whose text fits."""
    every = list(cutting.all())
    return [span for document, span in every if fits(document[span])], len(every)


def low_information(cutting: Cutting) -> Found:
    """Find chunks with few different words, or mostly of rules, dots and blanks."""

    def says_little(text: str) -> bool:
        few = len({w.casefold() for w in re.findall(r"\w+", text)}) < FEWEST_WORDS and not _unspaced(text)
        return few or sum(c.isalnum() for c in text) < LETTERS * sum(not c.isspace() for c in text)

    return _each(cutting, says_little)


def _unspaced(text: str) -> bool:
    """Return whether it is of a script that writes no blanks: then it has few words however much it says."""
    wide = sum(1 for c in text if c >= "\u2e80")
    return wide > 0.3 * len(text) and len(text) >= 2 * FEWEST_WORDS


def boilerplate(cutting: Cutting) -> Found:
    """Find chunks that are mostly lines which are repeated in the corpus."""
    counts: Counter[str] = Counter()
    for document in cutting.corpus:
        counts.update(line.strip() for line in document.text.split("\n") if len(line.strip()) >= SHORTEST_LINE)
    common = {line for line, n in counts.items() if n >= REPEATED}

    def repeats(text: str) -> bool:
        lines = [line.strip() for line in text.split("\n")]
        return sum(len(line) for line in lines if line in common) >= BOILERPLATE * max(1, sum(map(len, lines)))

    return _each(cutting, repeats)


def duplicates(cutting: Cutting) -> Found:
    """Find chunks whose words, in order, an earlier chunk has too."""
    seen: set[str] = set()

    def repeats(text: str) -> bool:
        words = " ".join(re.findall(r"\w+", text.casefold()))
        known = words in seen
        seen.add(words)
        return known and bool(words)

    return _each(cutting, repeats)


EXAMPLES = 20
"""Places that a finding names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of trouble: `count` of `of` things, the first of them as examples, and what to do about it."""

    kind: str
    title: str
    count: int
    of: int
    examples: tuple[Span, ...]
    why: str
    field: str
    remedy: str

    @property
    def share(self) -> float:
        """0 to 1; 0 where there is nothing that could be concerned."""
        return self.count / self.of if self.of else 0.0


def examine(
    corpus: Corpus, splitter: Splitter, chunks: Mapping[str, Chunks], tokenizer: str, limit: int | None
) -> tuple[Finding, ...]:
    """Return a finding for each check of these chunks (document id → its chunks), with counts of 0 too."""
    cutting = Cutting(corpus, splitter, chunks, tokenizer, limit)
    out = []
    for kind, (check, title, why, field, remedy) in FINDINGS.items():
        spans, of = check(cutting)
        out.append(Finding(kind, title, len(spans), of, tuple(spans[:EXAMPLES]), why, field, remedy))
    return tuple(out)


Check = Callable[[Cutting], Found]

FINDINGS: dict[str, tuple[Check, str, str, str, str]] = {
    "cut sentences": (
        cut_sentences,
        "chunks begin or end inside a sentence",
        "Half a sentence embeds as something else, and a reader of the hit has to guess the rest.",
        "splitter.kind",
        "Cut by sentences, or add an overlap of about one sentence.",
    ),
    "cut tables": (
        cut_sections("table"),
        "tables are whole in no chunk",
        "Rows without their head row are numbers without names.",
        "splitter.kind",
        "Cut by headings and blocks, with a size that holds the table, or with headers that repeat its head row.",
    ),
    "cut code": (
        cut_sections("code"),
        "code blocks are whole in no chunk",
        "Half a function answers no question about it.",
        "splitter.kind",
        "Cut by headings and blocks, or by the language's own separators.",
    ),
    "severed headings": (
        severed_headings,
        "headings are apart from the text under them",
        "The text loses what it is about, and the heading becomes a chunk that says nothing.",
        "splitter.header",
        "Embed the heading path with each chunk, or cut by headings and blocks.",
    ),
    "tiny chunks": (
        tiny,
        f"chunks are below {TINY:.0%} of the size asked for",
        "They match by chance, and take places among the hits from chunks that answer.",
        "splitter.chunk_size",
        "Choose separators that occur less often, or a larger size.",
    ),
    "oversized chunks": (
        oversized,
        "chunks are above the size asked for",
        "They cost more context than was planned for.",
        "splitter.separators",
        "Add a finer separator, such as a blank, that can cut them.",
    ),
    "truncated chunks": (
        truncated,
        "chunks end in text that the model never sees",
        "What is beyond the model's limit cannot be found by meaning, whatever is asked.",
        "splitter.chunk_size",
        "Stay below the model's limit, or choose a model that reads more.",
    ),
    "low-information chunks": (
        low_information,
        "chunks say little: few words, or rules and dots",
        "Their vectors lie near everything and nothing.",
        "splitter.chunk_size",
        "Larger chunks join them to their neighbours; a parser that leaves furniture out removes them.",
    ),
    "boilerplate": (
        boilerplate,
        "chunks are mostly lines that repeat over the corpus",
        "Footers and disclaimers crowd out the text that differs.",
        "parser.kind",
        "Leave out headers and footers, or remove the repeated parts from the sources.",
    ),
    "duplicates": (
        duplicates,
        "chunks repeat an earlier chunk word for word",
        "Each takes a place among the hits and adds nothing.",
        "documents",
        "Remove the copies of a document, or lower the overlap.",
    ),
}
"""Kind → (how it is found, what is counted, why it matters, the field to turn, what to do)."""


def split_answers(hits: Sequence[Sequence[Hit]]) -> list[tuple[Hit, Hit]]:
    """Return the best pair of neighbouring chunks among each query's hits, for queries that have one.

    Neighbours are chunks of one document of which the second begins where, or before, the first one ends, or after
    nothing but a gap of a few blanks. Where many queries have such pairs, larger chunks would answer with one.
    """
    out = []
    for ranked in hits:
        pairs = [
            (a, b)
            for a, b in combinations(ranked, 2)
            if a.span.document == b.span.document and abs(a.chunk - b.chunk) == 1
        ]
        if pairs:
            out.append(min(pairs, key=lambda pair: (pair[0].rank + pair[1].rank, pair[0].rank)))
    return out
