"""What can be wrong with chunks: each kind a function from the chunks to the spans concerned, and of how many."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench.diagnostics.tokens import chunk_tokens, unseen
from workbench.documents import Chunks, Corpus, Document
from workbench.spans import Ranges, Span
from workbench.splitters import Splitter
from workbench.splitters.pieces import CHARACTERS
from workbench.splitters.sentences import sentence_starts

TINY = 0.2
"""Of the size asked for: below it a chunk is tiny."""
OVERSIZED = 1.05
"""Of the size asked for: above it a chunk is oversized; a little is lost in measuring pieces apart."""
FEWEST_WORDS = 6
"""Different words below which a chunk says little."""
LETTERS = 0.4
"""Share of letters and digits below which a chunk says little: rules, dots of a table of contents, empty cells."""
REPEATED = 3
"""Places in the corpus at which a line must stand to be boilerplate."""
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
        """Each document with its chunks, (n, 2) by start and end."""
        for document in self.corpus:
            spans = self.chunks[document.id].spans
            yield document, spans[np.lexsort((spans[:, 1], spans[:, 0]))]

    def all(self) -> Iterator[tuple[Document, Span]]:
        """Every chunk with its document."""
        for document, spans in self.parts():
            for start, end in spans.tolist():
                yield document, Span(document.id, start, end)


# --- what was cut


def cut_sentences(cutting: Cutting) -> Found:
    """Chunks that begin or end inside a sentence."""
    out, of = [], 0
    for document, spans in cutting.parts():
        of += len(spans)
        clean = _sentence_edges(document.text)
        for start, end in spans.tolist():
            if start not in clean or _next_word(document.text, end) not in clean:
                out.append(Span(document.id, start, end))
    return out, of


@lru_cache(maxsize=64)
def _sentence_edges(text: str) -> frozenset[int]:
    """Where sentences start, the first one at the first letter, and the end of the text.

    A line that ends well before the width at which the text is wrapped, if it is wrapped at all, ends what it says:
    a heading, a list's item, a row.
    """
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


def cut_sections(*kinds: str) -> Callable[[Cutting], Found]:
    """A finding: sections of these kinds that would fit, and that no chunk holds whole."""

    def look(cutting: Cutting) -> Found:
        out, of = [], 0
        for document, spans in cutting.parts():
            for section in document.sections:
                if section.kind in kinds:
                    of += 1
                    body = _trimmed(document.text, section.span)
                    touched = (spans[:, 0] < body.end) & (spans[:, 1] > body.start)
                    whole = (spans[:, 0] <= body.start) & (spans[:, 1] >= body.end)
                    if touched.any() and not whole.any():
                        out.append(section.span)
        return out, of

    return look


def _trimmed(text: str, span: Span) -> Span:
    part = text[span.start : span.end]
    start = span.start + len(part) - len(part.lstrip())
    return Span(span.document, start, max(start, span.start + len(part.rstrip())))


def severed_headings(cutting: Cutting) -> Found:
    """Headings whose text begins in another chunk, none of which repeats the heading as a header."""
    out, of = [], 0
    for document, spans in cutting.parts():
        starts = {h.span.start for h in document.headings}
        for heading in document.headings:
            follows = _next_word(document.text, heading.span.end)
            if follows >= len(document.text) or follows in starts:
                continue  # nothing stands under it but a further heading
            of += 1
            together = (spans[:, 0] <= heading.span.start) & (spans[:, 1] > follows)
            if not together.any() and not _carried(cutting.chunks[document.id], heading.title, follows):
                out.append(heading.span)
    return out, of


def _carried(chunks: Chunks, title: str, at: int) -> bool:
    """Whether a chunk that holds the place has the heading in its header."""
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
    """Chunks far below the size that was asked for."""
    return _of_size(cutting, lambda sizes: sizes < TINY * cutting.splitter.chunk_size)


def oversized(cutting: Cutting) -> Found:
    """Chunks above the size that was asked for."""
    return _of_size(cutting, lambda sizes: sizes > OVERSIZED * cutting.splitter.chunk_size)


def _of_size(cutting: Cutting, which: Callable[[NDArray[np.int64]], NDArray[np.bool_]]) -> Found:
    out, of = [], 0
    for document, spans in cutting.parts():
        of += len(spans)
        marked = spans[which(_sizes(cutting, document, spans))]
        out += [Span(document.id, start, end) for start, end in marked.tolist()]
    return out, of


def truncated(cutting: Cutting) -> Found:
    """Chunks whose end the embedding model never sees."""
    out, of = [], 0
    for document in cutting.corpus:
        chunks = cutting.chunks[document.id]
        of += len(chunks)
        hidden = unseen(document, chunks, cutting.tokenizer, cutting.limit)
        out += [Span(document.id, start, end) for start, end in hidden.tolist() if end > start]
    return out, of


# --- what says little or the same


def low_information(cutting: Cutting) -> Found:
    """Chunks with few different words, or mostly of rules, dots and blanks."""
    out, of = [], 0
    for document, span in cutting.all():
        of += 1
        text = document[span]
        solid = sum(not c.isspace() for c in text)
        few = len(_words(text)) < FEWEST_WORDS and not _unspaced(text)
        if few or _alphanumeric(text) < LETTERS * solid:
            out.append(span)
    return out, of


def _words(text: str) -> set[str]:
    return {w.casefold() for w in re.findall(r"\w+", text)}


def _unspaced(text: str) -> bool:
    """Whether it is of a script that writes no blanks: then it has few words however much it says."""
    wide = sum(1 for c in text if c >= "\u2e80")
    return wide > 0.3 * len(text) and len(text) >= 2 * FEWEST_WORDS


def _alphanumeric(text: str) -> int:
    return sum(c.isalnum() for c in text)


def boilerplate(cutting: Cutting) -> Found:
    """Chunks that are mostly lines which stand at several places of the corpus."""
    counts: Counter[str] = Counter()
    for document in cutting.corpus:
        counts.update(line.strip() for line in document.text.split("\n") if len(line.strip()) >= SHORTEST_LINE)
    common = {line for line, n in counts.items() if n >= REPEATED}
    out, of = [], 0
    for document, span in cutting.all():
        of += 1
        lines = [line.strip() for line in document[span].split("\n")]
        repeated = sum(len(line) for line in lines if line in common)
        if repeated >= BOILERPLATE * max(1, sum(map(len, lines))):
            out.append(span)
    return out, of


def duplicates(cutting: Cutting) -> Found:
    """Chunks whose words, in order, an earlier chunk has too."""
    seen: set[str] = set()
    out, of = [], 0
    for document, span in cutting.all():
        of += 1
        words = " ".join(re.findall(r"\w+", document[span].casefold()))
        if words and words in seen:
            out.append(span)
        seen.add(words)
    return out, of
