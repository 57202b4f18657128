"""What a pipeline retrieves for questions, and the size of hits in tokens.

Tokens of hits are counted from those of their documents: another chunking asks for other parts of the same texts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Corpus, Document
from workbench.indexes import Flat
from workbench.memory_cache import MemoryCache, cached
from workbench.metrics import Budget
from workbench.pipelines import Pipeline
from workbench.records import Hit
from workbench.retrievers import MAX_K, Collection
from workbench.spans import Ranges, Span
from workbench.tokens import tokenizer

CONTEXT_TOKENIZER = "cl100k_base"
"""The tokenizer in which context is counted: the same for every pipeline, so that budgets of tokens compare."""

Ints = NDArray[np.int64]

# Before a space after a letter, cl100k always splits: its pattern takes letters with at most one sign before
# them, and nothing behind them. Source: tiktoken, the pattern of cl100k_base.
_JOINT = re.compile("(?<=[A-Za-z]) ")


class Tokens:
    """Tokens of hits in `CONTEXT_TOKENIZER`, headers left out; each text counted once."""

    def __init__(self, rows: Collection) -> None:
        self._corpus: Corpus = rows.corpus
        self._known: dict[Span, int] = {}

    def of(self, hit: Hit) -> int:
        """Return the tokens of a hit's text."""
        try:
            return self._known[hit.span]  # not by chunk: merged hits have other spans from query to query
        except KeyError:
            self.count([hit])
            return self._known[hit.span]

    def count(self, hits: Sequence[Hit]) -> None:
        """Count many hits at once, which is quicker than one by one."""
        by_document: dict[str, list[Span]] = {}
        for span in dict.fromkeys(h.span for h in hits if h.span not in self._known):
            by_document.setdefault(span.document, []).append(span)
        for id, spans in by_document.items():
            document = self._corpus.document(id)
            if (whole := _whole(document, sum(map(len, spans)))) is None:
                counts = tokenizer(CONTEXT_TOKENIZER).counts([document[span] for span in spans])
            else:
                counts = whole.counts(document.text, np.array([(s.start, s.end) for s in spans]))
            self._known.update(zip(spans, counts.tolist(), strict=True))

    def end(self, span: Span, n: int) -> int:
        """Return where the first n tokens of a span end; a character that lies in two tokens goes with the second."""
        document = self._corpus.document(span.document)
        if (whole := _whole(document, len(span))) is not None and (end := whole.end(document.text, span, n)):
            return end
        offsets = tokenizer(CONTEXT_TOKENIZER).offsets(document[span])
        return span.start + int(offsets[n, 0]) if n < len(offsets) else span.end


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """A document's token starts (t,), its joints (j,), and how many tokens start before each joint."""

    starts: Ints
    joints: Ints
    before: Ints

    @property
    def bytes(self) -> int:
        """Bytes of the arrays."""
        return self.starts.nbytes + self.joints.nbytes + self.before.nbytes

    def counts(self, text: str, spans: Ints) -> Ints:
        """Return (n,) the tokens of each span's text alone; between its outer joints they are the document's."""
        first = np.searchsorted(self.joints, spans[:, 0], "right")
        last = np.searchsorted(self.joints, spans[:, 1], "right") - 1
        inside = first <= last
        out = np.zeros(len(spans), np.int64)
        out[inside] = self.before[last[inside]] - self.before[first[inside]]
        ends = []
        for start, end, a, b in np.column_stack([spans, first, last]).tolist():
            if a <= b:
                ends += [text[start : self.joints[a]], text[self.joints[b] : end]]
            else:
                ends += [text[start:end], ""]
        counted = tokenizer(CONTEXT_TOKENIZER).counts(ends)
        out += counted[::2] + counted[1::2]
        return out

    def end(self, text: str, span: Span, n: int) -> int:
        """Return where the first n tokens of a span end; 0 where that is not between its joints."""
        first = int(np.searchsorted(self.joints, span.start, "right"))
        last = int(np.searchsorted(self.joints, span.end, "right")) - 1
        if first > last:
            return 0
        head = int(tokenizer(CONTEXT_TOKENIZER).counts([text[span.start : self.joints[first]]])[0])
        at = int(self.before[first]) + n - head
        return int(self.starts[at]) if self.before[first] <= at < self.before[last] else 0


_counted: MemoryCache[int] = MemoryCache(10_000, lambda characters: 1)  # of each document; so many documents


def _whole(document: Document, characters: int) -> _Whole | None:
    """Return the document's tokens once as many characters of it were counted as it has: before, that costs more."""
    counted = (_counted.get(document.id) or 0) + characters
    _counted.put(document.id, counted)
    return _tokenised(document) if counted > len(document.text) else None


@cached(256 << 20, lambda whole: whole.bytes, key=lambda document: (document.id, hash(document.text)))
def _tokenised(document: Document) -> _Whole:
    starts = tokenizer(CONTEXT_TOKENIZER).offsets(document.text)[:, 0].copy()
    joints = np.array([m.start() for m in _JOINT.finditer(document.text)], np.int64)
    return _Whole(starts, joints, np.searchsorted(starts, joints))


def retrieved(
    rows: Collection, queries: list[str], pipeline: Pipeline, budgets: set[Budget], sizes: Tokens
) -> tuple[list[list[Hit]], list[list[Hit]]]:
    """Return each query's hits at the pipeline's own k, and its hits down to what the largest budget needs."""
    ask, k = pipeline.retriever, pipeline.k
    most = max((b.amount for b in budgets if b.tokens), default=0)
    depth = max([k, *(b.amount for b in budgets if not b.tokens)])
    if most and len(rows):
        usual = max(1.0, float(np.diff(rows.spans).mean()) / 4)  # tokens of a chunk, at about 4 characters each
        depth = max(depth, min(int(1.5 * most / usual) + 1, MAX_K))
    deep = ask(rows, queries, depth)
    sizes.count([hit for hits in deep for hit in hits])
    pending = list(range(len(queries)))
    while pending and depth < min(MAX_K, len(rows)):
        pending = [i for i in pending if len(deep[i]) == depth and sum(sizes.of(h) for h in deep[i]) < most]
        depth = min(2 * depth, MAX_K)
        for i, hits in zip(pending, ask(rows, [queries[i] for i in pending], depth), strict=True):
            deep[i] = hits
        sizes.count([hit for i in pending for hit in deep[i]])
    # Asked for more, an approximate index looks further, a fusion weighs more candidates, and hits that are merged are
    # made of more: then k is asked for apart.
    steady = (not ask.needs_vectors or isinstance(pipeline.index, Flat)) and not getattr(ask, "merge", False)
    if steady and depth <= getattr(ask, "depth", depth):
        return [hits[:k] for hits in deep], deep
    return ask(rows, queries, k), deep


def columns(rows: Collection) -> dict[str, Ranges]:
    """Return document → (n, 2) the ranges of its chunks."""
    numbers = rows.document_index
    return {d.id: rows.spans[numbers == i] for i, d in enumerate(rows.corpus)}
