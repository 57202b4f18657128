"""What is made of hits: the span that comes back for a chunk, and the text that is handed to a language model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.documents import Corpus, Document
from workbench.errors import SpecError
from workbench.records import Hit
from workbench.spans import Ranges, Span


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of source text in the context, the ranks of the hits in it, and the line that says where it is from."""

    span: Span
    ranks: tuple[int, ...]
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Context:
    """Passages in the order of their best hit. `text` is the whole, labels included: tokens are counted on it."""

    passages: tuple[Passage, ...]

    @property
    def text(self) -> str:
        """`[1] name · page · heading path`, the passage's text, a blank line, the next; "" without passages."""
        return "\n\n".join(f"[{i}] {p.label}\n{p.text}" for i, p in enumerate(self.passages, 1))


def context(hits: Sequence[Hit], corpus: Corpus) -> Context:
    """Return the hits' text in rank order, each passage under its document's name, page and heading path.

    Hits of one document that overlap, or have nothing but white space between them, become one passage at the place of
    the best of them: no text is paid for twice, and a sentence cut between two chunks is whole again.
    """
    return Context(
        tuple(
            Passage(
                span,
                tuple(sorted(h.rank for h in group)),
                label(corpus.document(span.document), span.start),
                corpus[span],
            )
            for span, group in _groups(hits, corpus)
        )
    )


def _groups(hits: Sequence[Hit], corpus: Corpus) -> list[tuple[Span, list[Hit]]]:
    """Return hits in groups that overlap or have only white space between them, with their span, by best rank."""
    groups: list[tuple[Span, list[Hit]]] = []
    for hit in sorted(hits, key=lambda h: (h.span, h.rank)):
        span = groups[-1][0] if groups else None
        if (
            span
            and span.document == hit.span.document
            and not corpus.document(span.document).text[span.end : hit.span.start].strip()
        ):
            whole = Span(span.document, span.start, max(span.end, hit.span.end))
            groups[-1] = whole, [*groups[-1][1], hit]
        else:
            groups.append((hit.span, [hit]))
    return sorted(groups, key=lambda group: min(h.rank for h in group[1]))


def label(document: Document, offset: int) -> str:
    """Return where an offset is, for people: `handbook.pdf · page 3 · Leave › Parental leave`."""
    page = document.page_at(offset)
    path = " › ".join(document.heading_path(offset))
    return " · ".join(part for part in (document.name, f"page {page}" if page is not None else "", path) if part)


EXPANSIONS = ("none", "neighbours", "section", "parent")


def expanded(document: Document, spans: Ranges, parents: Ranges | None, expand: str, window: int) -> Ranges:
    """Return (n, 2) for each chunk of a document, in order of start and end, the span that comes back for it.

    `neighbours`: up to `window` chunks before and after. `section`: from the heading above it to the next
    heading of any level. `parent`: as the splitter says.

    Raises:
        SpecError: parents are wanted and the splitter gives none.
    """
    if expand == "none" or not len(spans):
        return spans
    if expand == "parent":
        if parents is None:
            raise SpecError(
                "expand: parent needs a splitter that knows parents, such as parent-child or sentence-window; "
                "with this one, expand by neighbours or section"
            )
        return parents
    out = spans.copy()
    if expand == "neighbours":
        for by in range(1, min(window, len(spans) - 1) + 1):
            out[by:, 0] = np.minimum(out[by:, 0], spans[:-by, 0])
            out[:-by, 0] = np.minimum(out[:-by, 0], spans[by:, 0])
            out[by:, 1] = np.maximum(out[by:, 1], spans[:-by, 1])
            out[:-by, 1] = np.maximum(out[:-by, 1], spans[by:, 1])
        return out
    bounds = np.array(sorted({0, len(document.text), *(h.span.start for h in document.headings)}), np.int64)
    first = np.searchsorted(bounds, spans[:, 0], side="right") - 1
    last = np.searchsorted(bounds, np.maximum(spans[:, 1], spans[:, 0] + 1), side="left")
    out[:, 0] = np.minimum(bounds[first], spans[:, 0])
    out[:, 1] = np.maximum(bounds[np.minimum(last, len(bounds) - 1)], spans[:, 1])
    return out


def distinct(hits: Sequence[Hit], k: int) -> list[Hit]:
    """Return the first k hits, ranked again, without those that lie within a better one."""
    kept: list[Hit] = []
    for hit in hits:
        if len(kept) == k:
            break
        if not any(before.span.covers(hit.span) for before in kept):
            kept.append(Hit(hit.span, hit.score, len(kept) + 1, hit.chunk, hit.header))
    return kept


def merged(hits: Sequence[Hit], corpus: Corpus) -> list[Hit]:
    """Return hits that overlap, or have only white space between them, as one hit at the best one's rank."""
    best = [(span, min(group, key=lambda h: h.rank)) for span, group in _groups(hits, corpus)]
    return [Hit(span, hit.score, rank, hit.chunk, hit.header) for rank, (span, hit) in enumerate(best, 1)]
