"""Why an answer was lost: a cause for each step and each missed passage, and whether another parser finds it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.documents import Corpus, Document
from workbench.errors import DocumentError
from workbench.golden import find_quote
from workbench.parsers import PARSERS, Parser, parse_safely
from workbench.records import Lost
from workbench.spans import Span

NEAR_DUPLICATE = 90.0
"""rapidfuzz's ratio of two texts (100 · (1 − Indel distance / both lengths)) from which they are near-duplicates."""

SHORTEST_REPEATED = 20
"""Least characters of a passage whose copies are looked for; shorter ones are in many places by chance."""

DEEPER = 5
"""A near miss is found within so many times the budget."""

ENOUGH = 0.5
"""The share of what was lost that counts as the answer: unseen by the embedder, or found by another ranking."""

ASKED = 0.2
"""The share of a question, by BM25's weights, that the text around a chunk must add to be what the question asks by."""

CAUSES: dict[str, str] = {
    "parse": "not in the parsed text",
    "budget": "longer than the budget holds",
    "truncated": "in text that the embedder never saw",
    "cut": "cut by a chunk boundary",
    "severed": "severed from its context by a chunk boundary",
    "duplicate": "outranked by a near-duplicate",
    "near_miss": f"a near miss, found within {DEEPER} times the budget",
    "bm25": "found by BM25, not by dense",
    "dense": "found by dense, not by BM25",
    "reordered": "found by dense and by BM25, then ranked away",
    "neither": "found by neither dense nor BM25",
    "untried": "not found by BM25; dense was not tried",
    "index": "missed by the approximate index",
}
"""Each cause in words; those of the ranking in the order in which they are checked."""

PASSAGE = "passage"
"""The kind of a join that holds no more than the chunks of one passage, which a boundary had cut."""

_STEPS = {"parse": "parse", "budget": "budget", "cut": "boundary", "severed": "boundary", "index": "index"}


def step_of(cause: str) -> str:
    """Return the step at which a cause's loss is counted, a key of `STEPS`."""
    return _STEPS.get(cause, "ranking")


