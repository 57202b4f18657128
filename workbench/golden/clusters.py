"""Questions grouped by what they share, passages or documents, and split into two sets without parting a group."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.errors import GoldenError
from workbench.records import Question
from workbench.spans import Span
from workbench.specs import digest


def clusters(questions: Sequence[Question]) -> NDArray[np.int64]:
    """Return (n,) the number of each question's cluster, from 0: questions with overlapping passages share one.

    Chains count: if a overlaps b and b overlaps c, all three are one cluster. A passage without a place in the corpus
    is shared where document and quote are the same. A question without passages is alone.
    """
    links: list[tuple[int, int]] = []
    passages = sorted((r.span, i) for i, q in enumerate(questions) for r in q.references)
    furthest: tuple[Span, int] | None = None  # of the passages so far, the one that ends last in this document
    for span, i in passages:
        if furthest is not None and span.overlap(furthest[0]):
            links.append((i, furthest[1]))
        if furthest is None or span.document != furthest[0].document or span.end > furthest[0].end:
            furthest = span, i
    first: dict[tuple[str, str], int] = {}
    for i, question in enumerate(questions):
        links += [(i, first.setdefault((lost.document, lost.quote), i)) for lost in question.lost]
    return connected(len(questions), links)


def document_groups(questions: Sequence[Question], ids: Mapping[str, str] | None = None) -> NDArray[np.int64]:
    """Return (n,) the number of each question's document, from 0: of the one that holds most of its passages' text.

    Documents of one question are not joined: a few questions across documents would make all documents one. A question
    without passages is alone. `ids` maps the labels of documents, which lost passages carry, to their ids.
    """
    known = ids or {}
    first: dict[str, int] = {}
    out = []
    for i, question in enumerate(questions):
        held: dict[str, int] = {}
        for name, size in [
            *((r.span.document, len(r.span)) for r in question.references),
            *((known.get(lost.document, lost.document), len(lost.quote)) for lost in question.lost),
        ]:
            held[name] = held.get(name, 0) + size
        name = max(held, key=lambda one: held[one]) if held else f" {i}"
        out.append(first.setdefault(name, len(first)))
    return np.array(out, np.int64)


def connected(n: int, links: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """Return (n,) the number of each item's component, from 0 in the order of their first items."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.array([*links], np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, number = connected_components(graph, directed=False)
    _, first, inverse = np.unique(number, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def present(questions: Sequence[Question]) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """Return (questions whose documents are all in the corpus, the others), each in the order given.

    What a pipeline loses of a document that is not there says nothing of the pipeline. A passage that its document
    does not hold is another matter: its question stays, and the passage counts as lost.
    """
    away = {q.id for q in questions if any(lost.kind == "gone" for lost in q.lost)}
    return tuple(q for q in questions if q.id not in away), tuple(q for q in questions if q.id in away)


HELD_OUT, DEVELOPMENT = "held-out", "development"
"""Tags by which a question says itself where it belongs."""

SHARE = 0.3

LEAST_LEFT = 30
"""Least development questions that are left by default; with fewer, only tags hold questions out."""


def usual_split(questions: Sequence[Question], seed: int = 0) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """Return (development, held-out) as pages and commands do: `SHARE` is held out where `LEAST_LEFT` are left."""
    found = split(questions, SHARE, seed)
    return found if len(found[0]) >= LEAST_LEFT else split(questions, 0, seed)


def split(
    questions: Sequence[Question], share: float = SHARE, seed: int = 0
) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """Return (development, held-out), each in the order given; about `share` of the clusters are held out.

    Questions that share a passage stay together. Where a cluster goes is a hash of its smallest id, so that further
    questions move none, unless they join a cluster with a smaller id. A tag decides for its question, and for the rest
    of its cluster where the cluster's tags agree.

    Raises:
        GoldenError: share is not within 0..1.
    """
    if not 0 <= share <= 1:
        raise GoldenError(f"the share of questions held out ({share}) must be from 0 to 1")
    members: dict[int, list[Question]] = {}
    for number, question in zip(clusters(questions).tolist(), questions, strict=True):
        members.setdefault(number, []).append(question)
    held = set[str]()
    for cluster in members.values():
        tags = {q.id: tag for q in cluster if (tag := _tag(q))}
        if len(set(tags.values())) == 1:
            common = next(iter(tags.values()))
        else:
            common = HELD_OUT if _draw(min(q.id for q in cluster), seed) < share else DEVELOPMENT
        held |= {q.id for q in cluster if tags.get(q.id, common) == HELD_OUT}
    return tuple(q for q in questions if q.id not in held), tuple(q for q in questions if q.id in held)


def _tag(question: Question) -> str:
    """Return where the question's own tags put it; "" where they say nothing, or both."""
    own = {HELD_OUT, DEVELOPMENT} & set(question.tags)
    return own.pop() if len(own) == 1 else ""


def _draw(id: str, seed: int) -> float:
    """Return a number in [0, 1) that belongs to this id."""
    return int(digest(f"{seed} {id}".encode("utf-8", "surrogatepass"))[:16], 16) / 2**64
