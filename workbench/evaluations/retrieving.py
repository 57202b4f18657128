"""What a pipeline retrieves for the questions of a golden set, as deep as the largest budget asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.embedders import Embedder, embed
from workbench.evaluations.contexts import Tokens
from workbench.indexes import Flat
from workbench.metrics import Budget
from workbench.pipelines import Pipeline
from workbench.records import Hit
from workbench.retrievers import MAX_K, Collection
from workbench.spans import Ranges
from workbench.store import Store
from workbench.vectors import Vectors


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
