"""`compare`: two runs on the questions that both have answered."""

from dataclasses import asdict
from pathlib import Path

from workbench.cli import DONE
from workbench.cli.flags import Flags, add_unit
from workbench.cli.output import number, shown, warn, write_json
from workbench.errors import RunError
from workbench.metrics import bounds_of
from workbench.records import Run, read_run
from workbench.statistics import LEVEL, MIN_QUESTIONS, Comparison, Population, population, questions_to_settle
from workbench.sweeps import METRIC, aligned, check_measures, more_questions, names

_SEED = 0


def run(arguments: list[str]) -> int:
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
        values = {key: number(value) for key, value in asdict(found).items()}
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
    """The metric to compare by: the one that is wanted, else the usual one, else the first that all runs have.

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
    """Return about how many more questions would tell which of two runs is better, None for no number."""
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
