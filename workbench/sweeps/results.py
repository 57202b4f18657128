"""Runs side by side: their values on shared questions, what each setting does, quality against cost."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import RunError
from workbench.golden import connected
from workbench.metrics import bounds_of
from workbench.records import Judging, Run, judging
from workbench.statistics import Comparison, Interval, compare, mean_intervals, population
from workbench.sweeps.grid import Skipped

METRIC = "recall@1000tok"
"""What runs are compared by, unless said otherwise: at equal context, because fixed k favours big chunks."""


@dataclass(frozen=True, slots=True)
class Results:
    """The finished runs in the order of the grid; what was skipped and why; pipelines still to do, by fingerprint.

    `reused` runs came from the sweep's folder. `warnings` name what was damaged and measured again.
    """

    runs: tuple[Run, ...]
    skipped: tuple[Skipped, ...] = ()
    pending: tuple[str, ...] = ()
    reused: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """(questions, runs) values on the questions that all runs share, with their ids.

    `clusters` and `documents` (questions,) number the questions that share a passage or a document; `documents` is None
    where a run did not record it. `judging` is the applied rule about questions seen in training; its `note` belongs
    beside every figure.
    """

    questions: tuple[str, ...]
    values: NDArray[np.float64]
    clusters: NDArray[np.int64]
    documents: NDArray[np.int64] | None
    judging: Judging

    def compare(self, metric: str, unit: str | None = None, seed: int = 0) -> Comparison:
        """Compare the first run with the second, by default as a figure about documents like these where it can."""
        of = population(self.documents, unit).grouped(self.documents)
        a, b = self.values[:, 0], self.values[:, 1]
        return compare(a, b, self.clusters, documents=of, bounds=bounds_of(metric), seed=seed)


def aligned(runs: Sequence[Run], metric: str, held_out: bool | None = None) -> Aligned:
    """Return the runs' values on shared questions: those held out, those not, or (None) all.

    Questions that any of the runs has seen in training are left out, as `records.judging` says. Questions that share a
    passage in any of the runs are one cluster. There may be no question at all.

    Raises:
        RunError: no run, a metric that was not measured, or runs without a question in common; runs measured by
            different definitions, or by different revisions of them.
    """
    if not runs:
        raise RunError("there is no run to look at")
    check_measures(runs)
    shared = set.intersection(*({q.id for q in run.questions} for run in runs))
    if not shared:
        raise RunError("the runs have no question in common: they are of different golden sets")
    apart = {q.id for q in runs[0].questions if q.held_out}
    ids = [q.id for q in runs[0].questions if q.id in shared and held_out in (None, q.id in apart)]
    seen = {q.id for run in runs for q in run.questions if q.seen}
    rule = judging([id in seen for id in ids], all(run.knows_training for run in runs))
    ids = [id for id, judges in zip(ids, rule.judges, strict=True) if judges]
    columns = []
    for run in runs:
        place = {q.id: i for i, q in enumerate(run.questions)}
        columns.append(run.column(metric)[[place[id] for id in ids]])
    documents = [run.documents for run in runs]
    known = [numbers for numbers in documents if numbers is not None]
    return Aligned(
        tuple(ids),
        np.stack(columns, axis=1),
        _joined(runs, [run.clusters for run in runs], ids),
        _joined(runs, known, ids) if len(known) == len(runs) else None,
        rule,
    )


def check_measures(runs: Sequence[Run], now: int | None = None) -> None:
    """Refuse runs whose measures mean different things.

    Raises:
        RunError: the runs have different definitions, or different revisions of them; or, where `now` is the revision
            that will be measured by, another than this.
    """
    if len(whose := {run.definitions for run in runs}) > 1:
        raise RunError(f"the runs have the definitions of {' and of '.join(sorted(whose))}, which do not compare")
    newest = max([run.measures for run in runs] if now is None else [now])
    # Chroma's definitions are as published, whatever became of ours.
    old = [run for run in runs if run.measures != newest and run.definitions != "chroma"]
    if old:
        more = f" and {len(old) - 1:,} more" if len(old) > 1 else ""
        raise RunError(
            f"{old[0].label}{more} was measured by revision {old[0].measures} of the measures, and revision {newest} "
            "defines some of them otherwise, so they do not compare: measure it again "
            "(evaluate --out RUN.json, or the same sweep once more)"
        )


def _joined(runs: Sequence[Run], groups: Sequence[NDArray[np.int64]], ids: Sequence[str]) -> NDArray[np.int64]:
    """Return (ids,) the groups of all runs joined: two questions share one if a chain of runs' groups links them."""
    place = {id: i for i, id in enumerate(ids)}
    links: list[tuple[int, int]] = []
    seen = {tuple(zip((q.id for q in run.questions), group.tolist(), strict=True)) for run, group in zip(runs, groups)}
    for pairs in seen:
        first: dict[int, int] = {}
        links += [(place[id], first.setdefault(number, place[id])) for id, number in pairs if id in place]
    return connected(len(ids), links)


