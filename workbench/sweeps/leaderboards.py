"""Runs ranked by a metric, each with its interval, its standing against the best, and a verdict in words over all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isinf
from typing import Literal

import numpy as np

from workbench.errors import RunError, SpecError
from workbench.metrics import bounds_of
from workbench.metrics import metric as metric_of
from workbench.records import Judging, Run
from workbench.statistics import (
    DOCUMENT,
    MARGIN,
    MIN_DOCUMENTS,
    MIN_QUESTIONS,
    MOST_TIMES,
    RELIABLE_FROM,
    TAIL,
    Interval,
    Population,
    Standing,
    mean_intervals,
    population,
    questions_to_settle,
    standings,
)
from workbench.sweeps.results import METRIC, Aligned, aligned, names
from workbench.sweeps.run_costs import cost_for


@dataclass(frozen=True, slots=True)
class Row:
    """A run's row. `fixed` is the same measure at the pipeline's own k, `held_out` the metric on held-out questions;
    None where there is no such figure. `standing` is None for a single run.

    The leader's `interval` allows for its being the best of many: its lower end is Bonferroni-corrected.
    """

    run: Run
    name: str
    interval: Interval
    standing: Standing | None
    fixed: Interval | None
    held_out: Interval | None
    tokens_per_query: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What the runs say. `leader` and `cheapest` are fingerprints; `saving` is the share of the leader's cost that the
    cheapest saves; `more` is about how many further questions would settle it, None where it is settled or unknown.
    """

    verdict: Literal["best", "equivalent", "not settled", "only one"]
    sentence: str
    leader: str
    cheapest: str
    saving: float
    more: int | None

    @property
    def settled(self) -> str:
        """The fingerprint of the best run, or of the cheapest of equivalent ones; "" where nothing is settled."""
        return {"best": self.leader, "equivalent": self.cheapest}.get(self.verdict, "")


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Rows by falling mean on `n` questions; `held_out` more were not used to rank.

    `population` is what the figures hold for. `judging` says which of the `n` questions a run has seen in training,
    `judging_apart` which of those held out. `cost` names what decides between equals.
    """

    metric: str
    margin: float
    rows: tuple[Row, ...]
    decision: Decision
    n: int
    held_out: int
    population: Population
    seed: int
    judging: Judging
    judging_apart: Judging
    cost: str

    @property
    def training_note(self) -> str:
        """The note on questions seen in training, to be shown beside verdict and means; "" for none."""
        apart = f"on the held-out questions: {self.judging_apart.note}" if self.judging_apart.note else ""
        return "; ".join(part for part in (self.judging.note, apart) if part)


def leaderboard(
    runs: Sequence[Run],
    metric: str = METRIC,
    margin: float = MARGIN,
    cost: str | None = None,
    unit: str | None = None,
    seed: int = 0,
) -> Leaderboard:
    """Rank the runs by their mean on the questions that are not held out; equal means by what they cost.

    `unit` is that of `statistics.population`: by default documents where there are enough. Without a `cost`, the first
    that fits the metric and these runs (`run_costs.costs_for`).

    Raises:
        RunError: no run, no shared question, or the metric was not measured.
        SpecError: a metric that is a cost; a cost that is not known, or compares nothing here; a margin that is not
            above 0; or a unit that cannot be had.
    """
    check_ranks(metric)
    cost, (_, price) = cost_for(metric, runs, cost)
    judged, apart = aligned(runs, metric, held_out=False), aligned(runs, metric, held_out=True)
    if not judged.questions:
        raise RunError("every question is held out: none is left to choose by")
    of = population(judged.documents, unit)
    intervals = _intervals(judged, metric, of)
    beside = _intervals(apart, metric, of) if apart.questions else [None] * len(runs)
    means = [one.mean for one in intervals]
    order = sorted(range(len(runs)), key=lambda i: (-means[i], price(runs[i]), i))
    first = order[0]
    places: Sequence[Standing | None] = [None]
    more = None
    if len(runs) > 1:
        documents, bounds = of.grouped(judged.documents), bounds_of(metric)
        places = standings(
            judged.values, judged.clusters, margin, documents=documents, bounds=bounds, leader=first, seed=seed
        )
        intervals[first] = _intervals(judged, metric, of, first, TAIL / len(runs))[0]
        if places[first].verdict == "not settled":
            more = questions_to_settle(
                judged.values, judged.clusters, margin, documents=documents, bounds=bounds, seed=seed
            )
    fixed = _fixed(runs, metric, of, judged)
    called = names(runs)
    ranked = tuple(
        Row(runs[i], called[i], intervals[i], places[i], fixed[i], beside[i], runs[i].tokens_per_query) for i in order
    )
    what = "development questions" if apart.questions else "questions"
    decision = decide(ranked, metric, margin, of, len(judged.questions), more, cost, what)
    counts = len(judged.questions), len(apart.questions)
    return Leaderboard(metric, margin, ranked, decision, *counts, of, seed, judged.judging, apart.judging, cost)


def check_ranks(metric: str) -> None:
    """Refuse a metric of which less is better.

    Raises:
        SpecError: the metric is a cost.
    """
    if isinf(bounds_of(metric)[1]):
        raise SpecError(f"{metric} is a cost, of which more is not better: rank by another metric, such as {METRIC}")


def _intervals(
    of: Aligned, metric: str, who: Population, run: int | None = None, below: float = TAIL
) -> list[Interval]:
    """Return the intervals of all runs, or of one, with the error allowed `below`.

    Held-out questions may be about fewer documents than those that choose: then they speak of these documents.
    """
    values = of.values if run is None else of.values[:, [run]]
    documents = who.grouped(of.documents)
    if documents is not None and len(np.unique(documents)) < MIN_DOCUMENTS:
        documents = None
    return mean_intervals(values, of.clusters, documents=documents, bounds=bounds_of(metric), tails=(below, TAIL))


def _fixed(runs: Sequence[Run], metric: str, who: Population, judged: Aligned) -> list[Interval | None]:
    """Return the interval of the metric's measure at each run's own k, where the metric is at a budget of tokens."""
    asked = metric_of(metric) if "@" in metric else None
    out: list[Interval | None] = []
    for run in runs:
        at_k = f"{asked.measure}@{run.pipeline.get('k')}" if asked and asked.budget and asked.budget.tokens else ""
        if at_k not in run.metrics:
            out.append(None)
            continue
        place = {q.id: i for i, q in enumerate(run.questions)}
        values = run.column(at_k)[[place[id] for id in judged.questions]]  # the questions that judge all the runs
        out.append(_intervals(replace(judged, values=values[:, None]), at_k, who)[0])
    return out


def decide(
    rows: Sequence[Row],
    metric: str,
    margin: float,
    who: Population,
    n: int,
    more: int | None = None,
    cost: str | None = None,
    questions: str = "questions",
) -> Decision:
    """Put the verdict on rows, sorted by falling mean on n questions, into words.

    `questions` is what these are called: development questions where others are held out.
    """
    what, price = cost_for(metric, [row.run for row in rows], cost)[1]
    leader = rows[0]
    holds = f"Holds for {who.words}" + (f": {who.caution}" if who.caution else "")
    if leader.standing is None:
        only = f"{leader.name}: {metric} {_span(leader.interval)}; there is nothing to compare it with. {holds}"
        return Decision("only one", only, leader.run.fingerprint, leader.run.fingerprint, 0.0, None)
    in_play = [row for row in rows if row.standing and row.standing.verdict != "ruled out"] or [leader]
    cheapest = min(in_play, key=lambda row: price(row.run))
    saving = 1 - price(cheapest.run) / price(leader.run) if price(leader.run) else 0.0
    less = f" ({100 * saving:.0f} % fewer {what})" if saving >= 0.005 else ""

    def decision(verdict: Literal["best", "equivalent", "not settled"], sentence: str) -> Decision:
        return Decision(verdict, f"{sentence}. {holds}", leader.run.fingerprint, cheapest.run.fingerprint, saving, more)

    if leader.standing.verdict == "best":
        rival = next(row for row in rows if row is not leader)
        sentence = (
            f"{leader.name} is the best: {metric} {_span(leader.interval)}, {leader.standing.difference:.3f} above the "
            f"next, {rival.name}"
        )
        if cheapest is not leader:
            sentence += f"; {cheapest.name} is equivalent within ±{margin:g}{less}"
        return decision("best", sentence)
    if leader.standing.verdict == "equivalent":
        return decision(
            "equivalent",
            f"{len(in_play)} of {len(rows)} configurations are equivalent within ±{margin:g} of {metric}: they lead "
            f"with {leader.name}, {_span(leader.interval)}; the cheapest of them is {cheapest.name}{less}",
        )
    if n < MIN_QUESTIONS:
        few = f"too few questions to compare ({n}; at least {MIN_QUESTIONS} are needed)"
        return decision("not settled", f"inconclusive: {few}; {leader.name} has {metric} {_span(leader.interval)}")
    undecided = f"the cheapest of the {len(in_play)} undecided"
    pick = f" and is {undecided}" if cheapest is leader else f"; {undecided} is {cheapest.name}{less}"
    found = f"{leader.name} leads with {metric} {_span(leader.interval)}{pick}"
    blind = f"; {who.documents} documents cannot show one of {len(rows)} to be worse" if _blind(who, len(rows)) else ""
    return decision("not settled", f"inconclusive: {found}; {more_questions(n, more, questions)}{blind}")


def _blind(who: Population, runs: int) -> bool:
    """Return whether sign flips of so few documents cannot reach the share of the error that each run gets."""
    if who.unit != DOCUMENT or who.documents is None:
        return False
    return float(0.5 ** (who.documents - 1)) >= 2 * TAIL / (runs - 1)


def more_questions(n: int, more: int | None, what: str = "questions") -> str:
    """Say how many more than n questions would settle a verdict, in words where no number can be given."""
    if more is not None:
        return f"about {_rounded(more):,} more {what} would settle it"
    if n < RELIABLE_FROM:
        return f"more {what} are needed; from {RELIABLE_FROM} on, how many can be estimated"
    return f"more than {MOST_TIMES} times as many {what} would be needed to settle it"


def _span(one: Interval) -> str:
    return f"{one.mean:.3f}" + (f" [{one.low:.3f}, {one.high:.3f}]" if one.low == one.low else "")


def _rounded(n: int) -> int:
    """Round up to two digits: the figure is an estimate."""
    step: int = 10 ** max(0, len(str(n)) - 2)
    return -(-n // step) * step
