"""What a pipeline gives, compared with what its export gives: places, texts, vectors, hits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.exports.running import Dump

COSINE = 0.9999
"""The least cosine of a chunk's two vectors at which they count as equal."""

SAME_SCORE = 2e-6
"""Chunks whose scores differ by no more are of equal score: float32 sums differ by as much with their order."""

_SHOWN = 20  # differences of one kind that are told in full


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was compared: how many, and how many differed. A line for people where it could not be."""

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
    """The checks of boundaries, texts, vectors and hits, and what differed; `cause` where nothing nearer is known."""
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
    """Whether these hits count as the workbench's own: the same, or others of equal score in their places."""
    return tuple(got) == ours.hits[query] or _only_ties(ours.hits[query], got, ranks.get(query, {}))


def _only_ties(want: Sequence[int], got: Sequence[int], scores: dict[int, float]) -> bool:
    """Whether each place holds a chunk of the same score in both."""
    if len(want) != len(got) or len(set(got)) != len(got):
        return False
    return all(b in scores and abs(scores[a] - scores[b]) <= SAME_SCORE for a, b in zip(want, got, strict=True))