def settings(run: Run) -> dict[str, Any]:
    """Return the run's pipeline as path → value: `splitter.chunk_size`, `retriever.kind`, `k` … Lists as JSON text.

    `splitter.overlap_share` is the overlap in per cent of the size, rounded: what a surface of sizes is laid over.
    """
    out: dict[str, Any] = {}
    for part, value in run.pipeline.items():
        if part == "workbench":
            continue
        for name, one in value.items() if isinstance(value, dict) else [("", value)]:
            plain = one if isinstance(one, str | int | float | bool | None) else json.dumps(one, sort_keys=True)
            out[f"{part}.{name}" if name else part] = plain
    size, overlap = out.get("splitter.chunk_size"), out.get("splitter.chunk_overlap")
    if isinstance(size, int) and isinstance(overlap, int) and size > 0:
        out["splitter.overlap_share"] = round(100 * overlap / size)
    return out


def varied(runs: Sequence[Run]) -> dict[str, tuple[Any, ...]]:
    """Return path → values in order of appearance, for every setting in which the runs differ.

    The overlap appears once: as a share of the size where the runs have fewer shares than overlaps.
    """
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        for path, value in settings(run).items():
            found.setdefault(path, {})[json.dumps(value)] = value
    out = {path: tuple(values.values()) for path, values in found.items() if len(values) > 1}
    share, overlap = "splitter.overlap_share", "splitter.chunk_overlap"
    if overlap in out:
        out.pop(overlap if len(out.get(share, ())) and len(out[share]) < len(out[overlap]) else share, None)
    return out


def names(runs: Sequence[Run]) -> tuple[str, ...]:
    """Name each run by its label; where another run has the same, by the settings that tell them apart too."""
    labels = [run.label for run in runs]
    if len(set(labels)) == len(labels):
        return tuple(labels)
    rows = [settings(run) for run in runs]
    paths = [
        p for p in varied(runs) if p not in ("splitter.chunk_size", "splitter.chunk_overlap", "splitter.overlap_share")
    ]
    paths = [p for p in paths if p not in ("splitter.kind", "retriever.kind", "embedder.model", "embedder.kind")]
    out = []
    for label, row in zip(labels, rows, strict=True):
        same = labels.count(label) > 1
        out.append(
            " · ".join(
                [label, *(f"{p} {row[p]}" for p in paths if p in row and row[p] is not None)] if same else [label]
            )
        )
    return tuple(out)


@dataclass(frozen=True, slots=True)
class Point:
    """A run's mean quality and its cost; `best` where no other run is as good for less, or better for as much."""

    fingerprint: str
    quality: float
    cost: float
    best: bool


def pareto(runs: Sequence[Run], costs: Sequence[float], metric: str = METRIC) -> tuple[Point, ...]:
    """Return each run as a point, in order; `costs` holds one number per run (see `run_costs.costs_for`)."""
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
    """Return the values on the questions that judge.

    Raises:
        RunError: as `aligned`, or every question is held out.
    """
    found = aligned(runs, metric, held_out=False)
    if not found.questions:
        raise RunError("every question is held out: none is left to choose by")
    return found


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a setting's value against `reference`, its first value: the mean difference over `pairs` of runs
    that are equal in all else, with its interval; `mean` is that of the matched runs with this value.
    """

    path: str
    value: Any
    reference: Any
    mean: float
    difference: Interval
    pairs: int


def effects(runs: Sequence[Run], metric: str = METRIC, unit: str | None = None, seed: int = 0) -> tuple[Effect, ...]:
    """Return the marginal effect of every value of every varied setting, where runs can be matched.

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
    """Return all settings but one as a key; for a kind, without the other fields of its part, which belong to it."""
    part = path.removesuffix("kind") if path.endswith(".kind") else path
    rest = {p: v for p, v in row.items() if not p.startswith(part)} if part != path else row
    return json.dumps({p: v for p, v in rest.items() if p != path}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Surface:
    """The means of a metric over two settings: `means[i][j]` at `ys[i]` and `xs[j]`, None where nothing was measured.

    Where several runs share a cell it holds the best; `runs[i][j]` is its fingerprint.
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
    """Return a heat map of size and overlap, or of any two settings, over the runs that match `where`."""
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
    """Return the distinct values, numbers in order."""
    distinct = {json.dumps(v): v for v in values}.values()
    if all(isinstance(v, int | float) for v in distinct):
        return tuple(sorted(distinct))
    return tuple(distinct)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Questions × runs: `ranks[i][j]` is the rank of the first relevant hit for question i in run j, None for a miss.

    The hardest questions come first: those that most runs miss, then those found latest.
    """

    questions: tuple[str, ...]
    runs: tuple[str, ...]
    ranks: tuple[tuple[int | None, ...], ...]


def matrix(runs: Sequence[Run]) -> Matrix:
    """Return the rank of the first relevant hit of every question in every run."""
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
