"""What a pipeline gives, compared with what its export gives, and what that comparison could not have seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from workbench.pipelines import Pipeline
from workbench.retrievers import Collection
from workbench.vectors import Vectors

COSINE = 0.9999
"""Two vectors of a chunk with at least this cosine count as equal."""

SAME_SCORE = 2e-6
"""Scores that differ by no more count as equal: a float32 sum differs by as much with the order of its terms."""

_SHOWN = 20  # differences of one kind that are listed


@dataclass(frozen=True, slots=True)
class Dump:
    """What a pipeline gives: its chunks in order, their vectors, and the hits of each query as rows of the chunks.

    `places` has document, start, end of each chunk; start and end are None where the target does not know them.
    """

    places: tuple[tuple[str, int | None, int | None], ...]
    headers: tuple[str, ...]
    hashes: tuple[str, ...]
    vectors: Vectors | None
    hits: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was compared: how many, how many differed, and a note where it could not be compared."""

    name: str
    compared: int
    different: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the export and the workbench differ, what each has, and why."""

    check: str
    where: str
    ours: str
    theirs: str
    cause: str


Ranks = dict[str, dict[int, float]]
"""Query → the score of each row that the workbench ranks well beyond k."""


def compare(ours: Dump, theirs: Dump, ranks: Ranks, cause: str) -> tuple[list[Check], list[Difference]]:
    """Return the checks of boundaries, texts, vectors and hits, and what differed; `cause` explains each."""
    checks, out = [], []
    n, other = len(ours.hashes), len(theirs.hashes)
    if n != other:
        out.append(Difference("chunks", "number of chunks", str(n), str(other), cause))
    checks.append(Check("chunks", max(n, other), abs(n - other)))
    blind = bool(theirs.places) and theirs.places[0][1] is None
    both = min(n, other)
    wrong = [] if blind else [i for i in range(both) if _place(ours, i) != _place(theirs, i)]
    note = "the target does not know where its chunks stand; their texts are compared, in order" if blind else ""
    checks.append(Check("boundaries", 0 if blind else both, len(wrong), note))
    out += [
        Difference("boundaries", f"chunk {i}", str(_place(ours, i)), str(_place(theirs, i)), cause)
        for i in wrong[:_SHOWN]
    ]
    texts = [
        i for i in range(both)
        if (ours.hashes[i], ours.places[i][0]) != (theirs.hashes[i], theirs.places[i][0])
    ]  # fmt: skip
    checks.append(Check("text hashes", both, len(texts)))
    out += [
        Difference("text hashes", f"chunk {i}", ours.hashes[i][:12], theirs.hashes[i][:12], cause)
        for i in texts[:_SHOWN]
    ]
    aligned = n == other and not texts
    if ours.vectors is not None and theirs.vectors is not None:
        check, more = _vectors(ours, theirs, cause) if aligned else (Check("vectors", 0, 0, "chunks differ"), [])
        checks.append(check)
        out += more
    if ours.hits or theirs.hits:
        check, more = _hits(ours, theirs, ranks, cause) if aligned else (Check("hits", 0, 0, "chunks differ"), [])
        checks.append(check)
        out += more
    return checks, out


def _place(dump: Dump, i: int) -> tuple[Any, ...]:
    return (*dump.places[i], dump.headers[i])


def _vectors(ours: Dump, theirs: Dump, cause: str) -> tuple[Check, list[Difference]]:
    a, b = np.asarray(ours.vectors, np.float64), np.asarray(theirs.vectors, np.float64)
    if a.shape != b.shape:
        shapes = Difference("vectors", "shape", str(a.shape), str(b.shape), "another model, or another truncation")
        return Check("vectors", len(a), len(a)), [shapes]
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines = np.divide((a * b).sum(axis=1), lengths, out=np.ones(len(a)), where=lengths > 0)
    one_empty = (lengths == 0) & (np.linalg.norm(a - b, axis=1) > 0)
    cosines[one_empty] = 0.0
    wrong = np.flatnonzero(~(cosines >= COSINE))
    lowest = f"lowest cosine {cosines.min(initial=1.0):.6f}"
    out = [
        Difference("vectors", f"chunk {i}", "cosine 1", f"cosine {cosines[i]:.6f}", cause)
        for i in wrong[:_SHOWN].tolist()
    ]
    return Check("vectors", len(a), len(wrong), lowest), out


def _hits(ours: Dump, theirs: Dump, ranks: Ranks, cause: str) -> tuple[Check, list[Difference]]:
    out, ties = [], 0
    for query, want in ours.hits.items():
        got = theirs.hits.get(query)
        if got == want:
            continue
        if got is not None and same_hits(ours, ranks, query, got):
            ties += 1
        else:
            shown = "none" if got is None else str(list(got))
            out.append(Difference("hits", query, str(list(want)), shown, cause))
    note = f"{ties} differ in the order of equal scores alone" if ties else ""
    return Check("hits", len(ours.hits), len(out), note), out


def same_hits(ours: Dump, ranks: Ranks, query: str, got: Sequence[int]) -> bool:
    """Return whether these hits count as the workbench's own: the same, or others of equal score at the same ranks."""
    return tuple(got) == ours.hits[query] or _only_ties(ours.hits[query], got, ranks.get(query, {}))


