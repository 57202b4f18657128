"""What the workbench has measured of a project, as plain values, and what of it helps to answer the audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from workbench.documents import Corpus
from workbench.records import Question
from workbench.sweeps import Leaderboard


@dataclass(frozen=True, slots=True)
class Facts:
    """Measured facts; None or "" where nobody has measured. `recall` is that of `metric` for the configuration `label`.

    `ceiling` is the best recall that any ranking of these chunks could reach; `replaced` documents were exchanged for a
    newer file; `seconds` are of each stage of the run, `asked` the queries that these include.
    """

    documents: int = 0
    characters: int = 0
    formats: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    replaced: int = 0
    questions: int = 0
    unanswerable: int = 0
    label: str = ""
    model: str = ""
    max_tokens: int | None = None
    chunks: int = 0
    index_bytes: int = 0
    k: int = 0
    metric: str = ""
    recall: float | None = None
    low: float | None = None
    high: float | None = None
    ceiling: float | None = None
    losses: str = ""
    tokens_per_query: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    asked: int = 0
    verdict: str = ""
    configurations: int = 0

    @property
    def seconds_per_query(self) -> float | None:
        """Seconds of retrieval alone; None where it was not measured."""
        took = self.seconds.get("search", self.seconds.get("retrieve"))
        return took / self.asked if took is not None and self.asked else None


def beside(facts: Facts) -> dict[str, str]:
    """Map questions to measurements that help to answer them. No measurement answers one by itself.

    Documents that were uploaded need not be what answers must come from; and questions with passages are there to
    measure retrieval by, and are no examples of answers to train on.
    """
    out = {}
    if facts.documents:
        out["documents"] = f"{facts.documents:,} documents with {facts.characters:,} characters are in this workspace"
        out["change"] = f"{facts.replaced:,} of {facts.documents:,} documents were replaced by newer files so far"
    if facts.questions:
        out["examples"] = (
            f"the {facts.questions:,} questions of the golden set are no such examples: they measure retrieval, and "
            "whatever is trained on them is judged by memory"
        )
    if facts.tokens_per_query is not None:
        speed = f", retrieval took {1000 * facts.seconds_per_query:.1f} ms" if facts.seconds_per_query else ""
        out["volume"] = f"a query hands over {facts.tokens_per_query:,.0f} tokens of context{speed}"
    if facts.recall is not None:
        best = f" of at most {facts.ceiling:.2f} by any ranking of these chunks" if facts.ceiling is not None else ""
        out["citations"] = f"{facts.metric} is {facts.recall:.2f}{best}: so often is there something to cite"
    return out


def facts_of(
    corpus: Corpus,
    questions: Sequence[Question],
    replaced: int = 0,
    board: Leaderboard | None = None,
    chosen: str = "",
    anatomy: Mapping[str, Any] | None = None,
) -> Facts:
    """Return what is known of a corpus, its golden set and, with a leaderboard, of the chosen run (else the leader)."""
    answerable = sum(q.answerable for q in questions)
    base = Facts(
        documents=len(corpus),
        characters=corpus.characters,
        formats=tuple(sorted({PurePath(d.name).suffix.lstrip(".").lower() or "none" for d in corpus})),
        languages=tuple(sorted({d.language for d in corpus if d.language})),
        replaced=replaced,
        questions=answerable,
        unanswerable=len(questions) - answerable,
    )
    if board is None:
        return base
    row = next((row for row in board.rows if row.run.fingerprint == chosen), board.rows[0])
    run, one = row.run, row.interval
    embedder = run.pipeline.get("embedder", {})
    losses = anatomy or run.anatomy
    steps = losses["steps"] if losses else None
    known = one.low == one.low
    return replace(
        base,
        label=row.name,
        model=str(embedder.get("model", "")) if run.pipeline.get("retriever", {}).get("kind") != "bm25" else "",
        chunks=run.chunks,
        index_bytes=run.index_bytes,
        k=int(run.pipeline.get("k", 0)),
        metric=board.metric,
        recall=one.mean,
        low=one.low if known else None,
        high=one.high if known else None,
        ceiling=1 - sum(steps[name]["mean"] for name in ("parse", "budget", "boundary")) if steps else None,
        losses=str(losses["sentence"]) if losses else "",
        tokens_per_query=run.tokens_per_query,
        seconds=dict(run.seconds),
        asked=len(run.questions) + run.unanswerable,
        verdict=board.decision.sentence,
        configurations=len(board.rows),
    )
