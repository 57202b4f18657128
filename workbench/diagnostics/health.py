"""Chunk health without labels: what a chunking cut, repeats, leaves too small, or hides from the model.

`FINDINGS` names every kind in the order of a report, each with why it matters and which field to turn.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from workbench.diagnostics.looks import (
    TINY,
    Cutting,
    Found,
    boilerplate,
    cut_sections,
    cut_sentences,
    duplicates,
    low_information,
    oversized,
    severed_headings,
    tiny,
    truncated,
)
from workbench.documents import Chunks, Corpus
from workbench.records import Hit
from workbench.spans import Span
from workbench.splitters import Splitter

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
    """What is wrong with these chunks (document id → its chunks), a finding a kind, those with a count of 0 too."""
    cutting = Cutting(corpus, splitter, chunks, tokenizer, limit)
    out = []
    for kind, (look, title, why, field, remedy) in FINDINGS.items():
        spans, of = look(cutting)
        out.append(Finding(kind, title, len(spans), of, tuple(spans[:EXAMPLES]), why, field, remedy))
    return tuple(out)


Look = Callable[[Cutting], Found]

FINDINGS: dict[str, tuple[Look, str, str, str, str]] = {
    "cut sentences": (
        cut_sentences,
        "chunks begin or end inside a sentence",
        "Half a sentence embeds as something else, and a reader of the hit has to guess the rest.",
        "splitter.kind",
        "Cut by sentences, or add an overlap of about one sentence.",
    ),
    "cut tables": (
        cut_sections("table"),
        "tables stand in no chunk as a whole",
        "Rows without their head row are numbers without names.",
        "splitter.kind",
        "Cut by headings and blocks, with a size that holds the table, or with headers that repeat its head row.",
    ),
    "cut code": (
        cut_sections("code"),
        "code blocks stand in no chunk as a whole",
        "Half a function answers no question about it.",
        "splitter.kind",
        "Cut by headings and blocks, or by the language's own separators.",
    ),
    "severed headings": (
        severed_headings,
        "headings stand apart from the text under them",
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
    """For each query whose hits hold two neighbouring chunks, the best such pair: a problem cut from its solution.

    Neighbours are chunks of one document of which the second begins where, or before, the first one ends, or after
    nothing but a gap of a few blanks. Where many queries have such pairs, larger chunks would answer with one.
    """
    out = []
    for ranked in hits:
        pairs = [
            (a, b)
            for i, a in enumerate(ranked)
            for b in ranked[i + 1 :]
            if a.span.document == b.span.document and abs(a.chunk - b.chunk) == 1
        ]
        if pairs:
            out.append(min(pairs, key=lambda pair: (pair[0].rank + pair[1].rank, pair[0].rank)))
    return out
