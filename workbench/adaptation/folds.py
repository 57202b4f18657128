"""Which examples are learned from, and which judge: folds that keep passages and their neighbours on one side."""

from dataclasses import dataclass

import numpy as np

from workbench.adaptation.materials import Ints, Material

DISTANCE = 1
"""Chunks to either side of a passage that still count as near it."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """The questions that judge, those that may be learned from, and how many of these were left out as too near."""

    test: Ints
    train: Ints
    dropped: int = 0


def grouped_folds(of: Material, some: Ints, folds: int, distance: int = DISTANCE, offset: int = 0) -> list[Fold]:
    """Folds over some of the questions, each a stretch of the corpus; fewer where the questions are in fewer clusters.

    Questions in the order of their passages are cut into stretches, those that share a passage together. Whatever has
    a passage within `distance` chunks of a passage that judges, the same text as one anywhere, or the same question,
    is not learned from. `offset` is the number of the question at which the first stretch begins.

    Source: blocks with a gap, Burman, Chow and Nolan 1994, "A cross-validatory method for dependent data".
    """
    order = _by_place(of, some)
    starts = np.concatenate([[True], of.clusters[order][1:] != of.clusters[order][:-1]])
    number = np.cumsum(starts) - 1  # which cluster, in order of place
    at = int(number[offset % len(order)]) if offset else 0
    turned = (number - at) % (int(number[-1]) + 1)
    order, turned = (column[np.argsort(turned, kind="stable")] for column in (order, turned))
    folds = min(folds, int(turned[-1]) + 1)
    middle = {int(c): float(np.flatnonzero(turned == c).mean()) for c in np.unique(turned)}
    fold_of = np.array([min(folds - 1, int(middle[int(c)] * folds / len(order))) for c in turned])
    out = []
    for f in np.unique(fold_of).tolist():
        test, rest = np.sort(order[fold_of == f]), order[fold_of != f]
        train = np.sort(rest[~_near(of, rest, test, distance)])
        out.append(Fold(test, train, len(rest) - len(train)))
    return out


def random_folds(some: Ints, folds: int, seed: int = 0) -> list[Fold]:
    """Folds of questions drawn at random, wherever their passages stand: the naive way, which leaks."""
    shuffled = np.random.default_rng(seed).permutation(some)
    parts = [np.sort(part) for part in np.array_split(shuffled, min(folds, len(some)))]
    return [Fold(part, np.setdiff1d(some, part)) for part in parts]


def _by_place(of: Material, some: Ints) -> Ints:
    """The questions in the order of their cluster's first row, clusters together; those without a row come last."""
    nowhere = len(of.rows)
    first = np.array([of.touched[i][0] if len(of.touched[i]) else nowhere for i in some.tolist()], np.int64)
    of_cluster = of.clusters[some]
    place = {int(c): int(first[of_cluster == c].min()) for c in np.unique(of_cluster)}
    keys = np.array([place[int(c)] for c in of_cluster], np.int64)
    return some[np.lexsort((some, first, of_cluster, keys))]


def _near(of: Material, rest: Ints, test: Ints, distance: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(len(rest),) which questions have a passage near one of `test`, or of the same text, or ask the same."""
    taken = np.zeros(len(of.rows) + 1, np.bool_)  # the last for questions without a row
    document = of.rows.document_index
    for row in np.unique(np.concatenate([of.touched[i] for i in test.tolist()])).tolist():
        low, high = max(0, row - distance), min(len(of.rows), row + distance + 1)
        taken[low:high] |= document[low:high] == document[row]
    texts = np.zeros(int(of.passages.max(initial=-1)) + 1, np.bool_)
    texts[of.passages[taken[:-1]]] = True
    taken[:-1] |= texts[of.passages]
    words = {_words(of, i) for i in test.tolist()}
    return np.array([bool(taken[of.touched[i]].any()) or _words(of, i) in words for i in rest.tolist()], np.bool_)


def _words(of: Material, i: int) -> str:
    return " ".join(of.questions[i].text.casefold().split())
