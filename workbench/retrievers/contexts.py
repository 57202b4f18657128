"""The context: the retrieved text as it would be handed to a language model."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.documents import Corpus, Document
from workbench.records import Hit
from workbench.spans import Span


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
    """The hits' text in rank order, each passage under its document's name, page and heading path.

    Hits of one document that overlap, or have nothing but white space between them, become one passage at the place of
    the best of them: no text is paid for twice, and a sentence cut between two chunks is whole again.
    """
    merged: list[tuple[Span, list[int]]] = []
    for hit in sorted(hits, key=lambda h: (h.span, h.rank)):
        if merged and _joined(merged[-1][0], hit.span, corpus):
            span, ranks = merged[-1]
            merged[-1] = (Span(span.document, span.start, max(span.end, hit.span.end)), [*ranks, hit.rank])
        else:
            merged.append((hit.span, [hit.rank]))
    merged.sort(key=lambda m: min(m[1]))
    return Context(
        tuple(
            Passage(span, tuple(sorted(ranks)), label(corpus.document(span.document), span.start), corpus[span])
            for span, ranks in merged
        )
    )


def _joined(before: Span, after: Span, corpus: Corpus) -> bool:
    """Whether `after`, which starts no earlier, continues `before`."""
    if before.document != after.document:
        return False
    return not corpus.document(before.document).text[before.end : after.start].strip()


def label(document: Document, offset: int) -> str:
    """Where an offset stands, for people: `handbook.pdf · page 3 · Leave › Parental leave`."""
    page = document.page_at(offset)
    path = " › ".join(document.heading_path(offset))
    return " · ".join(part for part in (document.name, f"page {page}" if page is not None else "", path) if part)
