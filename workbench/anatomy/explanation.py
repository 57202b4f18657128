"""`explain`: the loss ladder and the causes of each question, from retrievals beside the one that was evaluated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from workbench.anatomy.best_cover import GoldLine
from workbench.anatomy.causes import DEEPER, ENOUGH, Evidence, Joined, Original, cause, near_duplicate, origins, step_of
from workbench.anatomy.loss_ladder import Ladder, ladder, token_ladder, within
from workbench.anatomy.losses import Anatomy, Explained, Part
from workbench.anatomy.rankings import Join, Rankings
from workbench.evaluations import CONTEXT_TOKENIZER, Evaluation
from workbench.memory_cache import cached
from workbench.metrics import Budget
from workbench.metrics import budget as named
from workbench.records import Question
from workbench.retrievers import MAX_K
from workbench.spans import Span, covered
from workbench.store import Store
from workbench.tokens import tokenizer


def explain(
    evaluation: Evaluation,
    store: Store | None = None,
    budget: Budget | str | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    embedding: Callable[[int, int], None] | None = None,
    original: Original | None = None,
    unit: str | None = None,
) -> Anatomy:
    """Return where the evaluated pipeline lost answers within a budget: its own k hits, or such as "10" or "1000tok".

    Only questions that judge are explained: see `Evaluation.judged`. Vectors are taken from the store, where the
    evaluation left them, or made again. `progress(done, total)` counts questions, `embedding(done, total)` the texts
    embedded to rank lost chunks joined with the text around them: a few for each lost passage, none by a remote model.
    `original` gives a file's bytes by its sha256, so that other parsers can be tried on passages that the text does not
    hold. `unit`: as for `statistics.population`.
    """
    evaluation = evaluation.judged
    amount = named(budget) if isinstance(budget, str) else budget or Budget(evaluation.pipeline.k)
    rankings = Rankings(evaluation, store)
    found = _Found(evaluation, rankings, amount)
    lost = [one for q in evaluation.questions for one in q.lost]
    origin = dict(zip(lost, origins(lost, evaluation.corpus, evaluation.pipeline.parser, original), strict=True))
    losses = [found.loss(i) for i in range(len(evaluation.questions))]
    texts = rankings.embed([join for loss in losses for missed in loss.missed for join in missed.joins], embedding)
    out = []
    for question, loss in zip(evaluation.questions, losses, strict=True):
        parts = tuple(found.part(question, loss, missed) for missed in loss.missed)
        one = replace(loss.ladder, severed=sum(part.gold for part in parts if step_of(part.cause) == "boundary"))
        unplaced = tuple(origin[passage] for passage in question.lost)
        out.append(Explained(question, one, loss.hits, parts, loss.hybrid, unplaced))
        if progress:
            progress(len(out), len(evaluation.questions))
    line, documents = evaluation.pipeline, tuple(evaluation.documents.tolist())
    return Anatomy(line.fingerprint, line.label, amount, tuple(out), texts, documents, unit)


@dataclass(frozen=True, slots=True)
class _Missed:
    """A passage that the exact ranking missed in whole or in part.

    `loss` is its part of what the question lost to its ranking, `joins` its chunk joined with the text around it.
    """

    line: GoldLine
    passage: Span
    loss: int
    joins: tuple[Join, ...]


@dataclass(frozen=True, slots=True)
class _Loss:
    """A question's ladder, its hits as run and with an exact index, what hybrid holds, and the passages missed."""

    ladder: Ladder
    hits: tuple[Span, ...]
    exact: tuple[Span, ...]
    hybrid: int | None
    missed: tuple[_Missed, ...]


