"""Of which population a figure speaks: questions about these documents, or documents like these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.errors import SpecError
from workbench.golden.passages import document_groups
from workbench.records import Question
from workbench.statistics.intervals import Ints

Unit = Literal["passage", "document"]

PASSAGE: Unit = "passage"
DOCUMENT: Unit = "document"
UNITS: dict[Unit, str] = {PASSAGE: "these documents", DOCUMENT: "documents like these"}
"""What is drawn again in thought, and the population that a figure then speaks of."""

MIN_DOCUMENTS = 8
"""Documents from which a figure can speak of documents like these."""


@dataclass(frozen=True, slots=True)
class Population:
    """The population of a figure: its unit, and how many documents the questions are about, None if that is unknown."""

    unit: Unit
    documents: int | None

    @property
    def words(self) -> str:
        """The population in words, for a sentence."""
        if self.unit == DOCUMENT:
            return f"documents like these ({self.documents:,} seen)"
        return "questions about these documents"

    @property
    def caution(self) -> str:
        """What the figure cannot exclude; "" where there is nothing to add."""
        if self.unit == DOCUMENT:
            return f"{self.documents:,} documents cannot exclude a rare kind that reverses the result"
        return ""

    def grouped(self, documents: Ints | None) -> Ints | None:
        """Return the documents of the questions where the figure speaks of documents like these, else None."""
        return documents if self.unit == DOCUMENT else None


def by_document(
    questions: Sequence[Question], unit: str | None = None, ids: Mapping[str, str] | None = None
) -> Ints | None:
    """Return the documents (n,) of questions where a figure about them speaks of documents like these, else None.

    `ids` maps the labels of documents, which lost passages carry, to their ids.
    """
    documents = document_groups(questions, ids)
    return population(documents, unit).grouped(documents)


def population(documents: Ints | None, unit: str | None = None) -> Population:
    """Return the population that questions of these documents (n,) can speak of, by default the wider one.

    Raises:
        SpecError: no such unit, or documents are asked for where there are fewer than 8 or nobody recorded them.
    """
    if unit is not None and unit not in UNITS:
        raise SpecError(f"the unit of resampling ({unit!r}) must be one of {', '.join(UNITS)}")
    n = None if documents is None else len(np.unique(documents))
    if unit == DOCUMENT and n is None:
        raise SpecError(
            "the unit of resampling (document) needs runs that say which document a question is about; "
            "evaluate the pipelines again, or choose passage"
        )
    if unit == DOCUMENT and n is not None and n < MIN_DOCUMENTS:
        raise SpecError(
            f"the unit of resampling (document) needs questions about at least {MIN_DOCUMENTS} documents, "
            f"not {n}; choose passage, or add questions about more documents"
        )
    wide = n is not None and n >= MIN_DOCUMENTS
    return Population(DOCUMENT if unit == DOCUMENT or (unit is None and wide) else PASSAGE, n)
