"""Golden sets in two: questions to choose a pipeline by, and questions that did not choose it."""

from collections.abc import Sequence
from hashlib import sha256

from workbench.errors import GoldenError
from workbench.golden.passages import clusters
from workbench.records import Question

HELD_OUT, DEVELOPMENT = "held-out", "development"
"""Tags by which a question says itself where it belongs."""

SHARE = 0.3


LEAST_LEFT = 30
"""Development questions that holding some out must leave, where nobody says how many are held out."""


def usual_split(questions: Sequence[Question], seed: int = 0) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """Return (development, held-out) as pages and commands do: a share of 0.3, where that leaves enough to choose by.

    Where it does not, tags alone hold questions out.
    """
    found = split(questions, SHARE, seed)
    return found if len(found[0]) >= LEAST_LEFT else split(questions, 0, seed)


def split(
    questions: Sequence[Question], share: float = SHARE, seed: int = 0
) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """(development, held-out), each in the order given; about `share` of the clusters are held out.

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
    """Where the question's own tags put it; "" where they say nothing, or both."""
    own = {HELD_OUT, DEVELOPMENT} & set(question.tags)
    return own.pop() if len(own) == 1 else ""


def _draw(id: str, seed: int) -> float:
    """A number in [0, 1) that belongs to this id."""
    return int.from_bytes(sha256(f"{seed} {id}".encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
