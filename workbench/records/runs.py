"""A run: what an evaluation of a pipeline leaves behind, as plain values that can be kept, sent and compared."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import RunError
from workbench.records.questions import Question
from workbench.records.training import Judging, judging
from workbench.specs import fingerprint

PACKAGES = ("numpy", "faiss-cpu", "torch", "transformers", "sentence-transformers", "tokenizers", "bpe-openai", "scipy")
"""Whose versions may change a figure."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in a run. `cluster` numbers those that share a passage, `tokens` are those of its hits at k.

    `rank` is that of the first relevant hit, None where none was among the hits looked at. `held_out` questions have no
    say in choosing a winner. `document` numbers the questions about the same document, None in runs
    that did not record it. `seen` marks a question on which a part of the pipeline was trained.
    """

    id: str
    cluster: int
    tokens: int
    rank: int | None
    tags: tuple[str, ...] = ()
    held_out: bool = False
    document: int | None = None
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A pipeline measured on a golden set: the value of each metric for each answerable question.

    `pipeline` is the mapping of its YAML file, `fingerprint` its identity, `corpus` and `golden` the identities of what
    it was measured on; the golden set's is the same under every parser. `values` holds a tuple for each question, a
    number for each metric. `seconds` (stage → time) is all that differs between two runs of the same thing on the same
    machine. `measures` is the revision of the measures' definitions; runs of different revisions do not compare.
    `abstention` and `anatomy` are plain values of what was found beside the metrics, None where it was not
    looked for. `training_known` is whether `seen` marks all questions that a part of the pipeline was trained on; None
    in runs of before that was recorded, of which it is known where the pipeline has no adapter. `tokens_sent` are those
    of all chunks as a remote model reads them: 0 where nothing leaves, None where nobody counted.

    Raises:
        RunError: the parts do not fit each other, or a value is not a finite number.
    """

    pipeline: Mapping[str, Any]
    fingerprint: str
    label: str
    corpus: str
    golden: str
    definitions: str
    metrics: tuple[str, ...]
    questions: tuple[Asked, ...]
    values: tuple[tuple[float, ...], ...]
    unanswerable: int
    chunks: int
    index_bytes: int
    seed: int
    seconds: Mapping[str, float] = field(compare=False)
    environment: Mapping[str, str]
    abstention: Mapping[str, Any] | None = None
    anatomy: Mapping[str, Any] | None = None
    measures: int = 1
    training_known: bool | None = None
    tokens_sent: int | None = None

    def __post_init__(self) -> None:
        if not self.metrics or not self.questions:
            raise RunError("a run has at least one metric and one question")
        for what, names in (("metric", self.metrics), ("question", [q.id for q in self.questions])):
            if len(set(names)) < len(names):
                raise RunError(f"a run holds the {what} {_repeated(names)!r} twice")
        if len(self.values) != len(self.questions) or any(len(row) != len(self.metrics) for row in self.values):
            raise RunError(f"a run of {len(self.questions)} questions needs as many rows of {len(self.metrics)} values")
        if not all(isfinite(value) for row in self.values for value in row):
            raise RunError("a run's values must be finite numbers")

    def column(self, metric: str) -> NDArray[np.float64]:
        """(questions,) the values of a metric.

        Raises:
            RunError: it was not measured.
        """
        if metric not in self.metrics:
            raise RunError(f"{metric} was not measured in {self.label}; it has {', '.join(self.metrics)}")
        i = self.metrics.index(metric)
        return np.array([row[i] for row in self.values], np.float64)

    @property
    def clusters(self) -> NDArray[np.int64]:
        """(questions,) the number of each question's cluster."""
        return np.array([q.cluster for q in self.questions], np.int64)

    @property
    def documents(self) -> NDArray[np.int64] | None:
        """(questions,) the number of each question's document; None where the run did not record it."""
        numbers = [q.document for q in self.questions if q.document is not None]
        return np.array(numbers, np.int64) if len(numbers) == len(self.questions) else None

    @property
    def judging(self) -> Judging:
        """Which of its questions judge, and what must stand beside the figures."""
        return judging([q.seen for q in self.questions], self.knows_training)

    @property
    def knows_training(self) -> bool:
        """Whether it is known which questions the pipeline was trained on."""
        if self.training_known is not None:
            return self.training_known
        parts = self.pipeline.get("embedder", {}), self.pipeline.get("retriever", {})
        return not parts[0].get("adapter") or parts[1].get("kind") == "bm25"

    def mean(self, metric: str) -> float:
        """The mean of a metric over the questions that judge.

        Raises:
            RunError: it was not measured.
        """
        return float(self.column(metric)[np.array(self.judging.judges)].mean())

    @property
    def tokens_per_query(self) -> float:
        """Tokens of context that the pipeline hands over for a question, on average."""
        return sum(q.tokens for q in self.questions) / len(self.questions)

    @property
    def seconds_in_all(self) -> float:
        """Of all stages together, as they were: what the store held cost nothing."""
        return sum(self.seconds.values())

    def rows(self) -> Iterator[dict[str, Any]]:
        """The tidy table: {pipeline, question, metric, budget, value}; budget "" where a metric has none."""
        for question, values in zip(self.questions, self.values, strict=True):
            for name, value in zip(self.metrics, values, strict=True):
                measure, _, budget = name.partition("@")
                yield {
                    "pipeline": self.fingerprint,
                    "question": question.id,
                    "metric": measure,
                    "budget": budget,
                    "value": value,
                }

    def holding_out(self, held_out: Sequence[str] | frozenset[str] | set[str]) -> "Run":
        """The same run with these questions, and no others, held out."""
        some = frozenset(held_out)
        if all(q.held_out == (q.id in some) for q in self.questions):
            return self
        return replace(self, questions=tuple(replace(q, held_out=q.id in some) for q in self.questions))


def golden_id(questions: Sequence[Question]) -> str:
    """The identity of a golden set: its questions and the text of their passages, not where that stands."""
    rows = [
        [q.id, q.text, q.answerable, [r.quote for r in q.references], [[lost.document, lost.quote] for lost in q.lost]]
        for q in questions
    ]
    return fingerprint(rows)


def environment() -> dict[str, str]:
    """What else a figure may depend on: Python, the number of processors, and the versions of packages."""
    return dict(_environment())


@cache
def _environment() -> tuple[tuple[str, str], ...]:
    found = {"python": sys.version.split()[0], "platform": sys.platform, "cpus": str(os.cpu_count() or 0)}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return tuple(found.items())


def _repeated(names: Sequence[str]) -> str:
    return next(name for i, name in enumerate(names) if name in names[:i])
