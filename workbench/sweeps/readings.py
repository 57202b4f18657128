"""What a model reads of a chunking, in tokens: the price of a configuration before anything of it is embedded."""

from dataclasses import dataclass

import numpy as np

from workbench.embedders import Embedder
from workbench.embedders.static import document_tokens
from workbench.retrievers import Collection
from workbench.sweeps.bounds import Ints

_SPECIAL = 2  # tokens around a text
_CHARACTERS = 4  # of a token, where the tokens are not known


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The distinct texts of a chunking as the model is given them: (n,) what tells them apart, (n,) their tokens.

    Two chunks that begin at one place, and that the model cuts off at another, are one text. `total` counts every
    chunk, as a plain loop embeds it.
    """

    texts: Ints
    tokens: Ints
    total: int

    def new(self, read: Ints) -> int:
        """The tokens of the texts that are not among those that were read."""
        return int(self.tokens[~np.isin(self.texts, read)].sum())


def reading(rows: Collection, embedder: Embedder) -> Reading:
    """What embedding these rows takes; headers left out, which add little."""
    limit = embedder.max_tokens or 1 << 20
    texts, counts, offset = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
    firsts = np.searchsorted(rows.document_index, np.arange(len(rows.corpus) + 1)).tolist()
    for document, first, last in zip(rows.corpus, firsts[:-1], firsts[1:], strict=True):
        spans = rows.spans[first:last]
        if (known := document_tokens(document.text, embedder.tokenizer)) is not None:
            bounds = known.before(spans)
            size = np.minimum(bounds[:, 1] - bounds[:, 0], limit)
            seen = size
        else:
            bounds = spans
            seen = np.minimum(spans[:, 1] - spans[:, 0], _CHARACTERS * limit)
            size = -(-seen // _CHARACTERS)
        texts.append((offset + bounds[:, 0]) * (_CHARACTERS * limit + 1) + seen)
        counts.append(size + _SPECIAL)
        offset += len(document.text) + 1
    every, tokens = np.concatenate(texts), np.concatenate(counts)
    distinct, first = np.unique(every, return_index=True)
    return Reading(distinct, tokens[first], int(tokens.sum()))