@dataclass(frozen=True, slots=True)
class Joined:
    """A lost chunk joined with the text around it that, ranked as one chunk by `side`, is back within the budget.

    That is "exact", as the pipeline ranks; "wide", the same with the other chunks joined likewise; or "bm25" alone.
    `kind` says with what it is joined, `size` how long it is in the splitter's unit, `rank` its rank, 0 where it is
    merged into another hit. `own` and `whole` are the shares of the question in the chunk alone and in the join.
    """

    kind: str
    span: Span
    size: int
    side: str
    rank: int
    own: float
    whole: float

    @property
    def asked(self) -> bool:
        """Return whether the question asks by words around the chunk more than by those in it."""
        return self.whole - self.own >= max(ASKED, self.own)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a passage that was lost to the ranking, in its gold characters.

    `loss` is its part of what the best units hold beyond the hits of an exact index, which hold `exact`. `missed` are
    characters that some unit holds and no hit, `unseen` those of them that the embedder saw in no unit. `duplicate`: a
    hit nearly equals a missed unit, or repeats a missed passage. `deep`, `bm25`, `dense` are what hits hold at `DEEPER`
    times the budget, by BM25 alone and by vectors alone; None if not tried. `joined`: the joins of its chunk with the
    text around it that bring it back.
    """

    loss: int
    exact: int
    missed: int
    unseen: int
    duplicate: bool
    deep: int
    bm25: int | None
    dense: int | None
    joined: tuple[Joined, ...] = ()

    def share(self, held: int | None) -> float:
        """Return how much of the loss a ranking finds that holds so much gold; 0 where it was not tried."""
        return 0.0 if held is None else min(1.0, max(0.0, (held - self.exact) / max(self.loss, 1)))

    @property
    def context(self) -> Joined | None:
        """The first join that shows that the answer was severed from its context.

        BM25 replaces a retriever that cannot rank the join, or does not find it either: then the question must ask by
        words of the context, and BM25 must not find the answer without it.
        """
        bm25 = self.share(self.bm25) >= ENOUGH
        return next((j for j in self.joined if j.side != "bm25" or (j.asked and not bm25)), None)


def cause(of: Evidence) -> str:
    """Return the key of `CAUSES` that holds first.

    A larger chunk has better chances anyway. So where the chunk alone is nearly found, or a copy of it is, the context
    must hold more of what the question asks by than the chunk itself, or it is no cause.
    """
    context = of.context
    near, bm25, dense = (of.share(held) >= ENOUGH for held in (of.deep, of.bm25, of.dense))
    holds = {
        "truncated": of.missed > 0 and of.unseen >= ENOUGH * of.missed,
        "cut": context is not None and context.kind == PASSAGE,
        "severed": context is not None and (context.asked or not (of.duplicate or near)),
        "duplicate": of.duplicate,
        "near_miss": near,
        "bm25": bm25 and not dense,
        "dense": dense and not bm25,
        "reordered": dense and bm25,
        "neither": of.dense is not None and of.bm25 is not None,
    }
    return next((name for name, one in holds.items() if one), "untried")


def near_duplicate(
    missed: Sequence[Span], passages: Sequence[Span], hits: Sequence[Span], text: Callable[[Span], str]
) -> tuple[Span, Span] | None:
    """Return a hit and the missed unit or passage that it nearly repeats; None where there is none.

    Runs of blanks are alike. A unit is compared with whole hits; a passage, from `SHORTEST_REPEATED` characters on,
    with the most similar part of each, since copies of a passage are cut at other places. Hits that share text with
    what they are compared with are its neighbours, not its copies.
    """
    from rapidfuzz import fuzz

    def folded(span: Span) -> str:
        return " ".join(text(span).split())

    copies = [(hit, folded(hit)) for hit in hits]
    for ratio, several in ((fuzz.ratio, missed), (fuzz.partial_ratio, passages)):
        for one in several:
            own = folded(one)
            for hit, other in copies:
                if hit.overlap(one) or (
                    ratio is fuzz.partial_ratio and not SHORTEST_REPEATED <= len(own) <= len(other)
                ):
                    continue
                if ratio(own, other, score_cutoff=NEAR_DUPLICATE):
                    return hit, one
    return None


ORIGINS: dict[str, str] = {
    "parser": "another parser finds it",
    "unanchored": "no parser finds it: lost by all, or never in the file; a person decides",
    "ambiguous": "it is in several places",
    "gone": "its document is not in the corpus",
    "untried": "other parsers were not tried",
}
"""What is known of a passage without a place, in words."""

Original = Callable[[str], bytes | None]
"""sha256 → the bytes of that file, or None."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A passage without a place, a key of `ORIGINS`, and the kind of the parser that finds it, if one does."""

    lost: Lost
    kind: str
    parser: str = ""


def origins(lost: Sequence[Lost], corpus: Corpus, own: Parser, original: Original | None = None) -> list[Origin]:
    """Return for each passage whether another installed parser finds it, the first in the registry's order.

    Each file is read at most once by each parser, in a process apart. `own` is the parser that lost the passages.
    """
    texts: dict[tuple[str, str], str] = {}
    others = [kind for kind, cls in PARSERS.items() if kind != own.kind and not cls.missing()]

    def text(document: Document, data: bytes, kind: str) -> str:
        key = document.source, kind
        if key not in texts:
            try:
                texts[key] = parse_safely(document.name, data, PARSERS[kind]()).text
            except DocumentError:  # this parser does not read such files, or not this one: it finds nothing there
                texts[key] = ""
        return texts[key]

    def origin(one: Lost) -> Origin:
        if one.kind in ("ambiguous", "gone"):
            return Origin(one, one.kind)
        document = _document(one, corpus)
        data = original(document.source) if original and document else None
        if document is None or data is None:
            return Origin(one, "untried")
        for kind in others:
            if find_quote(text(document, data, kind), one.quote):
                return Origin(one, "parser", kind)
        return Origin(one, "unanchored")

    return [origin(one) for one in lost]


def _document(lost: Lost, corpus: Corpus) -> Document | None:
    """Return the document that held the passage: of the same file, else the only one of that name."""
    named = [d for d in corpus if d.name == lost.document]
    same = [d for d in corpus if lost.source and d.source == lost.source]
    return same[0] if same else named[0] if len(named) == 1 else None
