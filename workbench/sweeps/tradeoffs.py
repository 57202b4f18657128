"""Quality against cost, and what each setting does: fronts, effects, surfaces and the matrix of questions.

Means are those of the leaderboard: questions that are held out have no say here either.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.errors import RunError
from workbench.metrics import bounds_of
from workbench.records import Run
from workbench.statistics import Interval, mean_intervals, population
from workbench.sweeps.results import METRIC, Aligned, aligned, settings, varied


@dataclass(frozen=True, slots=True)
class Point:
    """A run's mean quality and its cost; `best` where no other run is as good for less, or better for as much."""

    fingerprint: str
    quality: float
    cost: float
    best: bool


def pareto(runs: Sequence[Run], costs: Sequence[float], metric: str = METRIC) -> tuple[Point, ...]:
    """Each run as a point, in order; `costs` are one number a run, as `run_costs.costs_for` tells them."""
    means = _judged(runs, metric).values.mean(axis=0).tolist()
    return tuple(
        Point(
            run.fingerprint,
            quality,
            cost,
            not any(
                (q >= quality and c <= cost) and (q > quality or c < cost) for q, c in zip(means, costs, strict=True)
            ),
        )
        for run, quality, cost in zip(runs, means, costs, strict=True)
    )


def _judged(runs: Sequence[Run], metric: str) -> Aligned:
    """The values on the questions that judge.

    Raises:
        RunError: as `aligned`, or every question is held out.
    """
    found = aligned(runs, metric, held_out=False)
    if not found.questions:
        raise RunError("every question is held out: none is left to choose by")
    return found


@dataclass(frozen=True, slots=True)
class Effect:
    """What a setting's value does against `reference`, its first value: the mean difference over `pairs` of runs that
    are alike in all else, with its interval; `mean` is that of the matched runs with this value.
    """

    path: str
    value: Any
    reference: Any
    mean: float
    difference: Interval
    pairs: int


def effects(runs: Sequence[Run], metric: str = METRIC, unit: str | None = None, seed: int = 0) -> tuple[Effect, ...]:
    """The marginal effect of every value of every setting in which the runs differ, where runs can be matched.

    The interval is that of the differences averaged over the matched pairs.
    """
    found = _judged(runs, metric)
    documents = population(found.documents, unit).grouped(found.documents)
    low, high = bounds_of(metric)
    apart = low - high, high - low
    changing = varied(runs)
    rows = [{path: settings(run).get(path) for path in changing} for run in runs]
    out: list[Effect] = []
    for path, values in changing.items():
        reference = values[0]
        groups: dict[str, dict[str, int]] = {}
        for i, row in enumerate(rows):
            groups.setdefault(_rest(row, path), {})[json.dumps(row[path])] = i
        for value in values[1:]:
            pairs = [
                (group[json.dumps(value)], group[json.dumps(reference)])
                for group in groups.values()
                if json.dumps(value) in group and json.dumps(reference) in group
            ]
            if not pairs:
                continue
            one, other = (np.array(side) for side in zip(*pairs, strict=True))
            difference = (found.values[:, one] - found.values[:, other]).mean(axis=1)
            interval = mean_intervals(
                difference[:, None], found.clusters, documents=documents, bounds=apart, seed=seed
            )[0]
            mean = float(found.values[:, one].mean())
            out.append(Effect(path, value, reference, mean, interval, len(pairs)))
    return tuple(out)


def _rest(row: Mapping[str, Any], path: str) -> str:
    """All settings but one; with a kind, the other fields of its part go too, for they belong to it."""
    part = path.removesuffix("kind") if path.endswith(".kind") else path
    rest = {p: v for p, v in row.items() if not p.startswith(part)} if part != path else row
    return json.dumps({p: v for p, v in rest.items() if p != path}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Surface:
    """The means of a metric over two settings: `means[i][j]` at `ys[i]` and `xs[j]`, None where nothing was measured.

    Where several runs share a cell the best stands there; `runs[i][j]` is its fingerprint.
    """

    x: str
    y: str
    xs: tuple[Any, ...]
    ys: tuple[Any, ...]
    means: tuple[tuple[float | None, ...], ...]
    runs: tuple[tuple[str | None, ...], ...]


def surface(
    runs: Sequence[Run],
    metric: str = METRIC,
    x: str = "splitter.chunk_size",
    y: str = "splitter.overlap_share",
    where: Mapping[str, Any] | None = None,
) -> Surface:
    """A heat map of size and overlap, or of any two settings, over the runs whose settings are as `where` says."""
    rows = [settings(run) for run in runs]
    some = [i for i, row in enumerate(rows) if all(row.get(path) == value for path, value in (where or {}).items())]
    xs, ys = _axis(rows[i].get(x) for i in some), _axis(rows[i].get(y) for i in some)
    best: dict[tuple[str, str], tuple[float, str]] = {}
    values = _judged(runs, metric).values.mean(axis=0).tolist() if some else []
    for i in some:
        key = json.dumps(rows[i].get(y)), json.dumps(rows[i].get(x))
        best[key] = max(best.get(key, (-1.0, "")), (values[i], runs[i].fingerprint))
    cells = [[best.get((json.dumps(b), json.dumps(a))) for a in xs] for b in ys]
    means = tuple(tuple(cell[0] if cell else None for cell in line) for line in cells)
    return Surface(x, y, xs, ys, means, tuple(tuple(cell[1] if cell else None for cell in line) for line in cells))


def _axis(values: Iterable[Any]) -> tuple[Any, ...]:
    """The distinct values, numbers in order."""
    distinct = {json.dumps(v): v for v in values}.values()
    if all(isinstance(v, int | float) for v in distinct):
        return tuple(sorted(distinct))
    return tuple(distinct)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Questions × runs: `ranks[i][j]` is the rank of the first relevant hit for question i in run j, None for a miss.

    The hardest questions stand first: those that most runs miss, then those found latest.
    """

    questions: tuple[str, ...]
    runs: tuple[str, ...]
    ranks: tuple[tuple[int | None, ...], ...]


def matrix(runs: Sequence[Run]) -> Matrix:
    """The rank of the first relevant hit of every question in every run."""
    shared = set.intersection(*({q.id for q in run.questions} for run in runs)) if runs else set()
    ranks = {q.id: [] for q in runs[0].questions if q.id in shared} if runs else dict[str, list[int | None]]()
    for run in runs:
        for q in run.questions:
            if q.id in shared:
                ranks[q.id].append(q.rank)
    far = 1 + max((r for row in ranks.values() for r in row if r is not None), default=0)
    hard = {id: (sum(r is None for r in row), sum(r or far for r in row)) for id, row in ranks.items()}
    ids = sorted(ranks, key=lambda id: (-hard[id][0], -hard[id][1]))
    return Matrix(tuple(ids), tuple(run.fingerprint for run in runs), tuple(tuple(ranks[id]) for id in ids))
