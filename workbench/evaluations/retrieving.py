"""What a pipeline retrieves for the questions of a golden set, as deep as the largest budget asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.embedders import Embedder, embed
from workbench.indexes import Flat
from workbench.metrics import Budget
from workbench.pipelines import Pipeline
from workbench.records import Hit
from workbench.retrievers import MAX_K, Collection
from workbench.spans import Ranges, Span
from workbench.store import Store
from workbench.tokens import tokenizer
from workbench.vectors import Vectors

CONTEXT_TOKENIZER = "cl100k_base"
"""What context is counted in: the same for every pipeline, so that budgets of tokens compare."""


class Tokens:
    """Tokens of hits in `CONTEXT_TOKENIZER`, each chunk's text counted once, its header not."""

    def __init__(self, rows: Collection) -> None:
        self._corpus = rows.corpus
        self._rules = tokenizer(CONTEXT_TOKENIZER)
        self._known: dict[Span, int] = {}

    def of(self, hit: Hit) -> int:
        """The tokens of a hit's text."""
        if hit.span not in self._known:  # not by chunk: merged hits have other spans from query to query
            self._known[hit.span] = int(self._rules.counts([self._corpus[hit.span]])[0])
        return self._known[hit.span]

    def end(self, span: Span, n: int) -> int:
        """Where the first n tokens of a span end; a character that lies in two tokens goes with the second."""
        offsets = self._rules.offsets(self._corpus[span])
        return span.start + int(offsets[n, 0]) if n < len(offsets) else span.end


def retrieved(
    rows: Collection, queries: list[str], pipeline: Pipeline, budgets: set[Budget], sizes: Tokens
) -> tuple[list[list[Hit]], list[list[Hit]]]:
    """Each query's hits at the pipeline's own k, and its hits down to what the largest budget needs."""
    ask, k = pipeline.retriever, pipeline.k
    most = max((b.amount for b in budgets if b.tokens), default=0)
    depth = max([k, *(b.amount for b in budgets if not b.tokens)])
    if most and len(rows):
        usual = max(1.0, float(np.diff(rows.spans).mean()) / 4)  # tokens of a chunk, at about 4 characters each
        depth = max(depth, min(int(1.5 * most / usual) + 1, MAX_K))
    deep = ask(rows, queries, depth)
    pending = list(range(len(queries)))
    while pending and depth < min(MAX_K, len(rows)):
        pending = [i for i in pending if len(deep[i]) == depth and sum(sizes.of(h) for h in deep[i]) < most]
        depth = min(2 * depth, MAX_K)
        for i, hits in zip(pending, ask(rows, [queries[i] for i in pending], depth), strict=True):
            deep[i] = hits
    # Asked for more, an approximate index looks further, a fusion weighs more candidates, and hits that are merged are
    # made of more: then k is asked for apart.
    steady = (not ask.needs_vectors or isinstance(pipeline.index, Flat)) and not getattr(ask, "merge", False)
    if steady and depth <= getattr(ask, "depth", depth):
        return [hits[:k] for hits in deep], deep
    return ask(rows, queries, k), deep


@dataclass(frozen=True, slots=True)
class Asker:
    """Encodes queries as the embedder does, each alone, and keeps their vectors in the store: sets are asked often."""

    embedder: Embedder
    store: Store | None

    @property
    def fingerprint(self) -> str:
        return self.embedder.fingerprint

    @property
    def alone(self) -> bool:
        """It encodes each query as if it came alone."""
        return True

    def encode_query(self, texts: Sequence[str], /) -> Vectors:
        return embed(self.embedder, texts, self.store, queries=True)


def columns(rows: Collection) -> dict[str, Ranges]:
    """Document → the ranges of its chunks."""
    numbers = rows.document_index
    return {d.id: rows.spans[numbers == i] for i, d in enumerate(rows.corpus)}
