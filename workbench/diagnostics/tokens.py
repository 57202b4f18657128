"""The size of chunks in a model's tokens, and the text of theirs that the model never sees."""

import numpy as np
from numpy.typing import NDArray

from workbench.documents import Chunks, Document
from workbench.embedders.static import token_runs
from workbench.spans import Ranges
from workbench.tokens import inside_word, token_offsets, tokenizer

Ints = NDArray[np.int64]


def chunk_tokens(document: Document, chunks: Chunks, name: str) -> Ints:
    """(n,) tokens of each chunk as it is embedded, header included, in the named tokenizer.

    Exact, and quick where tokens end at white space, since a chunk's tokens then are the document's between its ends;
    or where a text falls apart at known joints (`workbench.embedders.static`).
    """
    rules = tokenizer(name)
    if not rules.ends_at_space:
        runs = token_runs(document, chunks, name)
        return rules.counts(chunks.texts(document)) if runs is None else runs.counts
    starts = token_offsets(document.text, name)[:, 0]
    counts = np.searchsorted(starts, chunks.spans[:, 1]) - np.searchsorted(starts, chunks.spans[:, 0])
    if len(torn := np.flatnonzero(_torn(document.text, chunks.spans))):
        counts[torn] = rules.counts([document.text[start:end] for start, end in chunks.spans[torn].tolist()])
    return counts + rules.counts(chunks.headers) if chunks.headers else counts


def _torn(text: str, spans: Ranges) -> NDArray[np.bool_]:
    """(n,) whether an end of the span may lie inside a token: no white space on either side of it."""
    places, where = np.unique(spans, return_inverse=True)
    torn = np.array([inside_word(text, place) for place in places.tolist()], np.bool_)[where.reshape(spans.shape)]
    return torn[:, 0] | torn[:, 1]


def unseen(document: Document, chunks: Chunks, name: str, limit: int | None, tokens: Ints | None = None) -> Ranges:
    """(n, 2) the part of each chunk that lies beyond the model's `limit` of tokens and so never reaches its vector.

    Empty (end, end) where the chunk fits, and everywhere if `limit` is None. `tokens` are its `chunk_tokens`, if known.
    """
    out = np.repeat(chunks.spans[:, 1:], 2, axis=1)
    if limit is None:
        return out
    rules = tokenizer(name)
    for i in np.flatnonzero((chunk_tokens(document, chunks, name) if tokens is None else tokens) > limit).tolist():
        chunk = chunks[i]
        header = f"{chunk.header}\n\n" if chunk.header else ""
        cut = int(rules.offsets(header + document[chunk.span])[limit, 0])  # where the first lost token starts
        out[i, 0] = min(chunk.span.start + max(0, cut - len(header)), chunk.span.end)
    return out
