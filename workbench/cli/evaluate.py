"""`evaluate`: how well a pipeline finds the passages of a golden set."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench.anatomy import Anatomy, explain, findings, step_of
from workbench.cli import DONE
from workbench.cli.files import corpus_of, originals, store_here
from workbench.cli.flags import Flags, add_unit, pipeline_file
from workbench.cli.metrics import METRICS, metrics_of
from workbench.cli.output import Progress, count, number, shown, write_json
from workbench.cli.questions import GOLDEN, golden_of
from workbench.evaluations import CONTEXT_TOKENIZER, Evaluation, evaluate, run_of
from workbench.golden import document_groups
from workbench.pipelines import Pipeline
from workbench.records import write_run
from workbench.statistics import LEVEL, Interval, population

_SEED = 0


def run(arguments: list[str]) -> int:
    """Write each metric's mean with its interval; with --per-question, every question's values too."""
    flags = Flags(
        "evaluate",
        "Each metric's mean over the questions with its 95 % interval. Questions marked unanswerable are counted "
        "apart; a row of the golden set that cannot be taken is named, and makes the exit status 2. A passage that the "
        "parsed text does not hold counts as lost.",
    )
    flags.add_argument("docs", nargs="+", metavar="DOCS", help="files, or folders of them")
    flags.add_argument("--golden", required=True, metavar="G", help=GOLDEN)
    flags.add_argument("--config", metavar="P.yaml", help="a pipeline file (the default pipeline without it)")
    flags.add_argument(
        "--metrics",
        default="workbench",
        metavar="NAMES",
        help=METRICS,
    )
    flags.add_argument("--per-question", action="store_true", help="the values of each question")
    flags.add_argument("--no-anatomy", action="store_true", help="do not tell where answers were lost")
    flags.add_argument("--out", metavar="RUN.json", help="keep the run, for compare and check")
    add_unit(flags)
    given = flags.read(arguments)
    metrics, letter = metrics_of(given["metrics"])
    pipeline = pipeline_file(given["config"]) if given["config"] else Pipeline()

    store = store_here()
    corpus, status = corpus_of(given["docs"], pipeline.parser, store, "evaluate on")
    questions, refused = golden_of(given["golden"], corpus)
    population(document_groups([q for q in questions if q.answerable]), given["unit"])  # refused before measuring
    progress = Progress("embedding", "chunks")
    found = evaluate(corpus, questions, pipeline, metrics, to_the_letter=letter, store=store, progress=progress)
    anatomy = None
    if not letter and not given["no_anatomy"]:
        progress = Progress("embedding", "lost chunks with the text around them")
        anatomy = explain(found, store, embedding=progress, original=originals(given["docs"]), unit=given["unit"])
    if given["out"]:
        plain = anatomy.to_dict(per_question=True) if anatomy else None
        write_run(run_of(found, questions, seed=_SEED, anatomy=plain), Path(given["out"]))
    if given["json"]:
        write_json(_result(found, anatomy, given["per_question"], given["unit"]))
    else:
        print(_text(found, anatomy, given["per_question"], given["unit"]))
    return refused or status or DONE


def _result(found: Evaluation, anatomy: Anatomy | None, per_question: bool, unit: str | None) -> dict[str, Any]:
    who = found.population(unit)
    out: dict[str, Any] = {
        "pipeline": found.pipeline.fingerprint,
        "label": found.pipeline.label,
        "corpus": found.corpus.id,
        "documents": len(found.corpus),
        "chunks": found.chunks,
        "questions": len(found.questions),
        "unanswerable": found.unanswerable,
        "definitions": found.definitions,
        "metrics": {name: _plain(one) for name, one in found.intervals(unit, _SEED).items()},
        "training": _training(found),
        "tokens_per_query": float(found.tokens.mean()),
        "tokenizer": CONTEXT_TOKENIZER,
        "level": LEVEL,
        "unit": who.unit,
        "population": who.words,
        "seed": _SEED,
        "seconds": found.seconds,
    }
    if separation := found.abstention:
        out["abstention"] = asdict(separation)
    if anatomy:
        out["anatomy"] = anatomy.to_dict(per_question) | {"next": _next(found, anatomy)}
    if per_question:
        out["per_question"] = [
            {"id": question.id, "question": question.text} | dict(zip(found.metrics, values, strict=True))
            for question, values in zip(found.questions, found.values.tolist(), strict=True)
        ]
    return out


def _training(found: Evaluation) -> dict[str, Any] | None:
    """What of the questions was seen in training, with their ids; None where nothing was."""
    plain = found.judging.to_dict()
    return plain and plain | {"questions": [q.id for q, seen in zip(found.questions, found.seen, strict=True) if seen]}


def _next(found: Evaluation, anatomy: Anatomy) -> list[dict[str, Any]]:
    """What to try next for each cause, the largest loss first."""
    why = findings(anatomy.causes(), found.pipeline, str(anatomy.budget))
    return [{"cause": one.cause, "loss": one.loss} | asdict(one.remedy) for one in why if one.remedy]


def _plain(one: Interval) -> dict[str, Any]:
    """The interval with null for ends that cannot be known, which JSON has no number for."""
    return {key: number(value) for key, value in asdict(one).items()}


def _text(found: Evaluation, anatomy: Anatomy | None, per_question: bool, unit: str | None) -> str:
    lines = [f"{'metric':<22}{'mean':>9}{'low':>9}{'high':>9}{'sd':>9}"]
    for name, one in found.intervals(unit, _SEED).items():
        lines.append(f"{name:<22}" + "".join(f"{_cell(v):>9}" for v in (one.mean, one.low, one.high, one.sd)))
    apart = f", {found.unanswerable} unanswerable ones apart" if found.unanswerable else ""
    asked, chunks = count(len(found.questions), "question"), count(found.chunks, "chunk")
    lines.append(f"{asked}{apart}; {chunks}; {found.pipeline.label}")
    who = found.population(unit)
    lines.append(f"95 % CIs hold for {who.words}" + (f": {who.caution}" if who.caution else ""))
    if note := found.judging.note:
        lines.append(note)
    if anatomy:
        lines += _where(anatomy, found.pipeline)
    if per_question:
        for question, values in zip(found.questions, found.values.tolist(), strict=True):
            lines.append("".join(f"{_cell(v):>9}" for v in values) + f"  {shown(question.text)}")
    return "\n".join(lines)


def _where(anatomy: Anatomy, pipeline: Pipeline) -> list[str]:
    """Where answers were lost: the sentence, a line for each step, and for each cause one with what to try next."""
    lines = [f"within {anatomy.budget.words}: {anatomy.sentence()}"]
    why = findings(anatomy.causes(), pipeline, str(anatomy.budget))
    for bar in anatomy.waterfall():
        ends = [math.nan if bar[end] is None else bar[end] for end in ("low", "high")]
        cells = "".join(f"{_cell(v):>9}" for v in (bar["loss"], *ends))
        lines.append(f"  {'lost to ' + bar['word']:<18}{cells}  {count(bar['questions'], 'question')}")
        for one in why:
            if step_of(one.cause) == bar["step"]:
                lines.append(f"    {_cell(one.loss)} of it {one.words}: {count(one.questions, 'question')}")
                lines += [f"          next: {one.remedy.line}"] if one.remedy else []
    if anatomy.embedded:
        lines.append(f"{anatomy.embedded:,} texts were embedded to try lost chunks with the text around them")
    return lines


def _cell(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.0f}" if value >= 10 else f"{value:.3f}"
