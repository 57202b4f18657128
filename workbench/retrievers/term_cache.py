"""The terms of documents, analysed once, and of any chunk of them, which the store keeps for large corpora."""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Document
from workbench.memory_cache import MemoryCache
from workbench.retrievers.analyser import pattern, terms, word_terms
from workbench.spans import Ranges
from workbench.specs import digest, fingerprint
from workbench.store import Store

Ids = NDArray[np.int32]
Part = tuple[Document, Ranges, Sequence[str]]
"""A document, the spans of its chunks, and their headers or none at all."""

KIND = "terms"
"""The kind under which the store keeps the terms of a document's chunks."""

VERSION = 1
"""Raised with each change of what the analyser makes of a text."""

_TERM = 160  # bytes of a term in a vocabulary, about


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """A document's words in order, and the terms of each as numbers in `vocabulary`.

    A chunk's terms are those of its text alone. They are looked up here by offsets, and only a word that the chunk's
    edge cuts is analysed again, so that a change of chunk size does not analyse the whole document.
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
        """The bytes in memory beside the text, about."""
        arrays = (self.starts, self.ends, self.first, self.ids)
        return sum(a.nbytes for a in arrays) + _TERM * len(self.vocabulary)

    def chunk_terms(self, spans: Ranges) -> tuple[list[Ids], list[list[str]]]:
        """Return for each span its whole words' terms as ids, and the terms of the words that its edges cut."""
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


_kept: MemoryCache[Analysed] = MemoryCache(256_000_000, lambda found: found.bytes)


def analysed(document: Document) -> Analysed:
    """Return the document's words and terms; kept for the documents used last."""
    known = _kept.get(document.id)
    if known is None or known.text != document.text:  # an id is a hash of content, unless someone made it up
        known = _analyse(document.text)
        _kept.put(document.id, known)
    return known


def _analyse(text: str) -> Analysed:
    vocabulary: dict[str, int] = {}
    numbered: dict[str, tuple[int, ...]] = {}
    starts: list[int] = []
    ends: list[int] = []
    counts: list[int] = []
    numbers: list[int] = []
    for match in pattern(text).finditer(text):
        raw = match.group()
        own = numbered.get(raw)
        if own is None:
            own = numbered[raw] = tuple(vocabulary.setdefault(t, len(vocabulary)) for t in word_terms(raw))
        starts.append(match.start())
        ends.append(match.end())
        counts.append(len(own))
        numbers += own
    first = np.zeros(len(starts) + 1, np.int32)
    np.cumsum(counts, out=first[1:])
    return Analysed(text, as_ids(starts), as_ids(ends), first, as_ids(numbers), vocabulary)


def as_ids(values: Sequence[int]) -> Ids:
    """Return the numbers as int32."""
    return np.array(values, dtype=np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class DocumentTerms:
    """The terms of a document's chunks, row by row as numbers in `vocabulary`; row i has `sizes[i]` of them."""

    vocabulary: Sequence[str]
    ids: Ids
    sizes: Ids


def document_terms(document: Document, spans: Ranges, headers: Sequence[str]) -> DocumentTerms:
    """Return the terms of these chunks: of the text of each span and of its header, where there is one."""
    words = analysed(document)
    vocabulary = dict(words.vocabulary)

    def number(term: str) -> int:
        return vocabulary.setdefault(term, len(vocabulary))

    whole, cut = words.chunk_terms(spans)
    header_ids = {header: [number(t) for t in terms(header)] for header in set(headers)}
    rows: list[Ids] = [as_ids([])]
    for i, (own, edges) in enumerate(zip(whole, cut, strict=True)):
        extra = [number(term) for term in edges] + (header_ids[headers[i]] if headers else [])
        rows.append(np.concatenate([own, as_ids(extra)]) if extra else own)
    return DocumentTerms(tuple(vocabulary), np.concatenate(rows), as_ids([len(row) for row in rows[1:]]))


def documents_terms(parts: Iterable[Part], store: Store | None) -> Iterator[DocumentTerms]:
    """Yield `document_terms` of each part, from the store where they are there."""
    if store is None:
        return (document_terms(*part) for part in parts)
    return store.memo(
        KIND,
        parts,
        lambda part: _key(*part),
        lambda part: document_terms(*part),
        encoded,
        lambda data, part: decoded(data, len(part[1])),
    )


def _key(document: Document, spans: Ranges, headers: Sequence[str]) -> str:
    return fingerprint([VERSION, document.id, digest(spans.astype("<i4").tobytes()), list(headers)])


def encoded(found: DocumentTerms) -> bytes:
    """Return the terms as bytes; `decoded` reads them."""
    line = json.dumps([len(found.ids), len(found.sizes), *found.vocabulary], ensure_ascii=False)
    columns = found.ids.astype("<i4").tobytes() + found.sizes.astype("<i4").tobytes()
    return zlib.compress(line.encode("utf-8", "surrogatepass") + b"\n" + columns, 1)


def decoded(data: bytes, rows: int) -> DocumentTerms | None:
    """Return the terms that `encoded` wrote for this many chunks; None for bytes of another form."""
    try:
        line, _, columns = zlib.decompress(data).partition(b"\n")
        count, sizes, *vocabulary = json.loads(line.decode("utf-8", "surrogatepass"))
        both = np.frombuffer(columns, "<i4").astype(np.int32)
        found = DocumentTerms(vocabulary, both[:count], both[count:])
    except (TypeError, ValueError, zlib.error):
        return None
    sound = len(both) == count + sizes and sizes == rows and int(found.sizes.sum()) == count
    return found if sound and found.ids.min(initial=0) > -1 and found.ids.max(initial=-1) < len(vocabulary) else None
