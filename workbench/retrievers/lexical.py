"""Documents analysed once, the terms of any chunk of them, and the BM25 index over chunks."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Document
from workbench.retrievers.analyser import pattern, terms, word_terms
from workbench.retrievers.words import PLAIN, Words
from workbench.spans import Ranges

Ids = NDArray[np.int32]
_KEPT_WORDS = 20_000_000  # about 250 MB; the texts themselves weigh as much


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
        total = sum(len(a.starts) for a in _kept.values())
        while total > _KEPT_WORDS and len(_kept) > 1:
            total -= len(_kept.popitem(last=False)[1].starts)
    return made


_kept: "OrderedDict[str, Analysed]" = OrderedDict()
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
    """The terms of every row of a collection as numbers, and the vocabulary that numbers them."""

    rows: list[Ids]
    vocabulary: dict[str, int]


def row_terms(parts: Sequence[tuple[Document, Ranges, Sequence[str]]]) -> Terms:
    """The terms of chunks, document by document: of the text of each span and of its header, where there is one."""
    vocabulary: dict[str, int] = {}
    rows: list[Ids] = []

    def number(term: str) -> int:
        return vocabulary.setdefault(term, len(vocabulary))

    for document, spans, headers in parts:
        words = analysed(document)
        common = _ids([number(term) for term in words.vocabulary])
        whole, cut = words.chunk_terms(spans)
        header_ids = {header: [number(t) for t in terms(header)] for header in set(headers)}
        for i, (own, edges) in enumerate(zip(whole, cut, strict=True)):
            extra = [number(term) for term in edges] + (header_ids[headers[i]] if headers else [])
            rows.append(np.concatenate([common[own], _ids(extra)]) if extra else common[own])
    return Terms(rows, vocabulary)


def counted(rows: Terms, words: Words) -> Terms:
    """The rows with their terms as `words` counts them: stop words gone, stems for words."""
    if words == PLAIN:
        return rows
    vocabulary: dict[str, int] = {}
    numbers = _ids(
        [-1 if t is None else vocabulary.setdefault(t, len(vocabulary)) for t in words(list(rows.vocabulary))]
    )
    out = [numbers[ids] for ids in rows.rows]
    return Terms([ids[ids >= 0] for ids in out], vocabulary)


class Lexical:
    """A BM25 index over rows of terms: bm25s with Lucene's formula, in float64.

    score(q, d) = Σ over the query's terms t, a repeated one counted again, of
        idf(t) · tf(t, d) / (tf(t, d) + k1 · (1 − b + b · |d| / avg|d|)),
        idf(t) = ln(1 + (N − n(t) + 0.5) / (n(t) + 0.5)).
    |d| is a row's number of terms. N and n(t) count the whole collection, whatever a filter allows.

    Source: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework"; the Lucene variant as in Kamphuis et
    al. 2020, "Which BM25 do you mean?" (without the constant factor k1 + 1).
    """

    def __init__(self, rows: Terms, k1: float, b: float, words: Words = PLAIN) -> None:
        self._words = words
        self._vocabulary = rows.vocabulary
        self._rows = len(rows.rows)
        self._model: Any = None
        if any(len(ids) for ids in rows.rows):
            import bm25s

            self._model = bm25s.BM25(k1=k1, b=b, method="lucene", dtype="float64")
            numbers, tokens = range(len(rows.vocabulary)), [ids.tolist() for ids in rows.rows]
            self._model.scores = self._model.build_index_from_ids(numbers, tokens, show_progress=False)

    def scores(self, query: str) -> NDArray[np.float64]:
        """(rows,) the score of each row; 0 where it shares no term with the query."""
        known = [self._vocabulary[t] for t in self._words(terms(query)) if t is not None and t in self._vocabulary]
        if self._model is None or not known:
            return np.zeros(self._rows)
        out: NDArray[np.float64] = self._model.get_scores_from_ids(known)
        return out
