"""A race of candidates on a golden set: few are measured exactly, and the best one is found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal, Protocol

import numpy as np

from workbench.sweeps.race_statistics import (
    Errors,
    Floats,
    Ints,
    RankAgreement,
    errors,
    farthest,
    leads,
    looks,
    rank_agreement,
    resolution,
    spread,
)

State = Literal["waiting", "preview", "part", "exact", "left out", "not decided"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of a candidate: means on the `asked` questions, None where there is none.

    "part": exact on a part of the questions; "exact": on all of them. "left out": it cannot beat the leader. "not
    decided": it could, and was not measured. Both have a `reason`.
    """

    state: State = "waiting"
    preview: float | None = None
    exact: float | None = None
    asked: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RaceStanding:
    """The state of a race. `leader` has the best exact mean so far, before that the best preview; None at first.

    `finished`: every candidate is measured on all questions, or has a reason why not. `spent` is the cost of all exact
    values and what preceded them, as a share of measuring each candidate by itself. `beyond` candidates are not decided
    because the budget does not cover them.
    """

    cells: tuple[Cell, ...]
    leader: int | None
    errors: Errors | None = None
    agreement: RankAgreement | None = None
    finished: bool = False
    spent: float = 0.0
    beyond: int = 0


def reason_for(size: int, questions: int, ahead: float, least: float, reach: float | None) -> str:
    """Say in figures why a candidate was left out."""
    part = f"{size} of {questions} questions" if size < questions else f"all {questions} questions"
    sure = f", at least {least:.3f}" if size < questions else ""
    if reach is None:
        return f"on {part} {ahead:.3f} behind the leader{sure}"
    return f"its preview is {ahead:.3f} behind the leader on {part}{sure}; previews are at most {reach:.3f} too low"


RISK = 0.05
"""Chance of naming a candidate that is not the best."""
PILOTS = 6
"""Candidates that are measured both ways."""
BUDGET = 0.1
"""Default share of the cost of embedding everything."""
APART = 0.75
"""Share of the largest possible distance at which a next pilot must lie; of those, the cheapest is taken."""
SHARES = (0.25, 0.5)
"""Shares of the questions at which candidates are dropped, before all of them."""
LEAST = 20
"""Questions in the first look, at least."""

Stage = Literal["surface", "pilots", "looks", "finals"]


class Track(Protocol):
    """What a race asks of its candidates: a value for each question, higher is better."""

    def has_preview(self, candidate: int) -> bool:
        """Return whether it has previews, which are cheaper than exact values."""

    def is_cheap(self, candidate: int) -> bool:
        """Return whether its exact values cost as little as a preview, so that it needs none."""

    def preview(self, candidate: int, questions: Ints) -> Floats:
        """Return (len(questions),) approximations of the exact values."""

    def exact(self, candidate: int, questions: Ints) -> Floats:
        """Return (len(questions),) exact values."""

    def price(self, candidate: int, measured: Sequence[int]) -> float:
        """Return the cost of its exact values once others are measured: reproducible, in any unit; 0 if cheap."""


@dataclass(frozen=True, slots=True)
class RaceRules:
    """When a race drops a candidate, and what it may spend.

    `seed` orders the questions. `pilots` candidates, spread over the surface, are measured both ways. `risk` is the
    chance of naming a candidate that is not the best: half may be the preview's fault, half that of a part of the
    questions. What could be better by no more than `tolerance` is not measured; None: by no more than the questions
    tell apart. `budget` is a share of the cost of measuring each candidate by itself; the pilots are measured in any
    case.
    """

    seed: int = 0
    pilots: int = PILOTS
    risk: float = RISK
    tolerance: float | None = None
    budget: float = BUDGET


