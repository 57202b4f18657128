"""A ranking held against the gold, hit by hit: the columns from which every measure on spans is a short formula."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.errors import GoldenError, SpecError
from workbench.spans import Ranges, Span, lengths, ranges, union

Ints = NDArray[np.int64]

MIN_COVER = 0.5
"""The share of a passage that a relevant hit holds, or of the hit that is gold, unless said otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What each hit adds, in rank order. `judgement[:k]` is the judgement of the first k hits.

    `gold` is the number of gold characters, each counted once where passages overlap, including passages without a
    place in this corpus. `found` (n,) are the gold characters that a hit is the first to hold, `fresh` (n,) all
    characters that it is the first to hold, `relevant` (n,) as the function `relevant`, `tokens` (n,) its size in
    tokens, 0 if not counted. `passages` (p,) are the characters of each passage, those without a place last; `parts`
    (n, p) those that a hit is the first to hold. `k` is the number of hits asked for, None if cut by tokens.
    """

    gold: int
    found: Ints
    fresh: Ints
    relevant: NDArray[np.bool_]
    tokens: Ints
    passages: Ints
    parts: Ints
    min_cover: float = MIN_COVER
    k: int | None = None

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, some: slice) -> "Judgement":
        return replace(
            self,
            found=self.found[some],
            fresh=self.fresh[some],
            relevant=self.relevant[some],
            tokens=self.tokens[some],
            parts=self.parts[some],
            k=some.stop,
        )

    @property
    def shares(self) -> NDArray[np.float64]:
        """(n,) the shares of passages that a hit is the first to hold, added up: from 0 to their number."""
        return self.parts @ (1 / self.passages)


def judge(
    gold: Sequence[Span],
    hits: Sequence[Span],
    tokens: Sequence[int] | Ints | None = None,
    min_cover: float = MIN_COVER,
    lost: Sequence[int] = (),
) -> Judgement:
    """Return the hits, best first, held against the gold passages; spans of other documents than the gold's only cost.

    Every character of a span counts. Where white space must not, both are given as `Corpus.nonblank` counts them.
    `lost` are the sizes of passages without a place in this corpus (`records.Lost.size`). Empty passages are none.

    Raises:
        GoldenError: no gold character. A question without an answer has no recall, and is counted apart.
        SpecError: `min_cover` is not above 0 and at most 1.
        ValueError: a size in `lost` is below 0, or the tokens are not as many as the hits.
    """
    passages, ranked = _on_one_line(gold, hits)
    return judge_ranges(passages, ranked, tokens, min_cover, lost)


def judge_ranges(
    passages: Ranges,
    ranked: Ranges,
    tokens: Sequence[int] | Ints | None = None,
    min_cover: float = MIN_COVER,
    lost: Sequence[int] = (),
) -> Judgement:
    """Judge passages and hits that are ranges of one line of text."""
    if any(size < 0 for size in lost):
        raise ValueError(f"{min(lost)} lost characters: at least 0 is needed")
    passages = passages[lengths(passages) > 0]
    apart = np.array([size for size in lost if size], np.int64)
    edges = np.unique(np.concatenate([passages, ranked]))
    sizes = np.diff(edges)
    of_passage = _holds(passages, edges)
    is_gold = of_passage.any(axis=0)
    total = int(sizes[is_gold].sum() + apart.sum())
    if total == 0:
        raise GoldenError("there is no gold passage to judge by: unanswerable questions are counted apart")
    held = _holds(ranked, edges)
    seen = held.any(axis=0)
    first = held.argmax(axis=0) if len(held) else np.zeros(len(sizes), np.int64)
    n, p = len(ranked), len(passages)
    fresh = np.bincount(first[seen], sizes[seen], n).astype(np.int64)
    found = np.bincount(first[seen & is_gold], sizes[seen & is_gold], n).astype(np.int64)
    passage, cell = np.nonzero(of_passage & seen)
    parts = np.zeros((n, p + len(apart)), np.int64)
    parts[:, :p] = np.bincount(first[cell] * p + passage, sizes[cell], n * p).reshape(n, p)
    counted = np.zeros(n, np.int64) if tokens is None else np.asarray(tokens, np.int64)
    if counted.shape != (n,):
        raise ValueError(f"{counted.shape} token counts for {n} hits")
    return Judgement(
        gold=total,
        found=found,
        fresh=fresh,
        relevant=relevant_ranges(passages, ranked, min_cover),
        tokens=counted,
        passages=np.concatenate([lengths(passages), apart]),
        parts=parts,
        min_cover=min_cover,
    )


def relevant(gold: Sequence[Span], hits: Sequence[Span], min_cover: float = MIN_COVER) -> NDArray[np.bool_]:
    """Return (n,) whether each hit holds at least `min_cover` of some passage, or is gold to that share.

    The one says that a hit answers, whatever else it holds; the other that it is part of an answer, however long that
    is. So it depends on no passage's length whether small chunks can be relevant. Chunks that are passages are relevant
    as in trec_eval.

    Raises:
        SpecError: `min_cover` is not above 0 and at most 1.
    """
    passages, ranked = _on_one_line(gold, hits)
    return relevant_ranges(passages, ranked, min_cover)


def relevant_ranges(passages: Ranges, spans: Ranges, min_cover: float = MIN_COVER) -> NDArray[np.bool_]:
    """Return `relevant` for ranges of one line of text."""
    if not 0 < min_cover <= 1:
        raise SpecError(f"min_cover ({min_cover}) must be above 0 and at most 1")
    each = _common(spans, passages)
    gold = each[:, 0] if len(passages) == 1 else _common(spans, union(passages)).sum(axis=1)
    answers = (each >= min_cover * lengths(passages)).any(axis=1)
    found: NDArray[np.bool_] = (answers | (gold >= min_cover * lengths(spans))) & (gold > 0)
    return found


def _common(spans: Ranges, others: Ranges) -> Ints:
    """Return (n, m) the characters that each of the spans shares with each of the others."""
    both: Ints = np.minimum(spans[:, None, 1], others[:, 1]) - np.maximum(spans[:, None, 0], others[:, 0])
    return both.clip(0)


def _on_one_line(*groups: Sequence[Span]) -> list[Ranges]:
    """Return the spans of several documents as ranges on one axis, the documents laid end to end."""
    reach: dict[str, int] = {}
    for span in (s for group in groups for s in group):
        reach[span.document] = max(reach.get(span.document, 0), span.end)
    base, at = {}, 0
    for document, end in reach.items():
        base[document] = at
        at += end
    return [ranges((base[s.document] + s.start, base[s.document] + s.end) for s in group) for group in groups]


def _holds(spans: Ranges, edges: Ints) -> NDArray[np.bool_]:
    """Return (n, cells) whether each range holds the characters between an edge and the next."""
    held: NDArray[np.bool_] = (spans[:, :1] <= edges[None, :-1]) & (edges[None, 1:] <= spans[:, 1:])
    return held


def first_tokens(
    hits: Sequence[Span], tokens: Sequence[int] | Ints, limit: int, end_of: Callable[[Span, int], int]
) -> tuple[list[Span], list[int]]:
    """Return the hits in rank order until `limit` tokens are full, and the tokens of each; the last hit is cut to fit.

    `end_of(span, n)` says where the first n tokens of a span end. What overlaps counts each time, as it would in a
    prompt that lists the hits one after the other.
    """
    sizes = np.asarray(tokens, np.int64)
    if len(sizes) != len(hits):
        raise ValueError(f"{len(sizes)} token counts for {len(hits)} hits")
    filled = np.cumsum(sizes)
    last = int(np.searchsorted(filled, limit))  # the hit that fills the limit
    kept, counts = list(hits[: last + 1]), sizes[: last + 1].tolist()
    if last < len(hits) and filled[last] > limit:
        counts[last] -= int(filled[last]) - limit
        kept[last] = Span(kept[last].document, kept[last].start, end_of(kept[last], counts[last]))
    return kept, counts


def holding(gold: Sequence[Span], chunks: Mapping[str, Ranges], at_least: int = 1) -> list[Span]:
    """Return the chunks (document → its ranges) that share `at_least` characters with some passage, in text order.

    With 0, chunks that only touch a passage are among them.
    """
    out: list[Span] = []
    for document in dict.fromkeys(s.document for s in gold):
        spans = chunks.get(document, ranges([]))
        passages = ranges((s.start, s.end) for s in gold if s.document == document)
        begin, end = np.maximum(spans[:, None, 0], passages[:, 0]), np.minimum(spans[:, None, 1], passages[:, 1])
        out += [Span(document, a, b) for a, b in spans[(end - begin >= at_least).any(axis=1)].tolist()]
    return out
