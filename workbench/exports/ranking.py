"""`retriever.py` of an export: BM25 and what is fused with it, from the workbench's own source."""

import ast
import inspect
import textwrap
from dataclasses import fields
from functools import lru_cache

from workbench.exports.sources import NotExpressible, Place, vendored
from workbench.exports.splitting import SPEC, call, merged_imports
from workbench.retrievers import Collection, Retriever
from workbench.specs import Spec

_RETRIEVER = '''
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retriever(Spec):
    """How the best k chunks are found for a query."""
'''

_COLLECTION = '''
from collections.abc import Callable, Sequence

import numpy as np

from workbench.retrievers.analyser import terms
from workbench.retrievers.bm25 import counted


class Collection:
    """The chunks as rows, searched by their words and, where they have vectors, by meaning.

    `encode` gives a query's vector; `candidates(vector, k)` the rows among which the k nearest are, all by default;
    with `dot` the lengths of vectors count.
    """

    def __init__(
        self,
        texts: Sequence[str],
        vectors: NDArray[np.float32] | None = None,
        encode: Callable[[str], Sequence[float]] | None = None,
        candidates: Callable[[NDArray[np.float32], int], Rows] | None = None,
        dot: bool = False,
    ) -> None:
        vocabulary: dict[str, int] = {}
        rows = [np.array([vocabulary.setdefault(t, len(vocabulary)) for t in terms(text)], np.int32) for text in texts]
        self._terms = Terms.of(rows, vocabulary)
        self._indexes: dict[tuple[float, float, Words], Lexical] = {}
        self._vectors, self._encode, self._candidates = vectors, encode, candidates
        self._longest = float(np.linalg.norm(vectors, axis=1).max(initial=0.0)) if dot else None

    def lexical(self, query: str, k: int, k1: float, b: float, mask: None, words: Words) -> Ranking:
        """The best k rows by BM25; rows that share no term with the query are left out."""
        if (k1, b, words) not in self._indexes:
            self._indexes[k1, b, words] = Lexical(counted(self._terms, words), k1, b, words)
        scores = self._indexes[k1, b, words].scores(query)
        rows = np.flatnonzero(scores > 0)
        return best(rows, scores[rows], k)

    def dense(self, query: str, k: int, mask: None = None) -> Ranking:
        """The best k rows by their vectors; scores in steps of a millionth of the greatest, equal ones by row."""
        vector = np.asarray(self._encode(query), np.float32)
        rows = self._candidates(vector, k + 16) if self._candidates else np.arange(len(self._vectors))
        rows = np.sort(rows[rows >= 0])
        exact = np.multiply(self._vectors[rows], vector, dtype=np.float64).sum(axis=1)
        step = STEP if self._longest is None else STEP * self._longest * float(np.linalg.norm(vector))
        return best(rows, np.round(exact / step) * step if step else exact, k)

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """(len(rows), dim) the vectors of these rows."""
        return self._vectors[rows]
'''

_END = '''
RETRIEVER = {call}


def ranked(rows: Collection, query: str, k: int) -> list[tuple[int, float]]:
    """The best k chunks as (row, score), the best first."""
    found, scores = RETRIEVER.rank(rows, query, k, None)
    return list(zip(found.tolist(), scores.tolist(), strict=True))
'''


@lru_cache(maxsize=64)
def retriever_source(retriever: Retriever) -> str:
    """The text of `retriever.py`.

    Raises:
        NotExpressible: the retriever asks for more than BM25 and nearest vectors, or is built of others.
    """
    cls = type(retriever)
    _check(retriever)
    replaced: dict[Place, str] = {
        ("workbench.specs", "Spec"): SPEC,
        ("workbench.retrievers.methods", "Retriever"): _RETRIEVER,
        ("workbench.retrievers.collection", "Collection"): _COLLECTION,
        ("workbench.indexes", "TOLERANCE"): "",
    }
    roots = [(cls.__module__, cls.__name__), ("workbench.retrievers.collection", "Collection")]
    code = vendored(roots, replaced, ("rank",))
    code = code.replace("class Collection:", "STEP = 1e-6\n\n\nclass Collection:", 1)
    head = (
        f'"""The `{retriever.kind}` retriever: chunks ranked by their words and vectors.\n\n'
        "Written from the workbench's own source, cut down to what this retriever needs; `python -m workbench verify`\n"
        'holds it equal.\n"""\n\n'
    )
    return merged_imports(head, "", code + "\n" + _END.replace("{call}", call(retriever)))


_LEXICAL = ["self", "query", "k", "k1", "b", "mask", "words"]


def after_ranking(retriever: Retriever) -> str:
    """What is done to hits after their ranking, which exported code does not do; "" where nothing is."""
    expand, merge = retriever.expand, retriever.merge
    if expand != "none":
        return f"expand ({expand}) gives back more than the chunk that was found"
    return "merge joins hits that touch" if merge else ""


def _check(retriever: Retriever) -> None:
    """Refuse a retriever that does more than its `rank` says, or ranks by more than words and vectors."""
    cls = type(retriever)
    if "rank" not in vars(cls) or cls.__call__ is not Retriever.__call__ or cls._hits is not Retriever._hits:
        raise NotExpressible(f"the retriever {retriever.kind} does more than rank chunks")
    if why := after_ranking(retriever):
        raise NotExpressible(why)
    for f in fields(retriever):
        if isinstance(getattr(retriever, f.name), Spec):
            raise NotExpressible(f"{retriever.kind}.{f.name} is a method of its own")
    if list(inspect.signature(Collection.lexical).parameters) != _LEXICAL:
        raise NotExpressible("collections are searched in another way than exports know")
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(vars(cls)["rank"])))):
        if isinstance(node, ast.Call) and any(isinstance(a, ast.Name) and a.id == "collection" for a in node.args):
            raise NotExpressible(f"the retriever {retriever.kind} looks at more than words and nearest vectors")
        if not isinstance(node, ast.Attribute) or ast.unparse(node.value) != "collection":
            continue
        if node.attr not in ("lexical", "dense", "vectors"):
            raise NotExpressible(f"the retriever {retriever.kind} needs a collection's {node.attr}")