def _only_ties(want: Sequence[int], got: Sequence[int], scores: dict[int, float]) -> bool:
    """Return whether both have chunks of the same score at each rank."""
    if len(want) != len(got) or len(set(got)) != len(got):
        return False
    return all(b in scores and abs(scores[a] - scores[b]) <= SAME_SCORE for a, b in zip(want, got, strict=True))


STEPS = (1.1, 1.25, 1.5, 2.0, 4.0)
"""Factors by which a parameter is tried too large; `_DOWN` are those by which it is tried too small."""

_DOWN = (0.9, 0.75, 0.5, 0.25, 0.0)

MOST = 50_000
"""The most chunks for which this is tried: each BM25 parameter needs an index of its own."""

Hits = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Escape:
    """A range of a parameter, `low` to `high` around its own `value`, that gives the same hits on so many questions.

    Equal ends: no other value does. `seen` are the nearest tried values below and above that give other hits; None
    where the parameter's limit was reached first.
    """

    parameter: str
    value: float
    low: float
    high: float
    seen: tuple[float | None, float | None]
    questions: int

    @property
    def sentence(self) -> str:
        """`k1 from 0.75 to 3 instead of 1.5 would have given the same hits on these 4 questions; 6 would not.`"""
        these = f"these {self.questions:,} questions" if self.questions != 1 else "this question"
        shown = " or ".join(f"{value:g}" for value in self.seen if value is not None)
        if self.low == self.high:
            return f"{self.parameter} of {shown} instead of {self.value:g} would have given other hits on {these}."
        if self.value in (self.low, self.high):
            much = f"of {self.high if self.low == self.value else self.low:g}"
        else:
            much = f"from {self.low:g} to {self.high:g}"
        told = f"{self.parameter} {much} instead of {self.value:g} would have given the same hits on {these}"
        return f"{told}; {shown} would not." if shown else f"{told}, and so would any other."


def escapes(
    rows: Collection, pipeline: Pipeline, hits: Hits, same: Callable[[str, Sequence[int]], bool]
) -> tuple[Escape, ...]:
    """Return how far off each number of the retriever could be, alone, without a change of the hits.

    `same(query, hits)` says whether hits count as equal. Values are tried outwards from the parameter's own, until the
    first change. Empty without questions, for a cross-encoder, and beyond `MOST` chunks.
    """
    retriever = pipeline.retriever
    if not hits or retriever.kind == "rerank" or len(rows) > MOST:
        return ()

    def unchanged(name: str, value: float) -> bool:
        change: dict[str, Any] = {name: value}
        other: Any = replace(retriever, **change)
        return all(same(query, [hit.chunk for hit in other(rows, [query], pipeline.k)[0]]) for query in hits)

    out = []
    usual = type(retriever)()
    for f in fields(retriever):
        low, high, value = f.metadata.get("low"), f.metadata.get("high"), getattr(retriever, f.name)
        if low is None or high is None or isinstance(value, bool) or not _ranks(f.name, retriever):
            continue
        ends: list[float] = []
        seen: list[float | None] = []
        for factors in (_DOWN, STEPS):
            reached, changed = value, None
            for factor in factors:
                base = value or (getattr(usual, f.name) if factors is STEPS else 0)
                tried = type(value)(min(max(base * factor, low), high))
                if tried == reached:
                    continue
                if not unchanged(f.name, tried):
                    changed = tried
                    break
                reached = tried
            ends.append(reached)
            seen.append(changed)
        out.append(Escape(f.name, value, ends[0], ends[1], (seen[0], seen[1]), len(hits)))
    return tuple(out)


def _ranks(name: str, retriever: Any) -> bool:
    """Return whether the parameter has an effect on the ranking; of a fusion, only those of the kind that is set."""
    way = getattr(retriever, "fusion", "")
    return name != "window" and (name != "rrf_k" or way == "rrf") and (name != "weight" or way in ("", "weighted"))
