"""Which rows a search may return."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Corpus, Document, Section
from workbench.errors import SpecError
from workbench.spans import Ranges

Mask = NDArray[np.bool_]
"""(n,) whether a row is allowed."""

Parts = Sequence[tuple[Document, Ranges, Sequence[str]]]
"""Each document with the spans and headers of its rows."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows a search may return: chunks of these documents, and of the sections under this heading path.

    `documents` None stands for all; `section` is the beginning of a heading path, highest first, and a chunk belongs to
    a section if any of its characters stands there.
    """

    documents: tuple[str, ...] | None = None
    section: tuple[str, ...] = ()


def allowed_rows(where: Where | Mask | None, corpus: Corpus, parts: Parts, documents: NDArray[np.int64]) -> Mask | None:
    """(n,) which rows are allowed, None where all are; `documents` (n,) says which of the corpus each row is of.

    Raises:
        SpecError: a mask of the wrong length or type.
        DocumentError: a document that is not in the corpus.
    """
    n = len(documents)
    if where is None:
        return None
    if isinstance(where, Where):
        out = np.ones(n, np.bool_)
        if where.documents is not None:
            wanted = {corpus.document(id).id for id in where.documents}
            of = np.array([d.id in wanted for d in corpus], np.bool_)
            out &= of[documents] if len(of) else out
        if where.section:
            out &= _under(where.section, parts)
        return out
    if where.shape != (n,) or where.dtype != np.bool_:
        raise SpecError(f"a row filter must be {n} booleans, not {where.dtype} of shape {where.shape}")
    return where


def _under(section: tuple[str, ...], parts: Parts) -> Mask:
    """(n,) whether some character of the row stands under this heading path."""
    found = [np.empty(0, np.bool_)]
    for document, spans, _ in parts:
        starts = np.array([0, *(h.span.start for h in document.headings)], np.int64)
        inside = np.concatenate([[0], np.cumsum([path[: len(section)] == section for path in _paths(document)])])
        first = np.searchsorted(starts, spans[:, 0], side="right") - 1
        last = np.searchsorted(starts, np.maximum(spans[:, 1], spans[:, 0] + 1), side="left")
        found.append(inside[last] > inside[first])
    return np.concatenate(found)


def _paths(document: Document) -> list[tuple[str, ...]]:
    """The heading path before the first heading, which is empty, and from each heading on."""
    out: list[tuple[str, ...]] = [()]
    open_: list[Section] = []
    for heading in document.headings:
        while open_ and open_[-1].level >= heading.level:
            open_.pop()
        open_.append(heading)
        out.append(tuple(h.title for h in open_))
    return out
