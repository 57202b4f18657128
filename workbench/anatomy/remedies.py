"""What to try next for an answer that was lost, as a value: the pages draw it as a button, commands as a line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.anatomy.causes import CAUSES
from workbench.anatomy.losses import SEEN
from workbench.anatomy.rankings import like
from workbench.metrics import budget
from workbench.pipelines import Pipeline, from_mapping, to_mapping
from workbench.retrievers import BM25, MAX_K, Dense, Hybrid
from workbench.specs import to_dict
from workbench.splitters.pieces import CHARACTERS

SIZES = (50, 75, 100, 150, 200, 300, 400, 500, 600, 800, 1000, 1200, 1600, 2000, 2400, 3200, 4000)
"""Chunk sizes that are proposed, in either unit."""

ROOM = 4 / 3
"""How much longer a chunk is proposed than passage and context together, since boundaries fall where they will."""

_CHARACTERS = 3  # of a token, at least: so many fit into a model's limit in most texts
_LIKELY = 0.5  # the share of a loss that hybrid retrieval must bring back to be proposed for it


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to try: `kind` is "change" or "sweep", `label` the words of its button.

    `change` maps paths such as `splitter.chunk_size` or `retriever` to the new value, for a sweep to the values that it
    compares.
    """

    kind: str
    label: str
    change: Mapping[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The label with the fields that change, for people who edit a pipeline file."""
        values = {path: value["kind"] if isinstance(value, dict) else value for path, value in self.change.items()}
        verb = "vary " if self.kind == "sweep" else ""
        return f"{self.label} ({verb}{', '.join(f'{path}: {_plain(value)}' for path, value in values.items())})"

    def applied(self, pipeline: Pipeline) -> Pipeline:
        """Return the pipeline with the change made.

        Raises:
            SpecError: the change does not fit it.
        """
        mapping = to_mapping(pipeline)
        for path, value in self.change.items():
            part, _, name = path.partition(".")
            mapping[part] = {**mapping[part], name: value} if name else value
        return from_mapping(mapping)


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause of lost answers in words, the mean recall lost for it, in how many questions, and what to try next."""

    cause: str
    words: str
    loss: float
    questions: int
    remedy: Remedy | None


def findings(causes: Mapping[str, Mapping[str, Any]], pipeline: Pipeline, within: str) -> list[Finding]:
    """Return the causes of `Anatomy.causes` as findings, the largest loss first, without those below `SEEN`."""
    out = []
    for cause, about in causes.items():
        if (loss := about["loss"]) >= SEEN:
            what = remedy(cause, about, pipeline, within)
            out.append(Finding(cause, in_words(cause, about), loss, len(about["questions"]), what))
    return sorted(out, key=lambda finding: -finding.loss)


def in_words(cause: str, about: Mapping[str, Any]) -> str:
    """Return a cause in words, with what was found in part, or by which ranking it was tried."""
    if about.get("tried") == "bm25":
        return f"{CAUSES[cause]} (tried with BM25)"
    some = {"dense": about.get("dense") or 0.0, "BM25": about.get("bm25") or 0.0}
    partly = [f"{name} {found:.2f}" for name, found in some.items() if found >= SEEN]
    return f"{CAUSES[cause]} (in part by {', '.join(partly)})" if partly else CAUSES[cause]


def remedy(cause: str, about: Mapping[str, Any], pipeline: Pipeline, within: str) -> Remedy | None:
    """Return what to try next for a cause of lost answers; None where no setting can help.

    `about` is the entry of `Anatomy.causes`, `within` the budget at which answers were lost.
    """
    own = pipeline.retriever
    if cause in ("cut", "severed"):
        return _larger(pipeline, int(about.get("size", pipeline.splitter.chunk_size)), about.get("tried") == "bm25")
    if cause == "truncated":
        return _smaller(pipeline)
    if cause == "parse":
        parser = about.get("parser")
        return Remedy("change", f"Try the parser {parser}", {"parser": {"kind": parser}}) if parser else None
    if cause == "index":
        return Remedy("change", "Try an exact index", {"index": {"kind": "flat", "metric": pipeline.index.metric}})
    if cause == "budget":
        of = budget(within)
        more = 2 * of.amount
        return None if of.tokens or more > MAX_K else Remedy("change", f"Try k {more}", {"k": more})
    likely = cause in ("bm25", "dense") or about.get("hybrid", 0.0) >= _LIKELY * about["loss"]
    if likely and isinstance(own, BM25 | Dense):
        return Remedy("change", "Try hybrid", {"retriever": to_dict(like(own, Hybrid))})
    return Remedy("sweep", "Sweep retrievers", {"retriever": ["bm25", "dense", "hybrid", "mmr"]})


def _larger(pipeline: Pipeline, size: int, lexical: bool) -> Remedy:
    """Return a chunk size that holds passage and context, as far as the model reads; headers where it reads no more.

    `lexical`: it was BM25 that found them together, so a retriever by vectors alone becomes hybrid.
    """
    splitter = pipeline.splitter
    wanted = next((n for n in SIZES if n >= ROOM * size and n > splitter.chunk_size), SIZES[-1])
    limit = _limit(pipeline)
    if limit is not None and wanted > limit:
        wanted = max((n for n in SIZES if n <= limit), default=0)
    if wanted <= splitter.chunk_size:
        headers = {"splitter.header": ["none", "path"], "retriever": ["bm25", "dense", "hybrid"]}
        return Remedy("sweep", "Sweep headers and retrievers", headers)
    change: dict[str, Any] = {"splitter.chunk_size": wanted}
    if lexical and isinstance(pipeline.retriever, Dense):
        change["retriever"] = to_dict(like(pipeline.retriever, Hybrid))
    also = " with hybrid" if "retriever" in change else ""
    return Remedy("change", f"Try {wanted:,} {splitter.unit}{also}", change)


def _smaller(pipeline: Pipeline) -> Remedy | None:
    """Return the largest chunk size of which the model reads all."""
    limit, splitter = _limit(pipeline), pipeline.splitter
    wanted = max((n for n in SIZES if n <= (limit or 0) and n < splitter.chunk_size), default=0)
    if not wanted:
        return None
    change = {"splitter.chunk_size": wanted}
    if splitter.chunk_overlap >= wanted:
        change["splitter.chunk_overlap"] = wanted // 10
    return Remedy("change", f"Try {wanted:,} {splitter.unit}", change)


def _limit(pipeline: Pipeline) -> int | None:
    """Return what the model reads of a chunk, about, in the splitter's unit; None where that is no limit."""
    limit = pipeline.embedder.max_tokens if pipeline.retriever.needs_vectors else None
    return limit * _CHARACTERS if limit is not None and pipeline.splitter.unit == CHARACTERS else limit


def _plain(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
