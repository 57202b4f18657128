"""Documents analysed once, and the terms of any chunk of them, which the store keeps where there are many."""

import json
import logging
import threading
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Document
from workbench.errors import StoreError
from workbench.retrievers.analyser import pattern, terms, word_terms
from workbench.spans import Ranges
from workbench.specs import digest, fingerprint
from workbench.store import Store

log = logging.getLogger(__name__)

Ids = NDArray[np.int32]
Part = tuple[Document, Ranges, Sequence[str]]
"""A document, the spans of its chunks, and their headers or none at all."""

KIND = "terms"
"""The kind under which the store keeps the terms of a document's chunks."""

VERSION = 1
"""Goes up with every change of what the analyser makes of a text."""

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
    """The numbers as an array."""
    return np.array(values, dtype=np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class DocumentTerms:
    """The terms of a document's chunks: row by row as numbers in `vocabulary`, of each row so many as `sizes` says."""

    vocabulary: Sequence[str]
    ids: Ids
    sizes: Ids


def document_terms(document: Document, spans: Ranges, headers: Sequence[str]) -> DocumentTerms:
    """The terms of these chunks: of the text of each span and of its header, where there is one."""
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


def documents_terms(parts: Sequence[Part], store: Store | None) -> list[DocumentTerms]:
    """`document_terms` of each, from the store where they are there."""
    keys = [_key(*part) for part in parts] if store else []
    known = store.get_many(KIND, keys) if store else {}
    out: list[DocumentTerms] = []
    new: dict[str, bytes] = {}
    for i, part in enumerate(parts):
        data = known.get(keys[i]) if store else None
        found = None if data is None else decoded(data, len(part[1]))
        if found is None:
            found = document_terms(*part)
            if store:
                new[keys[i]] = encoded(found)
        out.append(found)
    if store and new:
        try:
            store.put_many(KIND, new)
        except StoreError as error:
            log.warning("the terms of %d documents are not kept: %s", len(new), error)
    return out


def _key(document: Document, spans: Ranges, headers: Sequence[str]) -> str:
    return fingerprint([VERSION, document.id, digest(spans.astype("<i4").tobytes()), list(headers)])


def encoded(found: DocumentTerms) -> bytes:
    """The terms as bytes; `decoded` gives them back."""
    line = json.dumps([len(found.ids), len(found.sizes), *found.vocabulary], ensure_ascii=False)
    columns = found.ids.astype("<i4").tobytes() + found.sizes.astype("<i4").tobytes()
    return zlib.compress(line.encode("utf-8", "surrogatepass") + b"\n" + columns, 1)


def decoded(data: bytes, rows: int) -> DocumentTerms | None:
    """The terms that `encoded` wrote of so many chunks; None where they are of another form."""
    try:
        line, _, columns = zlib.decompress(data).partition(b"\n")
        count, sizes, *vocabulary = json.loads(line.decode("utf-8", "surrogatepass"))
        both = np.frombuffer(columns, "<i4").astype(np.int32)
        found = DocumentTerms(vocabulary, both[:count], both[count:])
    except (TypeError, ValueError, zlib.error):
        return None
    sound = len(both) == count + sizes and sizes == rows and int(found.sizes.sum()) == count
    return found if sound and found.ids.min(initial=0) > -1 and found.ids.max(initial=-1) < len(vocabulary) else None
