"""What a sweep comes to: its runs, side by side on the questions that all of them answered."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import RunError
from workbench.golden import connected
from workbench.metrics import bounds_of
from workbench.records import Judging, Run, judging
from workbench.statistics import Comparison, compare, population
from workbench.sweeps.grids import Skipped

METRIC = "recall@1000tok"
"""What runs are compared by, unless said otherwise: at equal context, because fixed k favours big chunks."""


@dataclass(frozen=True, slots=True)
class Results:
    """The finished runs in the order of the grid; what was skipped and why; pipelines still to do, by fingerprint.

    `reused` runs were taken from the sweep's folder. `warnings` tell what was damaged and done again.
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
    where a run did not record it. `judging` is the rule about questions seen in training, as it was applied: its `note`
    stands beside every figure.
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
    """The runs' values on shared questions: those held out, those not, or (None) all.

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
    """The run's pipeline as path → value: `splitter.chunk_size`, `retriever.kind`, `k` … Lists as JSON text.

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
    """Path → its values in the order they first appear, for every setting in which the runs differ.

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
    """A name for each run: its label, and where another run has the same, the settings that tell them apart."""
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
