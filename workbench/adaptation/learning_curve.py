"""The learning curve: gain over the unadapted model by the number of examples, judged on other passages."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any, Literal, Protocol

import numpy as np

from workbench.adaptation.dataset import DISTANCE, Floats, Fold, Ints, Material, grouped_folds, random_folds
from workbench.adaptation.linear_adapter import learn
from workbench.embedders import Adapter, Origin
from workbench.errors import SpecError
from workbench.statistics import compare, minimum_detectable_difference, questions_needed
from workbench.tasks import QUIET, Task
from workbench.vectors import Vectors

SIZES = (25, 50, 100, 200)
"""Examples at which the curve has a point; the last point is of all of them."""

FOLDS = 5

LEAST = 20
"""Usable examples below which nothing is learned."""

MATTERS = 0.02
"""A gain below which nobody would ship an adapter: what the number of questions is planned for where none is seen."""

Outcome = Literal["pays", "harms", "not distinguishable", "too few"]


@dataclass(frozen=True, slots=True)
class Point:
    """The model adapted on so many examples against the same model unadapted, on questions that it did not see.

    `examples` is the mean over the folds. `low` and `high` are the 95 % interval of the difference, by clusters of
    questions that share passages; `sd` is that of the questions' differences. `ridges` are those that the folds
    chose; None where none helped.
    """

    examples: int
    base: float
    adapted: float
    difference: float
    low: float
    high: float
    p: float
    wins: int
    ties: int
    losses: int
    sd: float
    ridges: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve of an adapter or a fine-tuned model: plain values, and what they say.

    `grouped` are the points to believe: no passage, nor its neighbours within `distance` chunks, on both sides.
    `random` are those of random folds, in which passages stand on both sides: `leakage` is how much more they claim
    with all examples. `dropped` is the mean number of examples left out of a fold as too near. `more` is about how many
    further questions would show the gain as seen; None where it is shown, or where there is none to show.
    `detectable` is the smallest gain that this many questions show with 80 % power.
    """

    metric: str
    method: str
    questions: int
    clusters: int
    usable: int
    folds: int
    distance: int
    dropped: float
    grouped: tuple[Point, ...]
    random: tuple[Point, ...]
    outcome: Outcome
    sentence: str
    more: int | None
    detectable: float | None
    leakage: float | None
    seed: int = 0

    @property
    def best(self) -> Point | None:
        """The grouped point with all examples; None where there were too few."""
        return self.grouped[-1] if self.grouped else None

    @property
    def pays(self) -> bool:
        """Return whether the gain with all examples is significantly above 0."""
        return self.outcome == "pays"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; null for ends of intervals that cannot be known."""
        out: dict[str, Any] = _plain(asdict(self))
        return out


class Trained(Protocol):
    """What training gives: query vectors, chunk vectors where these change, and the ridge that was chosen."""

    @property
    def ridge(self) -> float | None: ...

    def queries(self, some: Ints, /) -> Vectors: ...

    def chunks(self) -> Vectors | None: ...


Learner = Callable[[Material, Ints, int | None, int], Trained]
"""(material, examples, distance, seed) → what was trained on them; distance None where the folds are random."""


@dataclass(frozen=True, slots=True, eq=False)
class _Turned:
    of: Material
    adapter: Adapter
    ridge: float | None

    def queries(self, some: Ints, /) -> Vectors:
        return self.adapter(self.of.queries[some], normalised=self.of.pipeline.embedder.normalised)

    def chunks(self) -> Vectors | None:
        return None


def linear(of: Material, train: Ints, distance: int | None, seed: int) -> Trained:
    """Learn the query-side adapter of these examples."""
    found = learn(of, train, distance, seed)
    return _Turned(of, Adapter(found.delta, Origin("", len(train), found.ridge or 0.0)), found.ridge)


def learning_curve(
    of: Material,
    *,
    sizes: Sequence[int] = SIZES,
    folds: int = FOLDS,
    distance: int = DISTANCE,
    seed: int = 0,
    learner: Learner = linear,
    method: str = "linear adapter",
    task: Task = QUIET,
) -> Curve:
    """Measure the gain by the number of examples, on grouped folds and on random ones. The same for a seed.

    The task's reports count trainings.

    Raises:
        SpecError: fewer than two folds, or a distance below 0.
        Cancelled: the task was stopped.
    """
    if folds < 2:
        raise SpecError(f"the number of folds ({folds}) must be at least 2")
    if distance < 0:
        raise SpecError(f"the distance ({distance} chunks) must be at least 0")
    everyone = np.arange(len(of))
    apart = grouped_folds(of, everyone, folds, distance, offset=_offset(len(of), seed))
    naive = random_folds(everyone, folds, seed)
    pools = [[np.intersect1d(fold.train, of.usable) for fold in some] for some in (apart, naive)]
    least = min((len(pool) for pool in pools[0]), default=0)
    facts = (of.metric, method, len(of), len(np.unique(of.clusters)), len(of.usable), len(apart), distance)
    dropped = float(np.mean([fold.dropped for fold in apart]))
    if len(of.usable) < LEAST or len(apart) < 2 or not least:
        sentence = _too_few(of, len(apart), least)
        return Curve(*facts, dropped, (), (), "too few", sentence, None, None, None, seed)
    wanted: list[int | None] = [*sorted(n for n in set(sizes) if 0 < n <= least), None]
    steps = _Steps(len(wanted) * (len(apart) + len(naive)), task)
    base = of.values(of.queries, everyone)
    grouped, random = (
        tuple(_point(of, base, some, pool, size, learner, near, seed, steps) for size in wanted)
        for some, pool, near in zip((apart, naive), pools, (distance, None), strict=True)
    )
    outcome, more, detectable = _judged(grouped[-1], len(of))
    sentence = _sentence(of, grouped[-1], outcome, more, detectable)
    leakage = random[-1].difference - grouped[-1].difference
    return Curve(*facts, dropped, grouped, random, outcome, sentence, more, detectable, leakage, seed)


class _Steps:
    """Counts trainings, and stops between two of them."""

    def __init__(self, total: int, task: Task) -> None:
        self._done, self._total, self._task = 0, total, task
        task.report(0, total)

    def over(self, folds: Sequence[Fold], pools: Sequence[Ints]) -> Iterator[tuple[int, Fold, Ints]]:
        for number, (fold, pool) in enumerate(zip(folds, pools, strict=True)):
            self._task.check(f"stopped after {self._done} of {self._total} trainings")
            yield number, fold, pool
            self._done += 1
            self._task.report(self._done, self._total)


def _point(
    of: Material,
    base: Floats,
    folds: Sequence[Fold],
    pools: Sequence[Ints],
    size: int | None,
    learner: Learner,
    distance: int | None,
    seed: int,
    steps: _Steps,
) -> Point:
    values = base.copy()
    counts, ridges = [], []
    for number, fold, pool in steps.over(folds, pools):
        # The smaller sets are parts of the larger ones, so that the curve shows size and not the draw.
        drawn = np.random.default_rng([seed, number]).permutation(pool)[: len(pool) if size is None else size]
        trained = learner(of, np.sort(drawn), distance, seed)
        values[fold.test] = of.values(trained.queries(fold.test), fold.test, trained.chunks())
        counts.append(len(drawn))
        ridges.append(trained.ridge)
    found = compare(values, base, of.clusters, seed=seed)
    return Point(
        round(float(np.mean(counts))), float(base.mean()), float(values.mean()), found.difference, found.low,
        found.high, found.p, found.wins, found.ties, found.losses, found.sd, tuple(ridges),
    )  # fmt: skip


def _judged(point: Point, n: int) -> tuple[Outcome, int | None, float | None]:
    """Return the outcome with all examples, the further questions that would show it, and the least gain shown now."""
    detectable = None if isnan(point.sd) else minimum_detectable_difference(point.sd, n)
    if point.low > 0:
        return "pays", None, detectable
    if point.high < 0:
        return "harms", None, detectable
    if isnan(point.sd) or point.sd == 0 or point.difference <= 0:
        return "not distinguishable", None, detectable
    return "not distinguishable", max(1, questions_needed(point.sd, point.difference) - n), detectable


def _sentence(of: Material, point: Point, outcome: Outcome, more: int | None, detectable: float | None) -> str:
    gain = f"{of.metric} {point.base:.3f} → {point.adapted:.3f}, {point.difference:+.3f}"
    interval = "" if isnan(point.low) else f" ({point.low:+.3f} to {point.high:+.3f})"
    n, m = f"{len(of):,} questions", f"{point.examples:,} examples"
    if outcome == "pays":
        return f"It pays: {gain}{interval} with {m}, on passages that it did not see ({n})."
    if outcome == "harms":
        return f"It harms: {gain}{interval} with {m}, on passages that it did not see ({n}). Leave the model as it is."
    text = f"Not distinguishable from 0 at {n}: {gain}{interval} with {m}, on passages that it did not see."
    if more is not None:
        return f"{text} If the gain is as large as it looks, about {more:,} more questions would show it."
    if detectable:
        return f"{text} There is no gain to show; one of {detectable:.3f} or more would have been seen."
    return text


def _too_few(of: Material, folds: int, least: int) -> str:
    if len(of.usable) < LEAST:
        text = f"{len(of.usable)} usable examples are too few to learn from and judge by: at least {LEAST} are needed"
    elif folds < 2:
        text = "all questions share one passage or a chain of them, so none can judge what was learned from others"
    else:
        text = f"{of.usable.size} usable examples stand so near each other that a fold has {least} left to learn from"
    return f"{text}. Mark more passages in other places of the documents."


def examples_needed(curve: Curve, gain: float = MATTERS) -> int | None:
    """Return how many more questions would show such a gain with 80 % power; None where the spread is unknown."""
    point = curve.best
    if point is None or isnan(point.sd):
        return None
    return max(0, questions_needed(point.sd, gain) - curve.questions)


def _offset(n: int, seed: int) -> int:
    """Return where the first stretch begins: at the beginning for seed 0."""
    return int(np.random.default_rng(seed).integers(n)) if seed and n else 0


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and isnan(value) else value
