"""What an evaluation of a pipeline leaves behind: plain values, and their file with a checksum over every tidy row."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from workbench.atomic_files import replacing
from workbench.errors import RunError
from workbench.records.questions import Question
from workbench.records.training import Judging, judging
from workbench.specs import digest, fingerprint

PACKAGES = ("numpy", "faiss-cpu", "torch", "transformers", "sentence-transformers", "tokenizers", "bpe-openai", "scipy")
"""Packages whose versions may change a figure."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in a run. `cluster` is a number that questions with a common passage share, `tokens` is of its hits.

    `rank` is that of the first relevant hit, None without one. `held_out` questions do not choose a winner. `document`
    is a number that questions about one document share, None in runs that did not record it. `seen` marks a question
    on which a part of the pipeline was trained.
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

    `pipeline` is the mapping of its YAML file, `fingerprint` its identity, `corpus` and `golden` are the identities of
    what it was measured on; the golden set's is the same under every parser. `values` holds a tuple for each question,
    a number for each metric. Only `seconds` (stage → time) differ between equal runs on one machine. `measures` is the
    revision of the measures' definitions; runs of different revisions do not compare. `abstention` and `anatomy` are
    plain values, None where they were not computed. `training_known` is whether `seen` marks all questions that a part
    of the pipeline was trained on, None in older runs (then true without an adapter). `tokens_sent` are those of all
    chunks as a remote model reads them: 0 if nothing is sent, None if they were not counted.

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
        """Return (questions,) the values of a metric.

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
        """Which of its questions judge, and the remark to show beside its figures."""
        return judging([q.seen for q in self.questions], self.knows_training)

    @property
    def knows_training(self) -> bool:
        """Return whether it is known which questions the pipeline was trained on."""
        if self.training_known is not None:
            return self.training_known
        parts = self.pipeline.get("embedder", {}), self.pipeline.get("retriever", {})
        return not parts[0].get("adapter") or parts[1].get("kind") == "bm25"

    def mean(self, metric: str) -> float:
        """Return the mean of a metric over the questions that judge.

        Raises:
            RunError: it was not measured.
        """
        return float(self.column(metric)[np.array(self.judging.judges)].mean())

    @property
    def tokens_per_query(self) -> float:
        """Mean tokens of a question's hits at k."""
        return sum(q.tokens for q in self.questions) / len(self.questions)

    @property
    def seconds_in_all(self) -> float:
        """Of all stages together; what the store held took no time."""
        return sum(self.seconds.values())

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the tidy table: {pipeline, question, metric, budget, value}; budget "" where a metric has none."""
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
        """Return the same run with these questions, and no others, held out."""
        some = frozenset(held_out)
        if all(q.held_out == (q.id in some) for q in self.questions):
            return self
        return replace(self, questions=tuple(replace(q, held_out=q.id in some) for q in self.questions))


def golden_id(questions: Sequence[Question]) -> str:
    """Return the identity of a golden set: its questions and the text of their passages, not its offsets."""
    rows = [
        [q.id, q.text, q.answerable, [r.quote for r in q.references], [[lost.document, lost.quote] for lost in q.lost]]
        for q in questions
    ]
    return fingerprint(rows)


def environment() -> dict[str, str]:
    """Return what else a figure may depend on: Python, the number of processors, and the versions of packages."""
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


VERSION = 1
"""Version of the file's form, under its key `workbench`."""

LARGEST = 256_000_000
"""Bytes that a run's file may have."""

_DEEPEST = 12  # levels of nesting in the plain values that a run carries
_PLAIN = ("pipeline", "seconds", "environment", "abstention", "anatomy")
_TEXTS = ("fingerprint", "label", "corpus", "golden", "definitions")
_COUNTS = ("unanswerable", "chunks", "index_bytes", "seed")
_KEYS = {"workbench", "metrics", "questions", "rows", "checksum", *_PLAIN, *_TEXTS, *_COUNTS}
_LATER = {"measures", "training_known", "tokens_sent"}
"""Keys that files of earlier versions lack; their values are then the defaults of `Run`."""