@dataclass(slots=True)
class Race:
    """A race over candidates at `places` (candidates, d), which define "spread", on so many `questions`.

    Iterating runs it and yields the stage after every step; to stop, stop iterating. `standing` returns the best known
    so far. A candidate is left out where its preview plus the preview's upper error is below the leader's exact values
    on the same questions.

    The pilots bound that error once, at 1 − risk/2; the bound is only ever raised. On a part of the questions the lead
    must exceed it at 1 − risk/2 too, corrected for all candidates and looks (Bonferroni). On all questions nothing is
    left to chance: the best on this golden set is sought, and the leaderboard says whether that generalises.

    Of those left, one is measured only if it could be better by more than the tolerance, or by more than the questions
    in their `clusters` tell apart (`race_statistics.resolution`): below that it could not rule the leader out. `spent`
    may start with what was paid before the race. Candidates without a preview are measured first. What could be better
    and is not measured is "not decided", never worse.

    Source: Maron and Moore 1994, "Hoeffding races"; fewer candidates as the questions double, Karnin, Koren and Somekh
    2013, "Almost optimal exploration in multi-armed bandits".
    """

    track: Track
    places: Floats
    questions: int
    rules: RaceRules = RaceRules()
    clusters: Ints | None = None
    order: Ints = field(init=False)
    sizes: list[int] = field(init=False)
    active: dict[int, None] = field(init=False)
    pilots: list[int] = field(init=False)
    left_out: dict[int, str] = field(init=False)
    undecided: dict[int, str] = field(init=False)
    measured: dict[int, None] = field(init=False)
    spent: float = field(init=False)
    whole: float = field(init=False)
    beyond: int = field(init=False)
    previews: Floats = field(init=False)
    exacts: Floats = field(init=False)

    def __post_init__(self) -> None:
        shape = len(self.places), self.questions
        self.order = np.random.default_rng(self.rules.seed).permutation(self.questions)
        self.sizes = looks(self.questions, SHARES, LEAST)
        self.active, self.pilots, self.left_out, self.undecided = dict.fromkeys(range(len(self.places))), [], {}, {}
        self.measured, self.spent = {}, 0.0
        self.whole, self.beyond = 0.0, 0
        self.previews, self.exacts = np.full(shape, np.nan), np.full(shape, np.nan)

    def __iter__(self) -> Iterator[Stage]:
        middle = int(np.square(self.places - self.places.mean(axis=0)).sum(axis=1).argmin())
        for c in spread(self.places, middle):
            self.look(c, self.sizes[0])
            self.whole += self.track.price(c, ())
            yield "surface"
        if some := [c for c in self.active if self.track.has_preview(c) and not self.track.is_cheap(c)]:
            while len(self.pilots) < self.rules.pilots and len(self.pilots) < len(some):
                self.pilots.append(self.next_pilot(some))
                self.measure(self.pilots[-1])
                yield "pilots"
        for size in self.sizes:
            for c in list(self.active):
                self.look(c, size)
                yield "looks"
            self.drop(size)
        while (best := self.most_promising()) is not None:
            self.measure(best)
            self.drop(self.questions)
            yield "finals"
        self.leave()

    def look(self, c: int, size: int) -> None:
        """Ask the first `size` questions in the cheapest way; none where only the expensive way is left."""
        if self.track.is_cheap(c):
            self._fill(self.exacts, self.track.exact, c, size)
        elif self.track.has_preview(c) and not self._measured(c):
            self._fill(self.previews, self.track.preview, c, size)

    def measure(self, c: int) -> None:
        """Ask all questions exactly; and by the preview, if there is one, for its error."""
        if c not in self.measured:
            self.spent += self.track.price(c, tuple(self.measured))
        self._fill(self.exacts, self.track.exact, c, self.questions)
        if self.track.has_preview(c) and not self.track.is_cheap(c):
            self._fill(self.previews, self.track.preview, c, self.questions)

    def _fill(self, into: Floats, ask: "_Ask", c: int, size: int) -> None:
        some = self.order[:size]
        if len(new := some[np.isnan(into[c, some])]):
            into[c, new] = ask(c, new)
        if into is self.exacts and size == self.questions:
            self.measured[c] = None

    def _measured(self, c: int) -> bool:
        return c in self.measured

    def mean(self, c: int) -> float:
        """Return the mean of what is known; minus infinity where nothing is."""
        for values in (self.exacts[c], self.previews[c]):
            if len(known := values[~np.isnan(values)]):
                return float(known.mean())
        return -float("inf")

    def errors(self) -> Errors | None:
        """Return the preview's error, from the candidates that were measured both ways."""
        off = (self.exacts - self.previews).mean(axis=1)
        pilots = [c for c in self.pilots if not np.isnan(off[c])]  # one may be measured just now
        if not pilots:
            return None
        both = [c for c in self.active if self._measured(c) and not np.isnan(off[c])]
        return errors(off[pilots], off[[c for c in both if c not in pilots]], self.rules.risk / 2)

    def drop(self, size: int) -> None:
        """Leave out what cannot be the best any more, judged by the first `size` questions."""
        some = self.order[:size]
        ready = [c for c in self.active if not np.isnan(self.exacts[c, some]).any()]
        if not ready or all(map(self._measured, self.active)):
            return
        leader = max(ready, key=lambda c: (float(self.exacts[c, some].mean()), -c))
        off = self.errors()
        upper = np.inf if off is None else off.upper
        open_ = [c for c in self.active if not self._measured(c)]
        reach = np.array([0.0 if self.track.is_cheap(c) else upper for c in open_])
        known = np.where([[self.track.is_cheap(c)] for c in open_], self.exacts[open_], self.previews[open_])[:, some]
        risk = self.rules.risk / 2 / max(1, (len(self.sizes) - 1) * len(self.places))
        ahead = self.exacts[leader, some] - known  # not a number where a candidate has no preview
        least = leads(ahead, self.questions, risk)
        for c, row, sure, most in zip(open_, ahead, least.tolist(), reach.tolist(), strict=True):
            if c != leader and sure > most:
                del self.active[c]
                bound = None if self.track.is_cheap(c) else upper
                self.left_out[c] = reason_for(size, self.questions, float(row.mean()), sure, bound)

    def next_pilot(self, some: Sequence[int]) -> int:
        """Return the best preview first; then the cheapest of those that lie far from the pilots so far."""
        if not self.pilots:
            return max(some, key=lambda c: (self.mean(c), -c))
        far = farthest(self.places, self.pilots, [c for c in some if c not in self.pilots], APART)
        return min(far, key=lambda c: (self.track.price(c, self.pilots), c))

    def gains(self) -> dict[int, tuple[float, float]]:
        """Return by how much each unmeasured candidate could beat the leader, and by how much it must to matter."""
        left = [c for c in self.active if not self._measured(c)]
        if not left:
            return {}
        exact = [c for c in self.active if self._measured(c)]
        off = self.errors()
        if not exact or off is None:
            return dict.fromkeys(left, (inf, 0.0))
        leader = max(exact, key=lambda c: (self.mean(c), -c))
        ahead = self.previews[left] - self.exacts[leader]
        most = ahead.mean(axis=1) + off.upper
        most[np.isnan(most)] = inf
        if self.rules.tolerance is None:
            of = np.arange(self.questions) if self.clusters is None else self.clusters
            least = resolution(np.nan_to_num(ahead), of)
        else:
            least = np.full(len(left), self.rules.tolerance)
        return dict(zip(left, zip(most.tolist(), least.tolist(), strict=True), strict=True))

    def most_promising(self) -> int | None:
        """Return the candidate that could gain most, if that matters and the budget allows it; None if none is left."""
        room = self.rules.budget * self.whole - self.spent if self.whole else inf
        gains = self.gains()
        for c in sorted(gains, key=lambda c: (-gains[c][0], c)):
            most, least = gains[c]
            if most > least and self.track.price(c, tuple(self.measured)) <= room:
                return c
        return None

    def leave(self) -> None:
        """Give all that were not measured a reason."""
        for c, (most, least) in self.gains().items():
            could = f"it could be better by at most {most:.3f}" if most < inf else "it was measured in no way"
            if most > least:
                self.undecided[c] = f"{could}; the budget does not reach it"
                self.beyond += 1
            elif self.rules.tolerance is None:
                self.undecided[c] = f"{could}; the questions tell {least:.3f} and more apart"
            else:
                self.undecided[c] = f"{could}; {self.rules.tolerance:g} is tolerated"

    def standing(self, with_agreement: bool = False) -> RaceStanding:
        """Return the current standing. The agreement of preview and exact ranking takes a moment, hence the flag."""
        cells = self._cells()
        exact = [c for c in self.active if self._measured(c)]
        known = exact or [c for c in self.active if np.isfinite(self.mean(c))]
        leader = max(known, key=lambda c: (self.mean(c), -c)) if known else None
        both = [c for c in exact if not np.isnan(self.previews[c]).any()]
        agreed = rank_agreement(self.previews[both], self.exacts[both], self.rules.seed) if with_agreement else None
        finished = len(exact) + len(self.undecided) == len(self.active)
        spent = self.spent / self.whole if self.whole else 0.0
        return RaceStanding(cells, leader, self.errors(), agreed, finished, spent, self.beyond)

    def _cells(self) -> tuple[Cell, ...]:
        counts, means = [], []
        for values in (self.previews, self.exacts):
            known = (~np.isnan(values)).sum(axis=1)
            counts.append(known.tolist())
            means.append((np.nansum(values, axis=1) / np.maximum(known, 1)).tolist())
        return tuple(
            Cell(
                self._state(c, previews, exacts),
                preview if previews else None,
                exact if exacts else None,
                exacts or previews,
                self.left_out.get(c, self.undecided.get(c, "")),
            )
            for c, (previews, exacts, preview, exact) in enumerate(zip(*counts, *means, strict=True))
        )

    def _state(self, c: int, previews: int, exacts: int) -> State:
        if c in self.left_out or c in self.undecided:
            return "left out" if c in self.left_out else "not decided"
        if exacts:
            return "exact" if exacts == self.questions else "part"
        return "preview" if previews else "waiting"


class _Ask(Protocol):
    def __call__(self, candidate: int, questions: Ints, /) -> Floats: ...
