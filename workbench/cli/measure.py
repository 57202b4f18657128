"""Commands that measure a pipeline on a golden set: evaluate, compare, check, adapt."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.adaptation import (
    DISTANCE,
    FOLDS,
    Curve,
    Point,
    learn_adapter,
    learning_curve,
    material,
    with_adapter,
)
from workbench.anatomy import Anatomy, explain, findings, step_of
from workbench.cli import CANNOT_TELL, DONE, NOT_HELD
from workbench.cli.flags import (
    GOLDEN,
    METRICS,
    Flags,
    add_unit,
    corpus_of,
    golden_of,
    metrics_of,
    originals,
    pipeline_file,
    store_here,
)
from workbench.cli.output import Progress, count, numbers, shown, warn, write_json
from workbench.embedders import Adapter
from workbench.errors import RunError, SpecError
from workbench.evaluations import CONTEXT_TOKENIZER, Evaluation, evaluate, run_of
from workbench.golden import document_groups
from workbench.metrics import REVISION, bounds_of
from workbench.pipelines import Pipeline, to_yaml
from workbench.records import Question, Run, read_run, write_run
from workbench.statistics import (
    LEVEL,
    MIN_QUESTIONS,
    Comparison,
    Population,
    Sight,
    population,
    questions_to_settle,
    sight,
)
from workbench.sweeps import METRIC, Aligned, aligned, check_measures, more_questions, names
from workbench.tasks import Task

_SEED = 0


def run_evaluate(arguments: list[str]) -> int:
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
    flags.add_argument("--no-anatomy", action="store_true", help="do not say where answers were lost")
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
        write_json(_evaluation_json(found, anatomy, given["per_question"], given["unit"]))
    else:
        print(_evaluation_text(found, anatomy, given["per_question"], given["unit"]))
    return refused or status or DONE


def _evaluation_json(
    found: Evaluation, anatomy: Anatomy | None, per_question: bool, unit: str | None
) -> dict[str, Any]:
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
        "metrics": {name: numbers(one) for name, one in found.intervals(unit, _SEED).items()},
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
    """Return which questions were seen in training, with their ids; None where none was."""
    plain = found.judging.to_dict()
    return plain and plain | {"questions": [q.id for q, seen in zip(found.questions, found.seen, strict=True) if seen]}


def _next(found: Evaluation, anatomy: Anatomy) -> list[dict[str, Any]]:
    """Return what to try next for each cause, the largest loss first."""
    why = findings(anatomy.causes(), found.pipeline, str(anatomy.budget))
    return [{"cause": one.cause, "loss": one.loss} | asdict(one.remedy) for one in why if one.remedy]


def _evaluation_text(found: Evaluation, anatomy: Anatomy | None, per_question: bool, unit: str | None) -> str:
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
    """Say where answers were lost: a line for each step, and for each cause one with what to try next."""
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


def run_compare(arguments: list[str]) -> int:
    """Write the paired difference A − B with its interval, p, wins, ties and losses."""
    flags = Flags("compare", "How far run A is above run B, question by question, and whether chance could do that.")
    flags.add_argument("a", metavar="RUN_A", help="a run's file, as evaluate --out and sweep write it")
    flags.add_argument("b", metavar="RUN_B", help="the other")
    flags.add_argument("--metric", metavar="M", help=f"what to compare (default {METRIC}, where both have it)")
    add_unit(flags)
    given = flags.read(arguments)
    a, b = read_run(Path(given["a"])), read_run(Path(given["b"]))
    check_measures([a, b])
    metric = chosen_metric([a, b], given["metric"])
    found, who = paired(a, b, metric, given["unit"])
    more, advice = None, ""
    if found.is_enough and not found.is_settled and found.ties < found.n:
        more = further(a, b, metric, who)
        advice = more_questions(found.n, more)
    text = sentence(found, who, metric, advice)
    rule = aligned([a, b], metric).judging
    first, second = names([a, b])
    if given["json"]:
        values = numbers(found)
        labels = {"a": a.fingerprint, "b": b.fingerprint, "label_a": first, "label_b": second, "metric": metric}
        settings = {"unit": who.unit, "population": who.words, "level": LEVEL, "seed": _SEED}
        values |= {"training": rule.to_dict()}
        write_json(labels | values | {"more_questions": more, "sentence": text} | settings)
    else:
        print(f"A  {shown(first)}\nB  {shown(second)}\n{text}")
        if rule.note:
            print(rule.note)
    return DONE


def chosen_metric(runs: list[Run], wanted: str | None) -> str:
    """Return the metric to compare by: the wanted one, else the default, else the first that all runs have.

    Raises:
        RunError: no such metric.
    """
    shared = [m for m in runs[0].metrics if all(m in run.metrics for run in runs)]
    if wanted is not None and wanted not in shared:
        raise RunError(f"--metric ({wanted!r}) must be one that both runs have: {', '.join(shared) or 'there is none'}")
    if not shared:
        raise RunError("the runs have no metric in common; evaluate both with the same definitions and k")
    return wanted or (METRIC if METRIC in shared else shared[0])


def paired(a: Run, b: Run, metric: str, unit: str | None = None) -> tuple[Comparison, Population]:
    """Compare run a with run b on their shared questions; what does not match is reported on stderr.

    Raises:
        RunError: no shared question, or one metric by two definitions or revisions.
        SpecError: a unit of resampling that cannot be had.
    """
    found = aligned([a, b], metric)
    apart = len({q.id for q in a.questions} ^ {q.id for q in b.questions})
    if apart:
        warn(f"warning: {apart:,} questions are in one run only and left out; {len(found.questions):,} are compared")
    elif a.golden != b.golden:
        warn("warning: the golden sets are not the same, though their questions have the same ids")
    if a.corpus != b.corpus:
        warn("warning: the runs were made on different documents")
    return found.compare(metric, unit, _SEED), population(found.documents, unit)


def further(a: Run, b: Run, metric: str, who: Population) -> int | None:
    """Return about how many more questions would show which of two runs is better; None where unknown."""
    found = aligned([a, b], metric)
    documents, bounds = who.grouped(found.documents), bounds_of(metric)
    return questions_to_settle(found.values, found.clusters, 0, documents=documents, bounds=bounds, seed=_SEED)


def sentence(found: Comparison, who: Population, metric: str, advice: str = "") -> str:
    """Put a comparison into words: `recall@5: A is 0.021 above B [+0.004, +0.039], p = 0.013; 18 won, …`.

    `advice` says how many more questions would settle what is inconclusive, where somebody asked.
    """
    way = "above" if found.difference > 0 else "below" if found.difference < 0 else "as high as"
    much = "" if found.difference == 0 else f"{abs(found.difference):.3f} "
    span = "" if found.low != found.low else f" [{found.low:+.3f}, {found.high:+.3f}]"
    counts = f"{found.wins} won, {found.ties} tied, {found.losses} lost"
    if found.n < MIN_QUESTIONS:
        few = f"too few questions to compare ({found.n}; at least {MIN_QUESTIONS} are needed)"
        return f"{few}; {metric}: A is {much}{way} B; {counts}"
    if found.clusters < 2:
        return f"too little to compare: all questions share one passage; {metric}: A is {much}{way} B; {counts}"
    text = f"{metric}: A is {much}{way} B{span}, p = {found.p:.3g}; {counts}"
    if not found.is_settled:
        text += "; inconclusive" + (f": {advice}" if advice else "")
    return f"{text}. Holds for {who.words}" + (f": {who.caution}" if who.caution else "")


_MOST = 50  # questions that fell and are written for people; --json has all


def run_check(arguments: list[str]) -> int:
    """Exit 1 only where the pipeline is significantly below the baseline, 4 where no drop could have been seen."""
    flags = Flags(
        "check",
        "Measures a pipeline and compares it with a run that was kept. The exit status is 1 only where it is "
        f"significantly worse (the paired difference's {LEVEL:.0%} interval lies below 0), 4 where the gate could not "
        "have seen any drop; questions that fell are named.".replace("%", " %%"),
    )
    flags.add_argument("docs", nargs="+", metavar="DOCS", help="files, or folders of them")
    flags.add_argument("--golden", required=True, metavar="G", help=GOLDEN)
    flags.add_argument("--config", required=True, metavar="P.yaml", help="a pipeline file")
    flags.add_argument("--baseline", required=True, metavar="RUN.json", help="the run to hold it against")
    flags.add_argument("--metric", metavar="M", help=f"what to compare (default {METRIC}, where the baseline has it)")
    flags.add_argument("--out", metavar="RUN.json", help="keep this run, to be a baseline later")
    add_unit(flags)
    given = flags.read(arguments)
    pipeline = pipeline_file(given["config"])
    baseline = read_run(Path(given["baseline"]))
    check_measures([baseline], REVISION)
    metric = chosen_metric([baseline], given["metric"])

    store = store_here()
    corpus, status = corpus_of(given["docs"], pipeline.parser, store, "check")
    questions, refused = golden_of(given["golden"], corpus)
    population(baseline.documents, given["unit"])  # refused before anything is measured
    letter = baseline.definitions == "chroma"
    progress = Progress("embedding", "chunks")
    found = evaluate(
        corpus,
        questions,
        pipeline,
        None if letter else baseline.metrics,
        to_the_letter=letter,
        store=store,
        progress=progress,
    )
    now = run_of(found, questions)
    if given["out"]:
        write_run(now, Path(given["out"]))
    compared, who = paired(now, baseline, metric, given["unit"])
    both = aligned([now, baseline], metric)
    documents, bounds = who.grouped(both.documents), bounds_of(metric)
    checked = _Checked(
        metric=metric,
        both=both,
        found=compared,
        who=who,
        sight=sight(both.values[:, 1], both.clusters, documents=documents, bounds=bounds),
        fell=fallen(both, questions),
    )
    if given["json"]:
        write_json({"pipeline": now.fingerprint, "baseline": baseline.fingerprint} | _check_json(checked))
    else:
        print(_check_text(checked))
    if checked.dropped:
        return NOT_HELD
    return refused or status or (CANNOT_TELL if checked.sight.drop is None else DONE)


@dataclass(frozen=True, slots=True, eq=False)
class _Checked:
    """What a check found: both runs on their shared questions, the comparison, and what drop it could have seen."""

    metric: str
    both: Aligned
    found: Comparison
    who: Population
    sight: Sight
    fell: list[dict[str, Any]]

    @property
    def dropped(self) -> bool:
        """Return whether the pipeline is significantly below the baseline."""
        return self.found.is_settled and self.found.difference < 0


def fallen(both: Aligned, questions: tuple[Question, ...]) -> list[dict[str, Any]]:
    """Return the questions with a lower value than before, {id, question, before, now}, the deepest fall first."""
    text = {q.id: q.text for q in questions}
    rows = [
        {"id": id, "question": text.get(id, ""), "before": float(b), "now": float(a)}
        for id, (a, b) in zip(both.questions, both.values, strict=True)
        if b - a > 1e-9
    ]
    return sorted(rows, key=lambda row: (row["now"] - row["before"], row["id"]))


def _check_json(of: _Checked) -> dict[str, Any]:
    values = numbers(of.found)
    means = dict(zip(("now", "before"), of.both.values.mean(axis=0).tolist(), strict=True))
    gate = {"visible_drop": of.sight.drop, "visible_losses": of.sight.lost, "can_tell": of.sight.drop is not None}
    about = {"unit": of.who.unit, "population": of.who.words, "sight": of.sight.sentence}
    rest = {"training": of.both.judging.to_dict(), "fell": of.fell}
    return {"metric": of.metric, "dropped": of.dropped} | means | values | gate | about | rest


def _check_text(of: _Checked) -> str:
    told = sentence(of.found, of.who, of.metric)
    told = told.replace("A is", "the pipeline is", 1).replace(" B", " the baseline", 1)
    blind = of.sight.drop is None
    verdict = "significantly worse" if of.dropped else "this gate cannot tell" if blind else "no significant drop"
    lines = [f"{verdict}; {told}", of.sight.sentence, *([note] if (note := of.both.judging.note) else [])]
    lines += [
        f"  fell from {r['before']:.3f} to {r['now']:.3f}  {r['id']}  {shown(r['question'])}" for r in of.fell[:_MOST]
    ]
    if len(of.fell) > _MOST:
        lines.append(f"  and {len(of.fell) - _MOST:,} more")
    return "\n".join(lines)


def run_adapt(arguments: list[str]) -> int:
    """Write the learning curve; the adapter and a pipeline that uses it where it pays."""
    flags = Flags(
        "adapt",
        "A matrix for the vectors of queries, learned from a golden set, and what it gains on passages that it did not "
        "see, by the number of examples. DIR gets curve.json and, where the adapter pays, pipeline.yaml and "
        "adapter.safetensors; passages stay embedded as they are. Takes about a minute for 300 questions.",
    )
    flags.add_argument("docs", nargs="+", metavar="DOCS", help="files, or folders of them")
    flags.add_argument("--golden", required=True, metavar="G", help="the golden set: JSON lines, or CSV")
    flags.add_argument("--config", required=True, metavar="P.yaml", help="the pipeline file")
    flags.add_argument("--out", required=True, metavar="DIR", help="the folder to write")
    flags.add_argument("--metric", metavar="M", help="what to judge by (default recall at the pipeline's k)")
    flags.add_argument("--folds", default=str(FOLDS), metavar="N", help=f"stretches of the corpus (default {FOLDS})")
    flags.add_argument(
        "--distance",
        default=str(DISTANCE),
        metavar="N",
        help=f"chunks to either side of a passage that count as near it (default {DISTANCE})",
    )
    flags.add_argument("--seed", default="0", metavar="N", help="of every draw (default 0)")
    flags.add_argument("--anyway", action="store_true", help="write the adapter even where it is not shown to pay")
    given = flags.read(arguments)
    folds, distance, seed = (_whole(given[name], f"--{name}") for name in ("folds", "distance", "seed"))
    pipeline = pipeline_file(given["config"])
    store = store_here()
    corpus, status = corpus_of(given["docs"], pipeline.parser, store, "learn from")
    questions, refused = golden_of(given["golden"], corpus)
    of = material(corpus, questions, pipeline, given["metric"], store=store, task=Task(Progress("embedding", "chunks")))
    curve = learning_curve(of, folds=folds, distance=distance, seed=seed, task=Task(Progress("learning", "trainings")))
    adapter = learn_adapter(of, distance=distance, seed=seed) if curve.pays or given["anyway"] else None
    files = _written(Path(given["out"]), curve, pipeline, adapter)
    if given["json"]:
        write_json(curve.to_dict() | {"files": [str(file) for file in files]})
    else:
        print(_curve_text(curve))
        if adapter is not None:
            print(
                f"The adapter names these {curve.questions} questions: evaluate, sweep, compare and check leave them "
                "out, and others about their passages. Judge it by further questions."
            )
    for file in files:
        warn(f"written: {file}")
    return refused or status or DONE


def _whole(text: str, flag: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SpecError(f"{flag} ({text!r}) must be a whole number") from None


def _written(out: Path, curve: Curve, pipeline: Pipeline, adapter: Adapter | None) -> list[Path]:
    facts = json.dumps(curve.to_dict(), indent=1, ensure_ascii=False) + "\n"
    files = {"curve.json": facts.encode()}
    if adapter is not None:
        files["pipeline.yaml"] = to_yaml(with_adapter(pipeline, adapter)).encode()
        files["adapter.safetensors"] = adapter.data
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (out / name).write_bytes(data)
    except OSError as error:
        raise SpecError(f"{out}: it cannot be written ({error.strerror})") from None
    return [out / name for name in files]


def _curve_text(curve: Curve) -> str:
    lines = [curve.sentence]
    if curve.grouped:
        lines += ["", f"{'examples':>8}{'gain':>9}{'interval':>20}   {'random folds claim (leakage)':<30}"]
        for point, naive in zip(curve.grouped, curve.random, strict=True):
            lines.append(f"{point.examples:>8,}{_gain(point)}   {_gain(naive)}")
        lines.append(
            f"\n{curve.usable} of {curve.questions} questions can be learned from; {curve.folds} folds, each a stretch "
            f"of the corpus, {curve.dropped:.1f} questions a fold left out as within {curve.distance} chunks of it.\n"
            f"Random folds have passages on both sides and claim {curve.leakage:+.3f} more: do not believe them."
        )
    return "\n".join(lines)


def _gain(point: Point) -> str:
    span = "" if math.isnan(point.low) else f"[{point.low:+.3f}, {point.high:+.3f}]"
    return f"{point.difference:>+9.3f}{span:>20}"
