"""The measures of a ranking against gold passages, in characters, each a function of a `Judgement`.

A measure's whole name holds its budget: `recall@5` looks at 5 hits, `recall@1000tok` at 1,000 tokens of context.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from workbench.errors import SpecError
from workbench.extensions import Registry
from workbench.metrics.judgements import Judgement, holding, judge
from workbench.spans import Ranges, Span, covered


def recall(of: Judgement) -> float:
    """The share of gold characters that the hits hold; all passages of a question pooled. 0 to 1.

    Source: Smith and Troynikov 2024, "Evaluating Chunking Strategies for Retrieval" (Chroma), there on tokens.
    """
    return float(of.found.sum() / of.gold)


def precision(of: Judgement) -> float:
    """The share of the hits' characters that are gold, each character counted once; 0 without hits. 0 to 1.

    Source: Smith and Troynikov 2024, with the hits united: `recall(a, b) = precision(b, a)`.
    """
    held = of.fresh.sum()
    return float(of.found.sum() / held) if held else 0.0


def iou(of: Judgement) -> float:
    """Characters both gold and hit, over characters either gold or hit. 0 to 1.

    Source: Jaccard 1901; on retrieved text, Smith and Troynikov 2024, with the hits united.
    """
    both = of.found.sum()
    return float(both / (of.fresh.sum() + of.gold - both))


def hit_rate(of: Judgement) -> float:
    """1 if any hit is relevant, else 0."""
    return float(of.relevant.any())


def mrr(of: Judgement) -> float:
    """1 / rank of the first relevant hit, 0 if there is none; its mean over questions is the MRR.

    Source: Voorhees 1999, "The TREC-8 Question Answering Track Report".
    """
    return float(1 / (1 + int(of.relevant.argmax()))) if of.relevant.any() else 0.0


def ndcg(of: Judgement) -> float:
    """Σ over ranks of gain / log2(rank + 1), over that of the best possible ranking: each passage whole, one a rank.

    A hit's gain is the sum of the shares of passages that it is the first to hold, so that text which two chunks share
    is not paid for twice. What a hit holds beyond one passage for each rank so far counts at the next ranks, so that
    two passages in one chunk are worth what they are in two. Within k hits the best ranking has k ranks. Where
    passages are chunks it is that of trec_eval. 0 to 1.

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques"; the gain is ours.
    """
    n, p = len(of), len(of.passages)
    ranks = max(n, p) if of.k is None else min(max(n, p), of.k)
    if not n:
        return 0.0
    held = np.cumsum(of.shares)
    held = np.concatenate([[0.0], held, np.full(ranks - n, held[-1])])
    held = np.minimum(held, np.arange(ranks + 1))
    discounts = 1 / np.log2(np.arange(2, ranks + 2))
    return min(1.0, float((held[1:] - held[:-1]) @ discounts / discounts[:p].sum()))


def average_precision(of: Judgement) -> float:
    """Σ over ranks of the share of relevant hits so far × the passage recall that the rank adds. 0 to 1.

    Its mean over questions is the MAP. Where passages are chunks it is that of trec_eval.

    Source: Buckley and Voorhees 2000, "Evaluating evaluation measure stability"; passages in part are ours.
    """
    precisions = np.cumsum(of.relevant) / np.arange(1, len(of) + 1)
    return min(1.0, float(precisions @ of.shares / len(of.passages)))


def passage_recall(of: Judgement) -> float:
    """The mean over a question's passages of the share of each that the hits hold: each counts alike. 0 to 1."""
    return min(1.0, float(of.shares.sum() / len(of.passages)))


def all_passages(of: Judgement) -> float:
    """1 if the hits together hold at least the share `min_cover` of every passage, else 0."""
    return float((of.parts.sum(axis=0) >= of.min_cover * of.passages).all())


def tokens(of: Judgement) -> float:
    """Tokens of the hits, one after the other: what a prompt would hold. What overlaps counts each time."""
    return float(of.tokens.sum())


def precision_omega(gold: Sequence[Span], chunks: Mapping[str, Ranges], lost: Sequence[int] = ()) -> float:
    """The IoU of the gold and all chunks that hold any of it: the best precision this chunking allows. 0 to 1.

    Needs no retrieval. `chunks` maps a document to the ranges of its chunks; 0 where no chunk holds gold.
    `lost` are the sizes of passages without a place in this corpus, as for `judge`.

    Source: Smith and Troynikov 2024 ("Precision Ω"), there with the chunks that only touch the gold counted too.
    """
    return iou(judge(gold, holding(gold, chunks), lost=lost))


def omega_of_ranges(passages: Ranges, chunks: Ranges, lost: Sequence[int] = ()) -> float:
    """`precision_omega` for passages and all chunks of their documents, on one line of text."""
    begin = np.maximum(chunks[:, None, 0], passages[:, 0])
    on = chunks[(np.minimum(chunks[:, None, 1], passages[:, 1]) > begin).any(axis=1)]
    gold, held = covered(passages), covered(on)
    either = covered(np.concatenate([passages, on]))
    return (gold + held - either) / (either + sum(lost))


REVISION = 2
"""Of the definitions below. It rises when a measure changes its meaning: values of two revisions do not compare."""

Formula = Callable[[Judgement], float]


def _accept(name: str, formula: Any) -> tuple[str, Formula]:
    if not callable(formula) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} must be a lower-case name of a function of a Judgement")
    if not (formula.__doc__ or "").strip():
        raise ValueError(f"{name} has no docstring, whose first line defines it for people")
    return name, formula


_OWN: tuple[Formula, ...] = (
    recall,
    passage_recall,
    all_passages,
    precision,
    iou,
    ndcg,
    average_precision,
    mrr,
    hit_rate,
    tokens,
)
FORMULAS: Registry[Formula] = Registry("metrics", {f.__name__: f for f in _OWN}, _accept)
"""Measures of a ranking within a budget, by name."""

