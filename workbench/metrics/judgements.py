"""A ranking held against the gold, hit by hit: the columns from which every measure on spans is a short formula."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import GoldenError, SpecError
from workbench.spans import Ranges, Span, lengths, ranges

Ints = NDArray[np.int64]

MIN_COVER = 0.5
"""The share of a gold passage that a hit must hold to be relevant, unless said otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What each hit adds, in rank order. `judgement[:k]` is the judgement of the first k hits.

    `gold` is the number of gold characters, each counted once wherever passages overlap, with those of passages that
    have no place in this corpus: gold that no hit can hold. `found` (n,) are the gold
    characters that a hit is the first to hold, `fresh` (n,) all characters that it is the first to hold, `relevant`
    (n,) whether it covers enough of some passage, `tokens` (n,) its size in tokens, 0 where nobody counted.
    """

    gold: int
    found: Ints
    fresh: Ints
    relevant: NDArray[np.bool_]
    tokens: Ints

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, some: slice) -> "Judgement":
        return Judgement(self.gold, self.found[some], self.fresh[some], self.relevant[some], self.tokens[some])


def judge(
    gold: Sequence[Span],
    hits: Sequence[Span],
    tokens: Sequence[int] | Ints | None = None,
    min_cover: float = MIN_COVER,
    lost: int = 0,
) -> Judgement:
    """The hits, best first, held against the gold passages; spans of other documents than the gold's only cost.

    `lost` are the characters of passages without a place in this corpus (`records.Question.lost`).

    Raises:
        GoldenError: no gold character. A question without an answer has no recall, and is counted apart.
        SpecError: `min_cover` is not above 0 and at most 1.
        ValueError: `lost` is below 0, or the tokens are not as many as the hits.
    """
    if not 0 < min_cover <= 1:
        raise SpecError(f"min_cover ({min_cover}) must be above 0 and at most 1")
    if lost < 0:
        raise ValueError(f"{lost} lost characters: at least 0 is needed")
    passages, ranked = _on_one_line(gold, hits)
    edges = np.unique(np.concatenate([passages, ranked]))
    sizes = np.diff(edges)
    is_gold = _holds(passages, edges).any(axis=0)
    total = int(sizes[is_gold].sum()) + lost
    if total == 0:
        raise GoldenError("there is no gold passage to judge by: unanswerable questions are counted apart")
    held = _holds(ranked, edges)
    seen = held.any(axis=0)
    first = held.argmax(axis=0) if len(held) else np.zeros(len(sizes), np.int64)
    fresh = np.bincount(first[seen], sizes[seen], len(hits)).astype(np.int64)
    found = np.bincount(first[seen & is_gold], sizes[seen & is_gold], len(hits)).astype(np.int64)
    both = np.minimum(ranked[:, None, 1], passages[None, :, 1]) - np.maximum(ranked[:, None, 0], passages[None, :, 0])
    enough = (both > 0) & (both >= min_cover * lengths(passages))
    relevant = np.asarray(enough.any(axis=1), np.bool_)
    counted = np.zeros(len(hits), np.int64) if tokens is None else np.asarray(tokens, np.int64)
    if counted.shape != (len(hits),):
        raise ValueError(f"{counted.shape} token counts for {len(hits)} hits")
    return Judgement(total, found, fresh, relevant, counted)


def _on_one_line(*groups: Sequence[Span]) -> list[Ranges]:
    """The spans of several documents as ranges on one axis, the documents laid end to end."""
    reach: dict[str, int] = {}
    for span in (s for group in groups for s in group):
        reach[span.document] = max(reach.get(span.document, 0), span.end)
    base, at = {}, 0
    for document, end in reach.items():
        base[document] = at
        at += end
    return [ranges((base[s.document] + s.start, base[s.document] + s.end) for s in group) for group in groups]


def _holds(spans: Ranges, edges: Ints) -> NDArray[np.bool_]:
    """(n, cells) whether each range holds the characters between an edge and the next."""
    held: NDArray[np.bool_] = (spans[:, :1] <= edges[None, :-1]) & (edges[None, 1:] <= spans[:, 1:])
    return held


def first_tokens(
    hits: Sequence[Span], tokens: Sequence[int] | Ints, limit: int, end_of: Callable[[Span, int], int]
) -> tuple[list[Span], list[int]]:
    """The hits in rank order until `limit` tokens are full, and the tokens of each; the last hit is cut to fit.

    `end_of(span, n)` says where the first n tokens of a span end. What overlaps counts each time, as it would in a
    prompt that lists the hits one after the other.
    """
    kept: list[Span] = []
    sizes: list[int] = []
    left = limit
    for hit, size in zip(hits, map(int, tokens), strict=True):
        if left <= 0:
            break
        kept.append(hit if size <= left else Span(hit.document, hit.start, end_of(hit, left)))
        sizes.append(min(size, left))
        left -= size
    return kept, sizes


def holding(gold: Sequence[Span], chunks: Mapping[str, Ranges], at_least: int = 1) -> list[Span]:
    """The chunks (document → its ranges) that share `at_least` characters with some passage, in text order.

    With 0, chunks that only touch a passage are among them.
    """
    out: list[Span] = []
    for document in dict.fromkeys(s.document for s in gold):
        spans = chunks.get(document, ranges([]))
        passages = ranges((s.start, s.end) for s in gold if s.document == document)
        begin, end = np.maximum(spans[:, None, 0], passages[:, 0]), np.minimum(spans[:, None, 1], passages[:, 1])
        out += [Span(document, a, b) for a, b in spans[(end - begin >= at_least).any(axis=1)].tolist()]
    return out