class _Found:
    """What is found for the questions of an evaluation within a budget."""

    def __init__(self, evaluation: Evaluation, rankings: Rankings, budget: Budget) -> None:
        self._evaluation, self._rankings, self._budget = evaluation, rankings, budget
        self._tokens = tokenizer(CONTEXT_TOKENIZER)
        self._text = cached(32 << 20, len)(evaluation.corpus.__getitem__)
        self._sizes: dict[Span, int] = {}

    def loss(self, i: int) -> _Loss:
        """Return a question's ladder, its hits within the budget, and which passages its ranking missed."""
        question = self._evaluation.questions[i]
        gold = [r.span for r in question.references]
        lost = sum(passage.size for passage in question.lost)
        found = self._rankings.ranked("own", self._budget)[i]
        exact = found if self._rankings.is_exact else self._rankings.ranked("exact", self._budget)[i]
        units, blanks = self._rankings.units, self._evaluation.corpus.blanks
        amount = self._budget.amount
        if self._budget.tokens:
            one = token_ladder(gold, lost, units, exact, found, amount, self._text, self._tokens, blanks)
        else:
            one = ladder(gold, lost, units, exact, found, amount, self._rankings.longest, blanks)
        hybrid = self._held(GoldLine.of(gold, blanks), "hybrid", question)
        within = self._within(exact)
        missed = self._missed(gold, one, within) if one.exact < one.units else ()
        return _Loss(one, tuple(self._within(found)), tuple(within), hybrid, missed)

    def _missed(self, gold: Sequence[Span], one: Ladder, hits: Sequence[Span]) -> tuple[_Missed, ...]:
        """Return the passages that some unit holds more of than the hits, the loss shared out by what is missed."""
        lines = [GoldLine.of([passage], self._evaluation.corpus.blanks) for passage in gold]
        units = self._rankings.units
        amounts = [line.held([*hits, *line.holders(units)]) - line.held(hits) for line in lines]
        shares = np.round(np.cumsum(amounts) / max(sum(amounts), 1) * (one.units - one.exact)).astype(np.int64)
        losses = np.diff(shares, prepend=0).tolist()
        return tuple(
            _Missed(line, passage, loss, tuple(self._joins(line, passage, hits)))
            for passage, line, loss in zip(gold, lines, losses, strict=True)
            if loss
        )

    def _joins(self, line: GoldLine, passage: Span, hits: Sequence[Span]) -> list[Join]:
        """Return the joins of the chunk that holds most of what the hits miss of a passage."""
        held = line.held(hits)
        gains = [(line.held([*hits, chunk]) - held, chunk) for chunk in line.holders(self._rankings.chunks)]
        gain, chunk = max(gains, key=lambda g: g[0], default=(0, None))
        return self._rankings.joins(chunk, passage) if chunk is not None and gain else []

    def part(self, question: Question, loss: _Loss, missed: _Missed) -> Part:
        """Return why a passage was missed."""
        line, hits = missed.line, loss.exact
        known = line.places(hits)
        holders = line.holders(self._rankings.units)
        away = [missed.passage] if not any(hit.overlap(missed.passage) for hit in hits) else []
        every = covered(np.concatenate([known, line.places(holders)]))
        seen = covered(np.concatenate([known, line.places(self._rankings.seen(line))]))
        exact = covered(known)
        lost = [s for s in holders if line.held([*hits, s]) > exact]
        evidence = Evidence(
            loss=missed.loss,
            exact=exact,
            missed=every - exact,
            unseen=every - seen,
            duplicate=near_duplicate(lost, away, hits, self._text) is not None,
            deep=self._held(line, "exact", question, DEEPER) or 0,
            bm25=self._held(line, "bm25", question),
            dense=self._held(line, "dense", question),
            joined=self._joined(question, missed, hits),
        )
        return Part(missed.passage, missed.loss, cause(evidence), evidence)

    def _joined(self, question: Question, missed: _Missed, exact: Sequence[Span]) -> tuple[Joined, ...]:
        """Return the joins of a passage's chunk that bring it back, up to the first that is not by BM25."""
        rankings, line, out = self._rankings, missed.line, []
        for side, join in product(rankings.joining, missed.joins):
            hits = self._retrieved(side, question, join=join)
            if line.held(self._within(hits)) - line.held(exact) < ENOUGH * missed.loss:
                continue
            rank = next((n for n, hit in enumerate(hits, 1) if hit == join.span), 0)
            own, whole = rankings.shares(question.text, join)
            out.append(Joined(join.kind, join.span, rankings.size(join.span), side, rank, own, whole))
            if side != "bm25":
                break
        return tuple(out)

    def _held(self, line: GoldLine, side: str, question: Question, times: int = 1) -> int | None:
        """Return the gold characters that a ranking holds within so many budgets; None where it is not tried."""
        if not self._rankings.can(side):
            return None
        return line.held(self._within(self._retrieved(side, question, times), times))

    def _retrieved(self, side: str, question: Question, times: int = 1, join: Join | None = None) -> list[Span]:
        """Return hits down to what the budget needs, not yet cut to it; with a join in place of its chunks."""
        need = self._budget.amount * times
        if not self._budget.tokens:
            return self._rankings.hits(side, question.text, min(need, MAX_K), join)
        depth = 16
        while True:
            hits = self._rankings.hits(side, question.text, depth, join)
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
