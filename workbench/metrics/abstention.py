"""How well the best hit's score tells questions that the corpus answers from those that it does not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Abstention:
    """Whether a threshold on the best hit's score would keep quiet where there is no answer.

    `auroc` is the chance that an answerable question has a higher best score than an unanswerable one, ties counted
    half: 0.5 is a coin. A question is answered where its best score is at least `threshold`, which is the score that
    separates best on these very questions, so it flatters; `false_answers` are the unanswerable questions that it
    answers, `false_abstentions` the answerable ones that it does not. `threshold` is None where nothing is gained by
    ever answering. `caution` says why scores of this retriever may not compare from query to query, "" where they do.
    """

    auroc: float
    threshold: float | None
    false_answers: int
    false_abstentions: int
    answerable: int
    unanswerable: int
    caution: str = ""


def abstention(
    answerable: Sequence[float | None], unanswerable: Sequence[float | None], caution: str = ""
) -> Abstention | None:
    """The separation of the best scores of both kinds of questions; None where one kind is missing.

    A score of None is a question without any hit: it is below every score.

    Source: Hanley and McNeil 1982, "The meaning and use of the area under a ROC curve"; the threshold is where
    Youden's J is largest (Youden 1950, "Index for rating diagnostic tests"), the highest such score.
    """
    if not answerable or not unanswerable:
        return None
    yes, no = _scores(answerable), _scores(unanswerable)
    below = np.searchsorted(np.sort(no), yes, "left") + np.searchsorted(np.sort(no), yes, "right")
    auroc = float(below.sum() / (2 * len(yes) * len(no)))
    tried = np.unique(np.concatenate([yes, no]))[::-1]
    tried = np.concatenate([[np.inf], tried[np.isfinite(tried)]])
    answered = (yes[None, :] >= tried[:, None]).sum(axis=1)
    wrongly = (no[None, :] >= tried[:, None]).sum(axis=1)
    best = int((answered * len(no) - wrongly * len(yes)).argmax())
    threshold = float(tried[best]) if np.isfinite(tried[best]) else None
    missed = len(yes) - int(answered[best])
    return Abstention(auroc, threshold, int(wrongly[best]), missed, len(yes), len(no), caution)


def _scores(given: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([-np.inf if score is None else score for score in given], np.float64)
