"""What a comparison of hits could not have seen: wrong parameters of the retriever that give the same hits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from workbench.pipelines import Pipeline
from workbench.retrievers import Collection

STEPS = (1.1, 1.25, 1.5, 2.0, 4.0)
"""Factors by which a parameter is tried too large; too small by 0.9, 0.75, 0.5, 0.25 and at its least value."""

_DOWN = (0.9, 0.75, 0.5, 0.25, 0.0)

MOST = 50_000
"""Chunks up to which it is tried: each BM25 parameter needs an index of its own."""

Hits = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Escape:
    """From `low` to `high` each tried value of a parameter gives the same hits on so many questions as its own `value`.

    Equal ends: none does. `seen` are the nearest tried values, below and above, that give others; None where the
    parameter cannot be further from its own.
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
    """For each number by which the retriever ranks how far off it could be, alone, before its hits are others.

    `same(query, hits)` is the comparison's own judgement. From the value outwards the first change ends the search, so
    that with enough questions little is tried. Empty without questions, for a cross-encoder, and beyond `MOST` chunks.
    """
    retriever = pipeline.retriever
    if not hits or retriever.kind == "rerank" or len(rows) > MOST:
        return ()

    def unchanged(name: str, value: float) -> bool:
        other: Any = replace(retriever, **{name: value})
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
    """Whether the parameter ranks as the retriever is set: of a fusion, only those of its own way."""
    way = getattr(retriever, "fusion", "")
    return name != "window" and (name != "rrf_k" or way == "rrf") and (name != "weight" or way in ("", "weighted"))
