"""A question's ladder of recalls: how much gold is left after each step from the file to the hits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workbench.anatomy.best_cover import Blanks, GoldLine, best_in_tokens, best_units, best_windows
from workbench.metrics import Budget
from workbench.spans import Ranges, Span, lengths

STEPS: dict[str, str] = {
    "parse": "parser",
    "budget": "budget",
    "boundary": "boundaries",
    "ranking": "ranking",
    "index": "index",
}
"""The steps at which recall is lost, from the file to the hits, each with its word for people."""


class Counting(Protocol):
    """Tokens of text, in which a budget is counted."""

    def offsets(self, text: str, /) -> Ranges:
        """Return (n, 2) the range of each token of a text."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Gold characters that are left at each rung: R0 to R5. The losses between two rungs sum to `gold − found`.

    `gold` are all, those of passages without a place included; `present` those in the parsed text; `windows` is the
    most that freely placed text within the budget holds; `units` the most that what the pipeline can return holds;
    `exact` what its hits hold with an exact index; `found` what they hold as run, which may be more than `exact`.
    gold ≥ present ≥ windows ≥ units ≥ exact, and units ≥ found. `settled` is False where `units` is an upper bound,
    so that a part of the boundaries' loss may belong to the ranking. `best` are units that hold as much as `units`.
    `severed`, at most units − exact, is what units hold and the ranking lost because a boundary parts it from its
    context: it counts as lost to boundaries.
    """

    gold: int
    present: int
    windows: int
    units: int
    exact: int
    found: int
    best: tuple[Span, ...] = ()
    settled: bool = True
    severed: int = 0

    @property
    def rungs(self) -> tuple[int, ...]:
        """The gold characters of R0 to R5."""
        return self.gold, self.present, self.windows, self.units - self.severed, self.exact, self.found

    @property
    def recalls(self) -> tuple[float, ...]:
        """R0 = 1 down to R5, the recall as run."""
        return tuple(rung / self.gold for rung in self.rungs)

    @property
    def losses(self) -> dict[str, float]:
        """Step → recall lost there, in the order of `STEPS`; together 1 − recall. That of the index may be below 0."""
        rungs = self.rungs
        return {step: (a - b) / self.gold for step, a, b in zip(STEPS, rungs[:-1], rungs[1:], strict=True)}


def ladder(
    gold: Sequence[Span],
    lost: int,
    units: Mapping[str, Ranges],
    exact: Sequence[Span],
    found: Sequence[Span],
    k: int,
    longest: int | None = None,
    blanks: Blanks | None = None,
) -> Ladder:
    """Return the ladder of a question within a budget of k hits.

    `lost` are the characters of its passages that have no place in the text. `units` (document → ranges) is all that
    the pipeline can return: its chunks, or what its retriever makes of them. `exact` and `found` are its hits with an
    exact index and as run. `longest` is the length of the longest unit, if known. White space at `blanks` is not gold.

    The rungs fall by construction. At most k hits are at most k units, and so hold no more than the best k units:
    found, exact ≤ units. Each unit lies inside a free window of the longest unit's length: units ≤ windows. Where hits
    are merged from several units, they may hold the blanks between them too; then what they hold is the most.

    Raises:
        ValueError: the question has no gold, or there are more than k hits.
    """
    if max(len(exact), len(found)) > k:
        raise ValueError(f"{len(exact)} and {len(found)} hits are more than the budget of {k}")
    line = _line(gold, lost, blanks)
    held, found_held = line.held(exact), line.held(found)
    if line.length == 0:
        return Ladder(lost, 0, 0, 0, 0, 0)
    holders = line.holders(units)
    most, rows = best_units(line.places(holders), k)
    most, best = _or_hits(line, most, [holders[i] for i in rows], [exact, found])
    if longest is None:
        longest = max((int((u[:, 1] - u[:, 0]).max()) for u in units.values() if len(u)), default=0)
    longest = max([longest, *(len(s) for s in holders)])
    windows = max(best_windows(line.apart(longest), k, longest), most)
    return Ladder(line.length + lost, line.length, windows, most, held, found_held, best)


def token_ladder(
    gold: Sequence[Span],
    lost: int,
    units: Mapping[str, Ranges],
    exact: Sequence[Span],
    found: Sequence[Span],
    limit: int,
    text: Callable[[Span], str],
    tokens: Counting,
    blanks: Blanks | None = None,
) -> Ladder:
    """Return the ladder within a budget of `limit` tokens; `exact` and `found` are hits not yet cut to it.

    The free cover takes the gold's own text a token at a time, the tokens that hold most characters first. Text that a
    unit holds can split into tokens otherwise, at its ends, so the best units count as a free cover too: units ≤
    windows. The units' cover is that of any whole units and one cut, which a cut ranking is: exact, found ≤ units.

    Raises:
        ValueError: the question has no gold.
    """
    line = _line(gold, lost, blanks)
    if line.length == 0:
        return Ladder(lost, 0, 0, 0, 0, 0)
    counted = _Counted(text, tokens)
    parts = [counted.first(hits, limit) for hits in (exact, found)]
    holders = line.holders(units)

    def cut(i: int, n: int) -> int:
        return int(line.places([counted.cut(holders[i], n)])[0, 1])

    places = line.places(holders)
    most, rows, settled = best_in_tokens(places, [counted.size(s) for s in holders], limit, cut)
    most, best = _or_hits(line, most, [holders[i] for i in rows], parts)
    windows = max(counted.free(line, limit), most)
    held, found_held = (line.held(part) for part in parts)
    return Ladder(line.length + lost, line.length, windows, most, held, found_held, best, settled)


def within(hits: Sequence[Span], budget: Budget, text: Callable[[Span], str], tokens: Counting) -> list[Span]:
    """Return the hits within a budget, the last one cut to the tokens that are left."""
    return _Counted(text, tokens).first(hits, budget.amount) if budget.tokens else list(hits[: budget.amount])


def _line(gold: Sequence[Span], lost: int, blanks: Blanks | None) -> GoldLine:
    line = GoldLine.of(gold, blanks)
    if line.length + lost <= 0:
        raise ValueError("there is no gold to lose: unanswerable questions are counted apart")
    return line


def _or_hits(
    line: GoldLine, most: int, best: list[Span], rankings: Sequence[Sequence[Span]]
) -> tuple[int, tuple[Span, ...]]:
    """Return the most that units hold, and such units; merged hits where these hold more."""
    for hits in rankings:
        if (held := line.held(hits)) > most:
            most, best = held, [hit for hit in hits if line.held([hit])]
    return most, tuple(best)


class _Counted:
    """Spans in tokens, each counted once."""

    def __init__(self, text: Callable[[Span], str], tokens: Counting) -> None:
        self._text, self._tokens = text, tokens
        self._known: dict[Span, Ranges] = {}

    def offsets(self, span: Span) -> Ranges:
        if span not in self._known:
            self._known[span] = self._tokens.offsets(self._text(span))
        return self._known[span]

    def size(self, span: Span) -> int:
        """Return the tokens of a span's text."""
        return len(self.offsets(span))

    def cut(self, span: Span, n: int) -> Span:
        """Return the first n tokens of a span; a character that lies in two tokens goes with the second."""
        offsets = self.offsets(span)
        return Span(span.document, span.start, span.start + int(offsets[n, 0])) if n < len(offsets) else span

    def first(self, hits: Sequence[Span], limit: int) -> list[Span]:
        """Return the hits in rank order until the limit is full, the last one cut to fit."""
        out: list[Span] = []
        for hit in hits:
            if limit <= 0:
                break
            out.append(self.cut(hit, limit))
            limit -= self.size(hit)
        return out

    def free(self, line: GoldLine, limit: int) -> int:
        """Return the most gold characters that so many tokens of the gold's own text hold."""
        gains = [np.zeros(0, np.int64)]
        for document, own in line.texts.items():
            for start, end in own.tolist():
                starts = start + self.offsets(Span(document, start, end))[1:, 0]  # what is before a token goes with it
                edges = np.concatenate([[start], starts, [end]])
                gains.append(lengths(line.place(document, np.column_stack([edges[:-1], edges[1:]]))))
        sizes = np.sort(np.concatenate(gains))[::-1]
        return int(sizes[:limit].sum()) if len(sizes) > limit else line.length
