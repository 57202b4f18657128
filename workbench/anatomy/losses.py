"""The anatomy of a golden set: each step's mean loss with its interval, in words, as rows and as plain values."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import combinations
from math import isnan
from typing import Any

import numpy as np

from workbench.anatomy.causes import CAUSES, Evidence, Origin, step_of
from workbench.anatomy.loss_ladder import STEPS, Ladder
from workbench.metrics import Budget
from workbench.records import Question
from workbench.spans import Span
from workbench.statistics import Interval, clusters, mean_intervals, population

JOINED = ("cut", "severed")
"""Causes that are shown by joining a lost chunk with the text around it."""
JOINED_WITH = {
    "passage": "the rest of its passage",
    "neighbours": "the chunks before and after it",
    "section": "the section around it",
}
PARTLY = ("neither", "untried")
"""Causes of losses of which no ranking finds enough, though some may find a part."""

SEEN = 0.005
"""The least loss that two decimals show."""
_NEAR = 0.5  # a step that may be the largest is named beside the largest from this share of it


@dataclass(frozen=True, slots=True)
class Part:
    """A passage that the ranking missed, its part of the loss in gold characters, the cause, and the evidence."""

    passage: Span
    gold: int
    cause: str
    evidence: Evidence

    @property
    def words(self) -> str:
        """Why it was lost, and by what that is known."""
        of, why = self.evidence, CAUSES[self.cause]
        if self.cause in JOINED and (joined := of.context) is not None:
            how = {"bm25": ", tried with BM25", "wide": ", and the others likewise"}.get(joined.side, "")
            return f"{why}: found at rank {joined.rank} once its chunk is joined with {JOINED_WITH[joined.kind]}{how}"
        if self.cause in PARTLY:
            some = {"dense": of.share(of.dense), "BM25": of.share(of.bm25)}
            parts = [f"{name} found {share:.0%} of it" for name, share in some.items() if share >= SEEN]
            return "; ".join([why, ", ".join(parts)]) if parts else why
        return why


@dataclass(frozen=True, slots=True)
class Explained:
    """One question: its ladder, why each passage that its ranking missed was lost, and where unplaced passages went.

    `hits` are those as run, within the budget. `hybrid` are the gold characters that dense and BM25 fused hold within
    the budget; None where that is what runs, or was not tried.
    """

    question: Question
    ladder: Ladder
    hits: tuple[Span, ...]
    parts: tuple[Part, ...] = ()
    hybrid: int | None = None
    origins: tuple[Origin, ...] = ()

    @property
    def causes(self) -> dict[str, float]:
        """Cause → recall lost for it, the largest first; together what is lost, unless the index found more by luck."""
        rungs = self.ladder
        gold = Counter(parse=rungs.gold - rungs.present, budget=rungs.present - rungs.windows)
        gold["cut"] = rungs.windows - rungs.units
        for part in self.parts:
            gold[part.cause] += part.gold
        gold["index"] = rungs.exact - rungs.found
        return {cause: n / rungs.gold for cause, n in gold.most_common() if n > 0}

    @property
    def cause(self) -> str:
        """The cause of most of what was lost; "" where nothing was."""
        return next(iter(self.causes), "")

    @property
    def why(self) -> str:
        """What was lost and why, in words, the most first."""
        known = {part.cause: part.words for part in sorted(self.parts, key=lambda p: p.gold)}
        return "; ".join(known.get(cause, CAUSES[cause]) for cause, loss in self.causes.items() if loss >= SEEN)

    @property
    def unanchored(self) -> float:
        """Recall lost with passages that no parser finds: a parser's loss, or never in the documents."""
        return sum(o.lost.size for o in self.origins if o.kind == "unanchored") / self.ladder.gold

    @property
    def regained(self) -> float | None:
        """Recall that hybrid retrieval would gain over the exact ranking; below 0 where it would lose."""
        return None if self.hybrid is None else (self.hybrid - self.ladder.exact) / self.ladder.gold

    def plain(self) -> dict[str, Any]:
        """Return {id, recalls R0 to R5, losses by step, cause, causes, why, hybrid, lost} for JSON."""
        return {
            "id": self.question.id,
            "recalls": list(self.ladder.recalls),
            "losses": self.ladder.losses,
            "settled": self.ladder.settled,
            "cause": self.cause or None,
            "causes": self.causes,
            "why": self.why or None,
            "hybrid": self.regained,
            "lost": [{"document": o.lost.document, "kind": o.kind, "parser": o.parser} for o in self.origins],
        }


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Where a pipeline loses answers within a budget, question by question and over all.

    `embedded` counts the texts embedded to rank joins of lost chunks. `documents` number the questions' documents;
    `unit` is that of the intervals, as for `statistics.population`.
    """

    pipeline: str
    label: str
    budget: Budget
    questions: tuple[Explained, ...]
    embedded: int = 0
    documents: tuple[int, ...] | None = None
    unit: str | None = None

    def speaking(self, unit: str | None) -> "Anatomy":
        """Return the same losses with intervals of this unit."""
        return self if unit == self.unit else replace(self, unit=unit)

    @cached_property
    def recall(self) -> float:
        """Mean recall as run."""
        return float(np.mean([q.ladder.recalls[-1] for q in self.questions]))

    @cached_property
    def steps(self) -> dict[str, Interval]:
        """Step → its mean loss with its 95 % interval; the means sum to 1 − recall."""
        return {step: self._intervals[step] for step in STEPS}

    @cached_property
    def _intervals(self) -> dict[str, Interval]:
        """Return the intervals of each step, and of the difference of each two, "a−b"."""
        losses = np.array([[*q.ladder.losses.values()] for q in self.questions])
        pairs = list(combinations(range(len(STEPS)), 2))
        apart = np.column_stack([losses[:, a] - losses[:, b] for a, b in pairs])
        of = clusters([q.question for q in self.questions])
        known = None if self.documents is None else np.array(self.documents, np.int64)
        documents = population(known, self.unit).grouped(known)
        names = [*STEPS, *(f"{[*STEPS][a]}−{[*STEPS][b]}" for a, b in pairs)]
        out = {}
        for name, values in zip(names, np.column_stack([losses, apart]).T, strict=True):
            # Only an approximate index can find more than the exact one, by luck.
            bounds = (0.0, 1.0) if name in STEPS and name != "index" else (-1.0, 1.0)
            out[name] = mean_intervals(values[:, None], of, documents=documents, bounds=bounds)[0]
        return out

    def first(self) -> tuple[str, ...]:
        """Return the step that loses most, and those that may: at least half as much, the difference inconclusive."""
        means = {step: one.mean for step, one in self.steps.items()}
        leader = max(means, key=lambda step: means[step])
        if means[leader] <= 0:
            return ()

        def settled(step: str) -> bool:
            one = self._intervals.get(f"{leader}−{step}") or self._intervals[f"{step}−{leader}"]
            return one.low > 0 or one.high < 0

        others = [s for s in STEPS if s != leader and means[s] >= _NEAR * means[leader] and not settled(s)]
        return leader, *sorted(others, key=lambda s: -means[s])

    def causes(self) -> dict[str, dict[str, Any]]:
        """Return cause → its step, its share of the mean loss and its questions' ids, the largest loss first.

        Beside that, of what a join brings back the join's median `size` in the splitter's unit and with what it was
        `tried`; of what the ranking lost, the mean recall that `hybrid` brings back, and in `PARTLY` what `dense` and
        `bm25` found; of what the parser lost, the `parser` that finds most of it, if one does.
        """
        out: dict[str, dict[str, Any]] = {}
        losses = [(q, q.causes) for q in self.questions]
        for cause in CAUSES:
            some = [(q, causes[cause]) for q, causes in losses if cause in causes]
            if not some:
                continue
            some.sort(key=lambda one: (-one[1], one[0].question.id))
            loss = sum(loss for _, loss in some) / len(self.questions)
            ids = [q.question.id for q, _ in some]
            out[cause] = {"step": step_of(cause), "loss": loss, "questions": ids} | self._shown(cause)
        return out

    def _shown(self, cause: str) -> dict[str, Any]:
        """Return what is known of a cause beside its loss."""
        if cause == "parse":
            parsers = Counter(o.parser for q in self.questions for o in q.origins if o.parser)
            return {"parser": parsers.most_common(1)[0][0]} if parsers else {}
        parts = [(p.evidence, p.gold, q) for q in self.questions for p in q.parts if p.cause == cause]
        if cause in JOINED:
            joined = [of.context for of, _, _ in parts if of.context is not None]
            lexical = sum(j.side == "bm25" for j in joined)
            tried = "bm25" if 2 * lexical > len(joined) else "own"
            return {"size": int(np.median([j.size for j in joined])), "tried": tried} if joined else {}
        if step_of(cause) != "ranking":
            return {}
        n, out = len(self.questions), {}
        if self.regained is not None:
            gained = [min(gold, (q.hybrid or 0) - q.ladder.exact) / q.ladder.gold for _, gold, q in parts]
            out["hybrid"] = sum(gained) / n
        if cause in PARTLY:
            out["dense"] = sum(of.share(of.dense) * gold / q.ladder.gold for of, gold, q in parts) / n
            out["bm25"] = sum(of.share(of.bm25) * gold / q.ladder.gold for of, gold, q in parts) / n
        return out

    def tags(self) -> dict[str, dict[str, Any]]:
        """Return tag → {questions, recall, losses by step}: means over the questions with that tag."""
        out: dict[str, dict[str, Any]] = {}
        for tag in sorted({tag for q in self.questions for tag in q.question.tags}):
            some = [q for q in self.questions if tag in q.question.tags]
            losses = {step: sum(q.ladder.losses[step] for q in some) / len(some) for step in STEPS}
            out[tag] = {"questions": len(some), "recall": 1 - sum(losses.values()), "losses": losses}
        return out

    @property
    def regained(self) -> float | None:
        """Mean recall that hybrid retrieval would gain, losses set against gains; None where it was not tried."""
        some = [q.regained for q in self.questions]
        return None if not some or None in some else sum(r for r in some if r is not None) / len(some)

    @property
    def unanchored(self) -> float:
        """Mean recall lost with passages that no parser finds."""
        return sum(q.unanchored for q in self.questions) / len(self.questions)

    def worst(self, step: str) -> list[Explained]:
        """Return the questions that lose at a step, the largest loss first."""
        losing = (q for q in self.questions if q.ladder.losses[step] > 0)
        return sorted(losing, key=lambda q: (-q.ladder.losses[step], q.question.id))

    def waterfall(self) -> list[dict[str, Any]]:
        """Return a bar for each step; see the function `waterfall`."""
        return waterfall(self.to_dict())

    def sentence(self) -> str:
        """Return `of 0.31 lost recall, 0.04 parser, …, 0.15 ranking (0.02 of it truncation): look at the ranking …`."""
        lost = 1 - self.recall
        if lost < SEEN and all(abs(one.mean) < SEEN for one in self.steps.values()):
            return f"{'no' if lost < 1e-9 else 'hardly any'} recall is lost within {self.budget.words}"
        parts = [f"{one.mean:.2f} {STEPS[step]}{self._aside(step)}" for step, one in self.steps.items()]
        first = [f"the {STEPS[step]}" for step in self.first()]
        advice = f": look at {' or '.join(first)} first" if first else ""
        return f"of {lost:.2f} lost recall, {', '.join(parts)}{advice}"

    def _aside(self, step: str) -> str:
        """Return what is known of a step's loss beyond its size, in brackets."""
        known = {
            "parse": [(self.unanchored, "of it in no parser's text")],
            "boundary": [(self._lost_for("severed"), "of it severed from its context")],
            "ranking": [(self._lost_for("truncated"), "of it truncation"), (self.regained or 0, "recovered by hybrid")],
        }
        asides = [f"{loss:.2f} {words}" for loss, words in known.get(step, ()) if loss >= SEEN]
        return f" ({', '.join(asides)})" if asides else ""

    def _lost_for(self, cause: str) -> float:
        return sum(q.causes.get(cause, 0.0) for q in self.questions) / len(self.questions)

    def to_dict(self, per_question: bool = False) -> dict[str, Any]:
        """Return plain values for JSON: what a run keeps."""
        out: dict[str, Any] = {
            "pipeline": self.pipeline,
            "budget": str(self.budget),
            "recall": self.recall,
            # JSON has no NaN.
            "steps": {s: {k: None if isnan(v) else v for k, v in asdict(x).items()} for s, x in self.steps.items()},
            "sentence": self.sentence(),
            "first": list(self.first()),
            "causes": self.causes(),
            "tags": self.tags(),
            "hybrid": self.regained,
            "unanchored": self.unanchored,
            "embedded": self.embedded,
            "settled": all(q.ladder.settled for q in self.questions),
            "worst": {step: [q.question.id for q in self.worst(step)] for step in STEPS},
        }
        if per_question:
            out["per_question"] = [q.plain() for q in self.questions]
        return out


def waterfall(plain: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a bar for each step of an anatomy's plain values, as `Anatomy.to_dict` gives them and runs keep them.

    From recall 1 down: {step, word, start, end, loss, low, high, questions}, the last their number.
    """
    out, level = [], 1.0
    for step, word in STEPS.items():
        one = plain["steps"][step]
        bar = {"step": step, "word": word, "start": level, "end": level - one["mean"], "loss": one["mean"]}
        out.append(bar | {"low": one["low"], "high": one["high"], "questions": len(plain["worst"][step])})
        level -= one["mean"]
    return out