UNRANKED = ("precision_omega",)
"""Measures of a chunking alone, which have no budget."""

UNBOUNDED = ("tokens",)
"""Measures without a highest value, beside those whose function has a true attribute `unbounded`; others reach 1."""


def bounds_of(name: str) -> tuple[float, float]:
    """Return the possible range of a metric's values by its name, whoever defined it."""
    measure = name.partition("@")[0]
    unbounded = measure in UNBOUNDED or (measure in FORMULAS and getattr(FORMULAS[measure], "unbounded", False))
    return (0.0, inf) if unbounded else (0.0, 1.0)


_RELEVANT = "A hit is relevant if it holds at least half of a passage, or if at least half of it is passage text."


class _Definitions(dict[str, str]):
    """Measure → definition; of a measure from another package the first line of its docstring."""

    def __missing__(self, measure: str) -> str:
        return (FORMULAS[measure].__doc__ or "").strip().split("\n")[0]


DEFINITIONS: dict[str, str] = _Definitions(
    recall="Share of the passages' characters that the hits hold, all passages of a question pooled.",
    passage_recall="Share of each passage that the hits hold, averaged over the question's passages: a short one "
    "counts as much as a long one.",
    all_passages="1 if the hits together hold at least half of every passage of the question, else 0.",
    precision="Share of the hits' characters that are passage text, each character counted once.",
    iou="Characters in both passages and hits, divided by characters in either.",
    ndcg="Gain discounted by rank, divided by that of the best possible ranking: each passage whole, one per rank. "
    "A hit's gain is the share of each passage that it is the first to hold.",
    average_precision="Precision over ranks: the share of relevant hits so far, weighted by the passage recall that "
    f"each rank adds. Its mean is the MAP. {_RELEVANT}",
    mrr=f"1 / rank of the first relevant hit, 0 if there is none. {_RELEVANT}",
    hit_rate=f"1 if any hit is relevant, else 0. {_RELEVANT}",
    tokens="Tokens of the hits, one after the other, as a prompt would hold them; text in two hits counts twice.",
    precision_omega="IoU of the passages and all chunks that hold any part of them: the best precision that the "
    "chunking allows, whatever is retrieved.",
)
"""What each measure of a question says, for people; white space never counts. One text for pages and README."""

MOST_HITS, MOST_TOKENS = 1000, 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class Budget:
    """How much of a ranking is looked at: so many hits, or so many tokens of context, the last hit cut."""

    amount: int
    tokens: bool = False

    def __post_init__(self) -> None:
        most = MOST_TOKENS if self.tokens else MOST_HITS
        if not 1 <= self.amount <= most:
            raise SpecError(f"a budget of {self.amount} {'tokens' if self.tokens else 'hits'} must be 1 to {most:,}")

    def __str__(self) -> str:
        return f"{self.amount}{'tok' if self.tokens else ''}"

    @property
    def place(self) -> str:
        """Where a figure was measured, for people: "measured at k = 5", "measured at 1,000 context tokens"."""
        return f"measured at {f'{self.amount:,} context tokens' if self.tokens else f'k = {self.amount:,}'}"

    @property
    def words(self) -> str:
        """For people: "1 hit", "5 hits", "1,000 tokens"."""
        return f"{self.amount:,} {'token' if self.tokens else 'hit'}{'s' * (self.amount != 1)}"


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure within a budget: `metric("ndcg@10")`. Its text is its whole name."""

    measure: str
    budget: Budget | None

    def __str__(self) -> str:
        return self.measure if self.budget is None else f"{self.measure}@{self.budget}"

    @property
    def definition(self) -> str:
        """What it says, for people, and where it is measured."""
        return DEFINITIONS[self.measure] + (f" {self.budget.place.capitalize()}." if self.budget else "")

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value that the measure can take: (0, 1), or without an upper end."""
        return bounds_of(self.measure)

    def __call__(self, of: Judgement) -> float:
        """The value for a judged ranking.

        A budget of hits is cut here; for a budget of tokens the hits must have been cut before they were judged, by
        `first_tokens`.
        """
        if self.budget is None:
            raise SpecError(f"{self.measure} looks at chunks, not at a ranking: call it with the gold and the chunks")
        return self.formula(of if self.budget.tokens else of[: self.budget.amount])

    @property
    def formula(self) -> Callable[[Judgement], float]:
        """The measure of a judgement that has been cut to the budget."""
        return FORMULAS[self.measure]


def budget(text: str) -> Budget:
    """The budget that `5` or `1000tok` names.

    Raises:
        SpecError: it is neither, or outside the limits.
    """
    if not (match := re.fullmatch(r"([0-9]{1,9})(tok)?", text)):
        raise SpecError(f"budget {text!r} is not known: a number of hits such as 5, or of tokens such as 1000tok")
    return Budget(int(match[1]), match[2] is not None)


def metric(name: str) -> Metric:
    """The metric of a name such as `recall@5`, `ndcg@10`, `recall@1000tok` or `precision_omega`.

    Raises:
        SpecError: an unknown measure, or a budget that is missing, not wanted or outside the limits.
    """
    measure, at, amount = name.partition("@")
    if measure in UNRANKED:
        if at:
            raise SpecError(f"{measure} looks at all chunks and has no budget: leave out @{amount}")
        return Metric(measure, None)
    if measure not in FORMULAS:
        raise SpecError(f"metric {name!r} is not known; known are {', '.join([*FORMULAS, *UNRANKED])}")
    if not at:
        raise SpecError(f"{measure} needs a budget: {measure}@5 for 5 hits, {measure}@1000tok for 1,000 tokens")
    return Metric(measure, budget(amount))
