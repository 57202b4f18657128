"""The measures of the chunking_evaluation code to the letter, so that its published table can be made again.

They differ from ours in counting overlap twice in precision and IoU, and in Ω's chunks that only touch a passage.

Source: Smith and Troynikov 2024, "Evaluating Chunking Strategies for Retrieval" (Chroma technical report).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.metrics.judgements import holding, judge
from workbench.metrics.measures import iou
from workbench.spans import Ranges, Span

MOST_HITS = 20
"""The limit of k where k is "min"."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The four measures of one question; their names are those of the published table."""

    recall: float
    precision: float
    iou: float
    precision_omega: float


def scores(gold: Sequence[Span], hits: Sequence[Span], chunks: Mapping[str, Ranges], lost: int = 0) -> Scores:
    """A question's scores for its hits, given every document's chunks (document → ranges).

    recall = hit / Σ|passage|; precision = hit / Σ|chunk|; iou = hit / (Σ|chunk| + gold characters not hit), where hit
    is the number of gold characters that the hits hold, each once, and chunks of any document count in full.

    White space counts as any character, as in their code. `lost` is the number of gold characters without a place in
    this corpus; their code knows none.
    """
    of = judge(gold, hits, lost=[lost])
    hit = int(of.found.sum())
    held = sum(len(span) for span in hits)
    return Scores(
        recall=hit / (sum(len(span) for span in gold) + lost),
        precision=hit / held if held else 0.0,
        iou=hit / (held + of.gold - hit),
        precision_omega=iou(judge(gold, touching(gold, chunks), lost=[lost])),
    )


def touching(gold: Sequence[Span], chunks: Mapping[str, Ranges]) -> list[Span]:
    """The chunks with max(starts) ≤ min(ends) for some passage: also those that only touch one."""
    return holding(gold, chunks, at_least=0)


def least_hits(gold: Sequence[Span], chunks: Mapping[str, Ranges]) -> int:
    """k where k is "min": as many hits as chunks touch the gold, at most 20. The answer leaks into it."""
    return min(len(touching(gold, chunks)), MOST_HITS)
