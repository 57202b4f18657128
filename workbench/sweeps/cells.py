"""What is known of the candidates of a race, each and together."""

from dataclasses import dataclass
from typing import Literal

from workbench.sweeps.bounds import Errors, RankAgreement

State = Literal["waiting", "preview", "part", "exact", "left out", "not decided"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known of a candidate: means on the `asked` questions, None where there is none.

    "part": exact on a part of the questions; "exact": on all of them. "left out": it cannot be better than the leader.
    "not decided": it could be, and was not measured all the same. Both for a `reason`.
    """

    state: State = "waiting"
    preview: float | None = None
    exact: float | None = None
    asked: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RaceStanding:
    """A race as it stands. `leader` is the best exact mean so far, before there is one the best preview; None at first.

    `finished`: every candidate is measured on all questions, or was not for a reason. `spent` is what exact values and
    what was before them have cost, as a share of measuring each candidate by itself; `beyond` candidates are not
    decided because the budget did not reach them.
    """

    cells: tuple[Cell, ...]
    leader: int | None
    errors: Errors | None = None
    agreement: RankAgreement | None = None
    finished: bool = False
    spent: float = 0.0
    beyond: int = 0


def reason_for(size: int, questions: int, ahead: float, least: float, reach: float | None) -> str:
    """Why a candidate was left out, in figures."""
    part = f"{size} of {questions} questions" if size < questions else f"all {questions} questions"
    sure = f", at least {least:.3f}" if size < questions else ""
    if reach is None:
        return f"on {part} {ahead:.3f} behind the leader{sure}"
    return f"its preview is {ahead:.3f} behind the leader on {part}{sure}; previews are at most {reach:.3f} too low"
