"""`check`: the regression gate. Whether a pipeline is worse than a run that was kept, beyond what chance does."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.cli import CANNOT_TELL, DONE, NOT_HELD
from workbench.cli.compare import chosen_metric, paired, sentence
from workbench.cli.files import corpus_of, store_here
from workbench.cli.flags import Flags, add_unit, pipeline_file
from workbench.cli.output import Progress, number, shown, write_json
from workbench.cli.questions import GOLDEN, golden_of
from workbench.evaluations import evaluate, run_of
from workbench.metrics import REVISION, bounds_of
from workbench.records import Question, read_run, write_run
from workbench.statistics import LEVEL, Comparison, Population, Sight, population, sight
from workbench.sweeps import METRIC, Aligned, aligned, check_measures

_MOST = 50  # questions that fell and are written for people; --json has all


def run(arguments: list[str]) -> int:
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
        write_json({"pipeline": now.fingerprint, "baseline": baseline.fingerprint} | _result(checked))
    else:
        print(_text(checked))
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


def _result(of: _Checked) -> dict[str, Any]:
    values = {key: number(value) for key, value in asdict(of.found).items()}
    means = dict(zip(("now", "before"), of.both.values.mean(axis=0).tolist(), strict=True))
    gate = {"visible_drop": of.sight.drop, "visible_losses": of.sight.lost, "can_tell": of.sight.drop is not None}
    about = {"unit": of.who.unit, "population": of.who.words, "sight": of.sight.sentence}
    rest = {"training": of.both.judging.to_dict(), "fell": of.fell}
    return {"metric": of.metric, "dropped": of.dropped} | means | values | gate | about | rest


def _text(of: _Checked) -> str:
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
