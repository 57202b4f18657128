"""A corpus on one line, white space left out: what gold and hits are measured in."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from workbench.documents import Corpus
from workbench.records import Hit
from workbench.spans import Ranges, Span, nonblank


class Line:
    """All documents of a corpus end to end, without their white space: it is neither gold nor a cost.

    Whatever is measured is placed here, so that a passage's line ends, which splitters leave out, are not missed.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        starts = accumulate((d.figures.characters for d in corpus), initial=0)
        self._starts = {d.id: start for d, start in zip(corpus, starts, strict=False)}

    def counted(self, document: str, spans: Ranges) -> Ranges:
        """Ranges of a document on the line."""
        return nonblank(spans, self._corpus.blanks(document)) + self._starts[document]

    def place(self, spans: Sequence[Span]) -> Ranges:
        """(n, 2) spans of any documents on the line."""
        out = np.array([(s.start, s.end) for s in spans], np.int64).reshape(-1, 2)
        names = [s.document for s in spans]
        if len(known := dict.fromkeys(names)) == 1:
            return self.counted(names[0], out)
        number = {document: i for i, document in enumerate(known)}
        numbers = np.array([number[name] for name in names], np.int64)
        order = np.argsort(numbers, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
            if len(rows):
                out[rows] = self.counted(names[rows[0]], out[rows])
        return out

    def places(self, rankings: Sequence[Sequence[Hit]]) -> list[Ranges]:
        """`place` for each ranking's hits."""
        every = self.place([hit.span for hits in rankings for hit in hits])
        return np.split(every, np.cumsum([len(hits) for hits in rankings])[:-1]) if rankings else []
