"""Documents analysed once, the terms of any chunk of them, and the BM25 index over chunks."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Document
from workbench.retrievers.analyser import pattern, terms, word_terms
from workbench.retrievers.words import PLAIN, Words
from workbench.spans import Ranges

Ids = NDArray[np.int32]
_KEPT_BYTES = 256_000_000
_TERM = 160  # bytes of a term in a vocabulary, about


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """A document's words in order, and the terms of each as numbers in `vocabulary`.

    A chunk's terms are those of its text alone. They are read off here by offsets, and only a word that the chunk's
    edge cuts is analysed anew, so that a change of chunk size does not analyse the document again.
    """

    text: str
    starts: Ids
    ends: Ids
    first: Ids
    """(words + 1,) where the terms of each word begin in `ids`."""
    ids: Ids
    vocabulary: dict[str, int]

    @property
    def bytes(self) -> int:
        """What it takes in memory beside the text, about."""
        arrays = (self.starts, self.ends, self.first, self.ids)
        return sum(a.nbytes for a in arrays) + _TERM * len(self.vocabulary)

    def chunk_terms(self, spans: Ranges) -> tuple[list[Ids], list[list[str]]]:
        """For each span its whole words' terms as ids, and the terms of the words that its edges cut."""
        left = np.searchsorted(self.starts, spans[:, 0], side="left")
        right = np.searchsorted(self.ends, spans[:, 1], side="right")
        whole, cut = [], []
        for (start, end), i, j in zip(spans.tolist(), left.tolist(), right.tolist(), strict=True):
            i_end = max(i, j)
            whole.append(self.ids[self.first[i] : self.first[i_end]])
            edges: list[str] = []
            if i and self.ends[i - 1] > start:
                edges += terms(self.text[start : min(end, int(self.ends[i - 1]))])
            if i_end < len(self.starts) and self.starts[i_end] < end:
                edges += terms(self.text[int(self.starts[i_end]) : end])
            cut.append(edges)
        return whole, cut


def analysed(document: Document) -> Analysed:
    """The document's words and terms; kept for the documents used last."""
    with _lock:
        known = _kept.get(document.id)
        if known is not None and known.text == document.text:  # an id is a hash of content, unless someone made it up
            _kept.move_to_end(document.id)
            return known
    made = _analyse(document.text)
    with _lock:
        _kept[document.id] = made
        _weight[0] += made.bytes - (known.bytes if known else 0)
        while _weight[0] > _KEPT_BYTES and len(_kept) > 1:
            _weight[0] -= _kept.popitem(last=False)[1].bytes
    return made


_kept: "OrderedDict[str, Analysed]" = OrderedDict()
_weight = [0]  # bytes of what is kept
_lock = threading.Lock()


def _analyse(text: str) -> Analysed:
    vocabulary: dict[str, int] = {}
    numbered: dict[str, tuple[int, ...]] = {}
    starts: list[int] = []
    ends: list[int] = []
    counts: list[int] = []
    ids: list[int] = []
    for match in pattern(text).finditer(text):
        raw = match.group()
        own = numbered.get(raw)
        if own is None:
            own = numbered[raw] = tuple(vocabulary.setdefault(t, len(vocabulary)) for t in word_terms(raw))
        starts.append(match.start())
        ends.append(match.end())
        counts.append(len(own))
        ids += own
    first = np.zeros(len(starts) + 1, np.int32)
    np.cumsum(counts, out=first[1:])
    return Analysed(text, _ids(starts), _ids(ends), first, _ids(ids), vocabulary)


def _ids(values: Sequence[int]) -> Ids:
    return np.array(values, dtype=np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The terms of every row of a collection, as numbers in `vocabulary`: row i has `ids[first[i] : first[i + 1]]`."""

    ids: Ids
    first: NDArray[np.int64]
    vocabulary: dict[str, int]

    @classmethod
    def of(cls, rows: Sequence[Ids], vocabulary: dict[str, int]) -> "Terms":
        first = np.concatenate([[0], np.cumsum([len(ids) for ids in rows], dtype=np.int64)])
        return cls(np.concatenate([_ids([]), *rows]), first, vocabulary)


def row_terms(parts: Sequence[tuple[Document, Ranges, Sequence[str]]]) -> Terms:
    """The terms of chunks, document by document: of the text of each span and of its header, where there is one."""
    vocabulary: dict[str, int] = {}
    found: list[Ids] = []
    sizes: list[int] = []

    def number(term: str) -> int:
        return vocabulary.setdefault(term, len(vocabulary))

    for document, spans, headers in parts:
        words = analysed(document)
        common = _ids([number(term) for term in words.vocabulary])
        whole, cut = words.chunk_terms(spans)
        header_ids = {header: [number(t) for t in terms(header)] for header in set(headers)}
        rows: list[Ids] = []
        for i, (own, edges) in enumerate(zip(whole, cut, strict=True)):
            extra = [number(term) for term in edges] + (header_ids[headers[i]] if headers else [])
            rows.append(np.concatenate([common[own], _ids(extra)]) if extra else common[own])
        found.append(np.concatenate([_ids([]), *rows]))
        sizes += map(len, rows)
    first = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    return Terms(np.concatenate([_ids([]), *found]), first, vocabulary)


def counted(rows: Terms, words: Words) -> Terms:
    """The rows with their terms as `words` counts them: stop words gone, stems for words."""
    if words == PLAIN:
        return rows
    vocabulary: dict[str, int] = {}
    numbers = _ids(
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
    al. 2020, "Which BM25 do you mean?" (without the constant factor k1 + 1). Scores that stand ready as in bm25s (Lù
    2024, arXiv 2407.03618).
    """

    def __init__(self, rows: Terms, k1: float, b: float, words: Words = PLAIN) -> None:
        self._words = words
        self._vocabulary = rows.vocabulary
        sizes = np.diff(rows.first)
        n = self._count = len(sizes)
        pairs = rows.ids.astype(np.int64)  # each occurrence as term · n + row, sorted: by term, then by row
        pairs *= n
        pairs += np.repeat(np.arange(n), sizes)
        pairs.sort()
        places = np.flatnonzero(np.diff(pairs, prepend=-1))
        times = np.diff(places, append=len(pairs)).astype(np.float64)
        pairs = pairs[places]
        self._rows = (pairs % max(n, 1)).astype(np.int32)
        self._first = np.searchsorted(pairs, np.arange(len(rows.vocabulary) + 1, dtype=np.int64) * n)
        """(terms + 1,) where each term's rows and scores begin."""
        held = np.diff(self._first)
        idf = np.array([log(1 + (n - df + 0.5) / (df + 0.5)) for df in held.tolist()])
        lengths = k1 * ((1 - b) + b * sizes / (sizes.mean() if pairs.size else 1.0))
        self._scores: NDArray[np.float64] = np.repeat(idf, held) * (times / (lengths[self._rows] + times))

    def scores(self, query: str) -> NDArray[np.float64]:
        """(rows,) the score of each row; 0 where it shares no term with the query."""
        known = [self._vocabulary[t] for t in self._words(terms(query)) if t is not None and t in self._vocabulary]
        out = np.zeros(self._count)
        for term in known:
            part = slice(self._first[term], self._first[term + 1])
            out[self._rows[part]] += self._scores[part]
        return out
