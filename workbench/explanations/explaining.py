"""`explain`: the ladder and the cause of each question, from retrievals beside the one that was evaluated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbench.anatomy import (
    DEEPER,
    Evidence,
    GoldLine,
    Ladder,
    cause,
    ladder,
    near_duplicate,
    token_ladder,
    within,
)
from workbench.evaluations import CONTEXT_TOKENIZER, Evaluation
from workbench.explanations.anatomies import Anatomy, Explained
from workbench.explanations.parsing import Original, origins
from workbench.explanations.rankings import Rankings
from workbench.metrics import Budget
from workbench.metrics import budget as named
from workbench.records import Question
from workbench.retrievers import MAX_K
from workbench.spans import Span, covered, ranges
from workbench.store import Store
from workbench.tokens import tokenizer


def explain(
    evaluation: Evaluation,
    store: Store | None = None,
    budget: Budget | str | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    original: Original | None = None,
    seed: int = 0,
) -> Anatomy:
    """Where the evaluated pipeline lost answers within a budget: its own k hits, or such as "10" or "1000tok".

    Only questions that judge are explained: see `Evaluation.judged`.

    Vectors are taken from the store, where the evaluation left them; without it they are made again. `progress(done,
    total)` counts questions. `original` gives a file's bytes by its sha256, so that other parsers can be tried on
    passages that the text does not hold.
    """
    evaluation = evaluation.judged
    amount = named(budget) if isinstance(budget, str) else budget or Budget(evaluation.pipeline.k)
    rankings = Rankings(evaluation, store)
    found = _Found(evaluation, rankings, amount)
    lost = [one for q in evaluation.questions for one in q.lost]
    origin = dict(zip(lost, origins(lost, evaluation.corpus, evaluation.pipeline.parser, original), strict=True))
    out = []
    for i, question in enumerate(evaluation.questions):
        one = found.explained(i)
        out.append(
            Explained(
                question=question,
                ladder=one.ladder,
                hits=one.hits,
                cause=one.cause,
                hybrid=one.hybrid,
                origins=tuple(origin[passage] for passage in question.lost),
            )
        )
        if progress:
            progress(i + 1, len(evaluation.questions))
    pipeline = evaluation.pipeline
    return Anatomy(pipeline.fingerprint, pipeline.label, amount, tuple(out), seed)


@dataclass(frozen=True, slots=True)
class _One:
    ladder: Ladder
    hits: tuple[Span, ...]
    cause: str
    hybrid: int | None


class _Found:
    """What is found for the questions of an evaluation within a budget."""

    def __init__(self, evaluation: Evaluation, rankings: Rankings, budget: Budget) -> None:
        self._evaluation, self._rankings, self._budget = evaluation, rankings, budget
        self._tokens = tokenizer(CONTEXT_TOKENIZER)
        self._text = lru_cache(maxsize=None)(evaluation.corpus.__getitem__)
        self._sizes: dict[Span, int] = {}

    def explained(self, i: int) -> _One:
        """A question's ladder, hits within the budget, cause, and the gold characters that hybrid retrieval holds."""
        question = self._evaluation.questions[i]
        gold = [r.span for r in question.references]
        lost = sum(passage.size for passage in question.lost)
        found = self._rankings.ranked("own", self._budget)[i]
        exact = found if self._rankings.is_exact else self._rankings.ranked("exact", self._budget)[i]
        units, blanks = self._rankings.units, self._evaluation.corpus.blanks
        if self._budget.tokens:
            limit = self._budget.amount
            one = token_ladder(gold, lost, units, exact, found, limit, self._text, self._tokens, blanks)
        else:
            k = self._budget.amount
            one = ladder(gold, lost, units, exact, found, k, self._rankings.longest, blanks)
        line = GoldLine.of(gold, blanks)
        hybrid = self._held(line, "hybrid", question)
        why = cause(self._evidence(question, line, one, exact)) if one.exact < one.units else ""
        return _One(one, tuple(self._within(found)), why, hybrid)

    def _evidence(self, question: Question, line: GoldLine, one: Ladder, exact: Sequence[Span]) -> Evidence:
        hits = self._within(exact)
        known = line.places(hits)
        holders = line.holders(self._rankings.units)
        missed = [unit for unit in one.best if unit not in set(hits) and _adds(line, unit, hits)]
        away = [r.span for r in question.references if not any(hit.overlap(r.span) for hit in hits)]
        every = covered(ranges([*map(tuple, known.tolist()), *map(tuple, line.places(holders).tolist())]))
        seen = self._rankings.seen(line)
        sighted = covered(ranges([*map(tuple, known.tolist()), *map(tuple, line.places(seen).tolist())]))
        deep = self._held(line, "exact", question, DEEPER)
        return Evidence(
            loss=one.units - one.exact,
            exact=one.exact,
            missed=every - one.exact,
            unseen=every - sighted,
            duplicate=near_duplicate(missed, away, hits, self._text) is not None,
            deep=0 if deep is None else deep,
            bm25=self._held(line, "bm25", question),
            dense=self._held(line, "dense", question),
        )

    def _held(self, line: GoldLine, side: str, question: Question, times: int = 1) -> int | None:
        """The gold characters that a ranking holds within so many times the budget; None where it is not tried."""
        if not self._rankings.can(side):
            return None
        return line.held(self._within(self._retrieved(side, question, times), times))

    def _retrieved(self, side: str, question: Question, times: int = 1) -> list[Span]:
        """Hits down to what the budget needs, not yet cut to it."""
        need = self._budget.amount * times
        if not self._budget.tokens:
            return self._rankings.hits(side, question.text, min(need, MAX_K))
        depth = 16
        while True:
            hits = self._rankings.hits(side, question.text, depth)
            if len(hits) < depth or depth >= MAX_K or sum(map(self._size, hits)) >= need:
                return hits
            depth = min(4 * depth, MAX_K)

    def _size(self, span: Span) -> int:
        if span not in self._sizes:
            self._sizes[span] = int(self._tokens.counts([self._text(span)])[0])
        return self._sizes[span]

    def _within(self, hits: Sequence[Span], times: int = 1) -> list[Span]:
        if not self._budget.tokens:
            return list(hits[: self._budget.amount * times])
        budget = Budget(min(self._budget.amount * times, 1_000_000), tokens=True)
        return within(hits, budget, self._text, self._tokens)


def _adds(line: GoldLine, unit: Span, hits: Sequence[Span]) -> bool:
    """Whether a unit holds gold that the hits do not."""
    return line.held([*hits, unit]) > line.held(hits)
