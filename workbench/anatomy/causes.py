"""Why a ranking missed gold that it could have returned: one cause for each question, the first that holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.spans import Span

NEAR_DUPLICATE = 90.0
"""rapidfuzz's ratio of two texts (100 · (1 − Indel distance / both lengths)) from which they are near-duplicates."""

SHORTEST_REPEATED = 20
"""Characters of a passage from which a copy of it is told; shorter ones stand in many places by chance."""

DEEPER = 5
"""A near miss is found within so many times the budget."""

ENOUGH = 0.5
"""The share of what was lost that counts as the answer: unseen by the embedder, or found by another ranking."""

CAUSES: dict[str, str] = {
    "truncated": "in text that the embedder never saw",
    "duplicate": "outranked by a near-duplicate",
    "near_miss": f"a near miss, found within {DEEPER} times the budget",
    "bm25": "found by BM25, not by dense",
    "dense": "found by dense, not by BM25",
    "reordered": "found by dense and by BM25, then ranked away",
    "neither": "found by neither dense nor BM25",
    "untried": "not found by BM25; dense was not tried",
}
"""Each cause in words, in the order in which they are looked at."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a question that lost gold to its ranking, in gold characters.

    `loss` is what the best units hold beyond the hits (with an exact index), which hold `exact`. `missed` are
    characters that some unit holds and no hit, `unseen` those of them that the embedder saw in no unit. `duplicate`: a
    hit nearly equals a missed unit, or repeats a missed passage. `deep`, `bm25`, `dense` are what hits hold at `DEEPER`
    times the budget, by BM25 alone and by vectors alone; None where that was not tried.
    """

    loss: int
    exact: int
    missed: int
    unseen: int
    duplicate: bool
    deep: int
    bm25: int | None
    dense: int | None


def cause(of: Evidence) -> str:
    """The key of `CAUSES` that holds first."""

    def found(held: int | None) -> bool:
        return held is not None and held - of.exact >= ENOUGH * of.loss

    holds = {
        "truncated": of.missed > 0 and of.unseen >= ENOUGH * of.missed,
        "duplicate": of.duplicate,
        "near_miss": found(of.deep),
        "bm25": found(of.bm25) and not found(of.dense),
        "dense": found(of.dense) and not found(of.bm25),
        "reordered": found(of.dense) and found(of.bm25),
        "neither": of.dense is not None and of.bm25 is not None,
    }
    return next((name for name, one in holds.items() if one), "untried")


def near_duplicate(
    missed: Sequence[Span], passages: Sequence[Span], hits: Sequence[Span], text: Callable[[Span], str]
) -> tuple[Span, Span] | None:
    """A hit, and the missed unit that it nearly equals or the passage that it nearly repeats; None where none does.

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