def run_to_json(run: Run) -> bytes:
    """Return the file's bytes: one JSON object {workbench, …, questions, rows, checksum}, the same for the same run."""
    data: dict[str, Any] = {"workbench": VERSION}
    for f in fields(run):
        if f.name == "questions":
            data["questions"] = [asdict(q) | {"tags": list(q.tags)} for q in run.questions]
        elif f.name == "values":
            data["rows"] = list(run.rows())
        elif f.name == "metrics":
            data["metrics"] = list(run.metrics)
        else:
            data[f.name] = getattr(run, f.name)
    try:
        data["checksum"] = _checksum(data)
        return json.dumps(data, ensure_ascii=True, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise RunError(f"the run of {run.label} cannot be written as JSON: {error}") from None


def run_from_json(data: bytes) -> Run:
    """Return the run that a file's bytes hold, every part checked.

    Raises:
        RunError: not a run, a key too many or missing, a wrong type, or a checksum that does not fit.
    """
    if len(data) > LARGEST:
        raise RunError(f"the run has {len(data) / 1e6:,.0f} MB; at most {LARGEST / 1e6:,.0f} MB are read")
    try:
        row = json.loads(data.decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise RunError("not a run's file: it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise RunError(f"not a run's file, or cut short: {error.msg} at character {error.pos}") from None
    except (ValueError, RecursionError):
        raise RunError("not a run's file: a number is too long or not finite, or the nesting too deep") from None
    if not isinstance(row, dict):
        raise RunError("not a run's file: it must hold one object")
    if row.get("workbench") != VERSION or isinstance(row.get("workbench"), bool):
        raise RunError(f"workbench: {_short(row.get('workbench'))} is not a known form of runs; {VERSION} is read")
    if missing := sorted(_KEYS - set(row)):
        raise RunError(f"the run lacks {', '.join(missing)}")
    if unknown := sorted(set(row) - _KEYS - _LATER):
        raise RunError(f"a run has no key {_short(unknown[0])}")
    for key in _PLAIN:
        _check_plain(key, row[key])
    if row["checksum"] != _checksum({k: v for k, v in row.items() if k != "checksum"}):
        raise RunError("the run's checksum does not fit: the file was damaged or changed; evaluate the pipeline again")
    return _run(row)


def write_run(run: Run, path: Path) -> None:
    """Write the run's file whole or not at all, whoever else writes it.

    Raises:
        RunError: the folder cannot be written.
    """
    write_whole(path, run_to_json(run))


def read_run(path: Path) -> Run:
    """Return the run of a file.

    Raises:
        RunError: it cannot be opened or is not valid; the message names it.
    """
    try:
        if path.stat().st_size > LARGEST:  # before it is read into memory
            raise RunError(f"{path.name}: a run has at most {LARGEST / 1e6:,.0f} MB")
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: the run cannot be opened ({error.strerror or error})") from None
    try:
        return run_from_json(data)
    except RunError as error:
        raise RunError(f"{path.name}: {error}") from None


def write_whole(path: Path, data: bytes) -> None:
    """Put a file of these bytes in place at once: a reader sees the old one or the new one, never a part.

    Raises:
        RunError: the disk refuses.
    """
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"{path}: it cannot be written ({reason}); free space or choose another folder") from None


def _run(row: dict[str, Any]) -> Run:
    for keys, fits, wanted in _CHECKS:
        for key in keys:
            if key in row and not fits(row[key]):
                raise RunError(f"{key} must be {wanted}, not {_short(row[key])}")
    if not all(_is_number(v) for v in row["seconds"].values()):
        raise RunError("seconds must be numbers")
    if not all(isinstance(v, str) for v in row["environment"].values()):
        raise RunError("environment must be texts")
    metrics = row["metrics"]
    if not isinstance(metrics, list) or not all(isinstance(m, str) for m in metrics):
        raise RunError("metrics must be a list of names")
    questions = _questions(row["questions"])
    values = _values(row["rows"], row["fingerprint"], questions, metrics)
    rest = {key: row[key] for key in (*_TEXTS, *_COUNTS, *_PLAIN, *_LATER) if key in row}
    return Run(metrics=tuple(metrics), questions=questions, values=values, **rest)


def _questions(rows: Any) -> tuple[Asked, ...]:
    if not isinstance(rows, list):
        raise RunError("questions must be a list")
    known = {f.name for f in fields(Asked)}
    later = {"document", "seen"}  # files of earlier versions lack these
    out = []
    for i, row in enumerate(rows, 1):
        if not isinstance(row, dict) or set(row) | later != known:
            raise RunError(f"question {i} must have the keys {', '.join(sorted(known))}")
        tags = row["tags"]
        fits = (
            isinstance(row["id"], str)
            and _is_count(row["cluster"])
            and _is_count(row["tokens"])
            and (row["rank"] is None or (_is_count(row["rank"]) and row["rank"] > 0))
            and isinstance(row["held_out"], bool)
            and isinstance(row.get("seen", False), bool)
            and (row.get("document") is None or _is_count(row["document"]))
            and isinstance(tags, list)
            and all(isinstance(tag, str) for tag in tags)
        )
        if not fits:
            raise RunError(f"question {i} ({_short(row['id'])}) has a value of the wrong kind")
        out.append(Asked(**row | {"tags": tuple(tags)}))
    return tuple(out)


def _values(
    rows: Any, fingerprint: str, questions: tuple[Asked, ...], metrics: list[str]
) -> tuple[tuple[float, ...], ...]:
    """Return the tidy rows as a table; they must be complete and in its order."""
    if not isinstance(rows, list) or len(rows) != len(questions) * len(metrics):
        raise RunError(f"rows must be {len(questions)} questions × {len(metrics)} metrics")
    values = []
    for at, (row, (question, metric)) in enumerate(zip(rows, product(questions, metrics), strict=True), 1):
        measure, _, budget = metric.partition("@")
        wanted = {"pipeline": fingerprint, "question": question.id, "metric": measure, "budget": budget}
        if not isinstance(row, dict) or {k: v for k, v in row.items() if k != "value"} != wanted:
            raise RunError(f"row {at} must be {measure} of question {_short(question.id)}")
        if not _is_number(row.get("value")):
            raise RunError(f"row {at} must hold a finite number, not {_short(row.get('value'))}")
        values.append(float(row["value"]))
    return tuple(tuple(values[i : i + len(metrics)]) for i in range(0, len(values), len(metrics) or 1))


def _check_plain(name: str, value: Any, depth: int = 0) -> None:
    """Refuse numbers that are not finite, and nesting without end: pages walk through these values."""
    if depth > _DEEPEST:
        raise RunError(f"{name} is nested deeper than {_DEEPEST} levels")
    if isinstance(value, float) and not isfinite(value):
        raise RunError(f"{name} holds a number that is not finite")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_plain(name, part, depth + 1)


def _checksum(data: Mapping[str, Any]) -> str:
    """Return the sha256 of the canonical JSON."""
    return digest(json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode())


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


_CHECKS: tuple[tuple[tuple[str, ...], Callable[[Any], bool], str], ...] = (
    (_TEXTS, lambda value: isinstance(value, str), "text"),
    (_COUNTS, _is_count, "a whole number of at least 0"),
    (("pipeline", "seconds", "environment"), lambda value: isinstance(value, dict), "a mapping"),
    (("abstention", "anatomy"), lambda value: isinstance(value, dict | None), "a mapping or null"),
    (("measures",), _is_count, "a whole number of at least 0"),
    (("training_known",), lambda value: isinstance(value, bool | None), "true, false or null"),
    (("tokens_sent",), lambda value: value is None or _is_count(value), "a whole number of at least 0 or null"),
)
"""Keys of a run's file, whether a value fits, and what is expected."""


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _short(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, str | int | float | bool | None) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}…"
