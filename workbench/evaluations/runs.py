"""An evaluation as a run: plain values to keep, send and compare."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from workbench.evaluations.measuring import Evaluation
from workbench.golden import document_groups
from workbench.metrics import REVISION
from workbench.pipelines import to_mapping
from workbench.records import Asked, Question, Run, environment, golden_id
from workbench.statistics import clusters


def run_of(
    found: Evaluation,
    questions: Sequence[Question] | None = None,
    held_out: Iterable[str] = (),
    seed: int = 0,
    anatomy: Mapping[str, Any] | None = None,
) -> Run:
    """The evaluation as a run: plain values to keep, send and compare. The same every time, but for its seconds.

    `questions` is the golden set as it was before its passages were found again under another parser, so that runs
    under different parsers keep the same clusters and the same golden set's identity; without it, those of `found`.
    `held_out` are ids of questions that must not choose a winner, `anatomy` plain values of where answers were lost.
    """
    apart = frozenset(held_out)
    whole = found.questions if questions is None else tuple(questions)
    number = dict(zip((q.id for q in whole), clusters(whole).tolist(), strict=True))
    seen = found.seen or (False,) * len(found.questions)
    rows = zip(found.questions, found.tokens.tolist(), found.ranks, seen, strict=True)
    documents = document_groups(whole, {d.name: d.id for d in found.corpus})
    document = dict(zip((q.id for q in whole), documents.tolist(), strict=True))
    separation = found.abstention
    return Run(
        pipeline=to_mapping(found.pipeline),
        fingerprint=found.pipeline.fingerprint,
        label=found.pipeline.label,
        corpus=found.corpus.id,
        golden=golden_id(whole),
        definitions=found.definitions,
        metrics=found.metrics,
        questions=tuple(
            Asked(q.id, number[q.id], tokens, rank, tuple(q.tags), q.id in apart, document[q.id], trained)
            for q, tokens, rank, trained in rows
        ),
        values=tuple(tuple(row) for row in found.values.tolist()),
        unanswerable=found.unanswerable,
        chunks=found.chunks,
        index_bytes=found.index_bytes,
        seed=seed,
        seconds=dict(found.seconds),
        environment=environment(),
        abstention=asdict(separation) if separation else None,
        anatomy=anatomy,
        training_known=found.training_known,
        tokens_sent=found.tokens_sent,
        measures=REVISION,
    )
