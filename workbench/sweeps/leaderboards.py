"""Runs ranked by a metric, each with its interval, its standing against the best, and a verdict in words over all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.errors import RunError, SpecError
from workbench.metrics import metric as metric_of
from workbench.records import Run
from workbench.statistics import MARGIN, RESAMPLES, Interval, Standing, mean_intervals, standings
from workbench.sweeps.results import METRIC, aligned, names

COSTS: dict[str, tuple[str, Callable[[Run], float]]] = {
    "tokens": ("tokens at its k", lambda run: run.tokens_per_query),
    "seconds": ("seconds", lambda run: run.seconds_in_all),
    "bytes": ("bytes of index", lambda run: float(run.index_bytes)),
}
"""What a pipeline costs: name → what it is called, and how a run tells it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A run's place. `fixed` is the same measure at the pipeline's k, beside equal context; `held_out` is the metric on
    questions that had no say; both None where there is no such figure. `standing` is None for a single run.
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
    """What the runs say. `leader` and `cheapest` are fingerprints; `saving` is how much less the cheapest run costs
    than the leader, as a share of 1; `more` about how many further questions would settle it, None where it is settled.
    """

    verdict: Literal["best", "equivalent", "not settled", "only one"]
    sentence: str
    leader: str
    cheapest: str
    saving: float
    more: int | None


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Rows by falling mean, judged on `n` questions; `held_out` questions beside them had no say."""

    metric: str
    margin: float
    rows: tuple[Row, ...]
    decision: Decision
    n: int
    held_out: int
    seed: int


def leaderboard(
    runs: Sequence[Run],
    metric: str = METRIC,
    margin: float = MARGIN,
    cost: str = "tokens",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Leaderboard:
    """The runs by their mean on the questions that are not held out; equal means by what they cost.

    Raises:
        RunError: no run, no shared question, or the metric was not measured.
        SpecError: an unknown cost, or a margin that is not above 0.
    """
    if cost not in COSTS:
        raise SpecError(f"cost {cost!r} is not known; there are {', '.join(COSTS)}")
    price = COSTS[cost][1]
    judged, apart = aligned(runs, metric, held_out=False), aligned(runs, metric, held_out=True)
    if not judged.questions:
        raise RunError("every question is held out: none is left to choose by")
    intervals = mean_intervals(judged.values, judged.clusters, resamples, seed)
    beside = mean_intervals(apart.values, apart.clusters, resamples, seed) if apart.questions else [None] * len(runs)
    places = standings(judged.values, judged.clusters, margin, resamples, seed) if len(runs) > 1 else [None]
    fixed = _fixed(runs, metric, resamples, seed)
    called = names(runs)
    rows = [
        Row(run, called[i], intervals[i], places[i], fixed[i], beside[i], run.tokens_per_query)
        for i, run in enumerate(runs)
    ]
    order = sorted(range(len(rows)), key=lambda i: (-rows[i].interval.mean, price(runs[i]), i))
    ranked = tuple(rows[i] for i in order)
    decision = decide(ranked, metric, margin, cost)
    return Leaderboard(metric, margin, ranked, decision, len(judged.questions), len(apart.questions), seed)


def _fixed(runs: Sequence[Run], metric: str, resamples: int, seed: int) -> list[Interval | None]:
    """The interval of the metric's measure at each run's own k, where the metric is at a budget of tokens."""
    asked = metric_of(metric) if "@" in metric else None
    out: list[Interval | None] = []
    for run in runs:
        at_k = f"{asked.measure}@{run.pipeline.get('k')}" if asked and asked.budget and asked.budget.tokens else ""
        if at_k not in run.metrics:
            out.append(None)
            continue
        some = aligned([run], at_k, held_out=False)
        out.append(mean_intervals(some.values, some.clusters, resamples, seed)[0] if some.questions else None)
    return out


def decide(rows: Sequence[Row], metric: str, margin: float, cost: str = "tokens") -> Decision:
    """The verdict over rows that stand by falling mean."""
    what, price = COSTS[cost]
    leader = rows[0]
    if leader.standing is None:
        only = f"{leader.name}: {metric} {_span(leader.interval)}; there is nothing to compare it with"
        return Decision("only one", only, leader.run.fingerprint, leader.run.fingerprint, 0.0, None)
    in_play = [row for row in rows if row.standing and not _ruled_out(row.standing)] or [leader]
    cheapest = min(in_play, key=lambda row: price(row.run))
    saving = 1 - price(cheapest.run) / price(leader.run) if price(leader.run) else 0.0
    less = f"{100 * saving:.0f} % fewer {what}"

    def decision(verdict: Literal["best", "equivalent", "not settled"], sentence: str, more: int | None) -> Decision:
        return Decision(verdict, sentence, leader.run.fingerprint, cheapest.run.fingerprint, saving, more)

    if leader.standing.verdict == "best":
        rival = next(row for row in rows if row is not leader)
        sentence = (
            f"{leader.name} is the best: {metric} {_span(leader.interval)}, {leader.standing.difference:.3f} above the "
            f"next, {rival.name}"
        )
        if cheapest is not leader:
            sentence += f"; {cheapest.name} is equivalent within ±{margin:g} ({less})"
        return decision("best", sentence, None)
    count = len(in_play)
    if all(row.standing and row.standing.verdict == "equivalent" for row in in_play):
        pick = f"the cheapest of them is {cheapest.name}" + (f" ({less})" if saving >= 0.005 else "")
        sentence = (
            f"{count} of {len(rows)} configurations are equivalent within ±{margin:g} of {metric}: they lead with "
            f"{leader.name}, {_span(leader.interval)}; {pick}"
        )
        return decision("equivalent", sentence, None)
    open_ = cheapest if cheapest is not leader else leader
    more = open_.standing.more if open_.standing else None
    if more is None:
        more = max((row.standing.more or 0 for row in in_play if row.standing), default=0) or None
    pick = (
        f"{leader.name} leads with {metric} {_span(leader.interval)} and is the cheapest of the {count} not ruled out"
        if cheapest is leader
        else f"the cheapest not ruled out is {cheapest.name}" + (f" ({less})" if saving >= 0.005 else "")
    )
    enough = f"; about {_rounded(more):,} more questions would settle it" if more else "; more questions are needed"
    return decision("not settled", f"not settled; {pick}{enough}", more)


def _ruled_out(standing: Standing) -> bool:
    """Whether the run is below another: also one that is so near that it counts as equivalent."""
    return standing.verdict == "ruled out"


def _span(one: Interval) -> str:
    return f"{one.mean:.3f}" + (f" [{one.low:.3f}, {one.high:.3f}]" if one.low == one.low else "")


def _rounded(n: int) -> int:
    """Two digits: the figure is an estimate."""
    step: int = 10 ** max(0, len(str(n)) - 2)
    return -(-n // step) * step
