"""The terms of all chunks of a corpus, and the BM25 index over them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from workbench.retrievers.analyser import PLAIN, Words, terms
from workbench.retrievers.term_cache import Ids, Part, as_ids, documents_terms
from workbench.store import Store
from workbench.vectors import blocks

_AT_ONCE = 4_000_000  # occurrences that are sorted and scored at a time: about 200 MB


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The terms of every row of a collection, as numbers in `vocabulary`: row i has `ids[first[i] : first[i + 1]]`."""

    ids: Ids
    first: NDArray[np.int64]
    vocabulary: dict[str, int]

    @classmethod
    def of(cls, rows: Sequence[Ids], vocabulary: dict[str, int]) -> "Terms":
        first = np.concatenate([[0], np.cumsum([len(ids) for ids in rows], dtype=np.int64)])
        return cls(np.concatenate([as_ids([]), *rows]), first, vocabulary)


def row_terms(parts: Sequence[Part], store: Store | None = None) -> Terms:
    """Return the terms of chunks: of the text of each span and of its header, where there is one.

    With a store, those of a document are kept there, and taken from there.
    """
    vocabulary: dict[str, int] = {}
    found: list[Ids] = [as_ids([])]
    sizes: list[Ids] = [as_ids([])]
    for own in documents_terms(parts, store):
        common = as_ids([vocabulary.setdefault(term, len(vocabulary)) for term in own.vocabulary])
        found.append(common[own.ids])
        sizes.append(own.sizes)
    first = np.concatenate([[0], np.cumsum(np.concatenate(sizes), dtype=np.int64)])
    return Terms(np.concatenate(found), first, vocabulary)


def counted(rows: Terms, words: Words) -> Terms:
    """Return the rows with their terms as `words` counts them: stop words left out, words as their stems."""
    if words == PLAIN:
        return rows
    vocabulary: dict[str, int] = {}
    numbers = as_ids(
        [-1 if t is None else vocabulary.setdefault(t, len(vocabulary)) for t in words(list(rows.vocabulary))]
    )
    ids = numbers[rows.ids] if len(numbers) else rows.ids
    kept = ids >= 0
    return Terms(ids[kept], np.concatenate([[0], np.cumsum(kept)])[rows.first], vocabulary)


class Lexical:
    """A BM25 index over rows of terms: Lucene's formula, in float64, computed once for every term and row.

    score(q, d) = Σ over the query's terms t, a repeated one counted again, of
        idf(t) · tf(t, d) / (tf(t, d) + k1 · (1 − b + b · |d| / avg|d|)),
        idf(t) = ln(1 + (N − n(t) + 0.5) / (n(t) + 0.5)).
    |d| is a row's number of terms. N and n(t) count the whole collection, whatever a filter allows.

    Source: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework"; the Lucene variant as in Kamphuis et
    al. 2020, "Which BM25 do you mean?" (without the constant factor k1 + 1). Scores are precomputed as in bm25s (Lù
    2024, arXiv 2407.03618).
    """

    def __init__(self, rows: Terms, k1: float, b: float, words: Words = PLAIN) -> None:
        self._words = words
        self._k1, self._b = k1, b
        self._vocabulary = rows.vocabulary
        sizes = np.diff(rows.first)
        n = self._count = len(sizes)
        of = np.repeat(np.arange(n, dtype=np.int32), sizes)
        self._mean = float(sizes.mean()) if len(rows.ids) else 1.0
        lengths = k1 * ((1 - b) + b * sizes / self._mean)
        found, scores, held = [as_ids([])], [np.empty(0)], [as_ids([])]
        occurrences = np.bincount(rows.ids, minlength=len(rows.vocabulary))
        for part in blocks(occurrences, _AT_ONCE):  # a part of the terms at a time: memory for that part
            low, high = part.start, part.stop
            here = np.flatnonzero((rows.ids >= low) & (rows.ids < high))
            pairs = rows.ids[here].astype(np.int64)  # each occurrence as term · n + row, sorted: by term, then by row
            pairs *= n
            pairs += of[here]
            pairs.sort()
            places = np.flatnonzero(np.concatenate([pairs[:1] >= 0, pairs[1:] != pairs[:-1]]))
            times = np.diff(places, append=len(pairs)).astype(np.float64)
            term, row = np.divmod(pairs[places], n)
            rows_of_term = np.bincount(term - low, minlength=high - low)
            idf = np.array([self._idf(df) for df in rows_of_term.tolist()])
            scores.append(np.repeat(idf, rows_of_term) * (times / (lengths[row] + times)))
            found.append(row.astype(np.int32))
            held.append(rows_of_term.astype(np.int32))
        del of
        self._rows = np.concatenate(found)
        del found
        self._scores: NDArray[np.float64] = np.concatenate(scores)
        self._first = np.concatenate([[0], np.cumsum(np.concatenate(held), dtype=np.int64)])
        """(terms + 1,) where each term's rows and scores begin."""

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return (rows,) the score of each row; 0 where it shares no term with the query."""
        known = [self._vocabulary[t] for t in self._words(terms(query)) if t is not None and t in self._vocabulary]
        out = np.zeros(self._count)
        for term in known:
            part = slice(self._first[term], self._first[term + 1])
            out[self._rows[part]] += self._scores[part]
        return out

    def text_score(self, query: str, text: str, times: int = 1) -> float:
        """Return the score of a text that is no row, weighed by the rows that there are: their N, n(t) and avg|d|.

        A text of `times` rows is held against rows so many times as long, or its length alone would put it last.
        """
        held = Counter(self._terms(text))
        length = self._k1 * ((1 - self._b) + self._b * held.total() / (times * self._mean))
        found = ((t, held[t]) for t in self._terms(query) if t in held)
        return sum(self._idf(self._rows_with(t)) * n / (length + n) for t, n in found)

    def shares(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return how much of the query is in each text: its distinct terms that do, weighed by idf, 0 to 1."""
        weights = {t: self._idf(self._rows_with(t)) for t in self._terms(query)}
        whole = sum(weights.values())
        return [sum(weights[t] for t in weights.keys() & set(self._terms(x))) / whole if whole else 0.0 for x in texts]

    def _idf(self, rows: int) -> float:
        return log(1 + (self._count - rows + 0.5) / (rows + 0.5))

    def _terms(self, text: str) -> list[str]:
        return [t for t in self._words(terms(text)) if t is not None]

    def _rows_with(self, term: str) -> int:
        number = self._vocabulary.get(term)
        return 0 if number is None else int(self._first[number + 1] - self._first[number])
