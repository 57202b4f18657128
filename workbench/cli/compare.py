"""`compare`: two runs on the questions that both have answered."""

import math
from dataclasses import asdict
from pathlib import Path

from workbench.cli import DONE
from workbench.cli.flags import Flags
from workbench.cli.output import shown, warn, write_json
from workbench.errors import RunError
from workbench.records import Run, read_run
from workbench.statistics import LEVEL, RESAMPLES, Comparison, compare, questions_needed
from workbench.sweeps import METRIC, aligned, names

_SEED = 0


def run(arguments: list[str]) -> int:
    """Write the paired difference A − B with its interval, p, wins, ties and losses."""
    flags = Flags("compare", "How far run A is above run B, question by question, and whether chance could do that.")
    flags.add_argument("a", metavar="RUN_A", help="a run's file, as evaluate --out and sweep write it")
    flags.add_argument("b", metavar="RUN_B", help="the other")
    flags.add_argument("--metric", metavar="M", help=f"what to compare (default {METRIC}, where both have it)")
    given = flags.read(arguments)
    a, b = read_run(Path(given["a"])), read_run(Path(given["b"]))
    metric = chosen_metric([a, b], given["metric"])
    found = paired(a, b, metric)
    first, second = names([a, b])
    if given["json"]:
        values = {key: None if isinstance(v, float) and math.isnan(v) else v for key, v in asdict(found).items()}
        who = {"a": a.fingerprint, "b": b.fingerprint, "label_a": first, "label_b": second}
        settings = {"level": LEVEL, "resamples": RESAMPLES, "seed": _SEED}
        write_json(who | {"metric": metric} | values | {"sentence": sentence(found, metric)} | settings)
    else:
        print(f"A  {shown(first)}\nB  {shown(second)}\n{sentence(found, metric)}")
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


def paired(a: Run, b: Run, metric: str) -> Comparison:
    """Run a against run b on their shared questions; what does not match is told on stderr.

    Raises:
        RunError: no shared question, or one metric by two definitions.
    """
    if a.definitions != b.definitions:
        raise RunError(f"one run has the definitions of {a.definitions}, the other those of {b.definitions}")
    found = aligned([a, b], metric)
    apart = len({q.id for q in a.questions} ^ {q.id for q in b.questions})
    if apart:
        warn(f"warning: {apart:,} questions are in one run only and left out; {len(found.questions):,} are compared")
    elif a.golden != b.golden:
        warn("warning: the golden sets are not the same, though their questions have the same ids")
    if a.corpus != b.corpus:
        warn("warning: the runs were made on different documents")
    return compare(found.values[:, 0], found.values[:, 1], found.clusters, seed=_SEED)


def sentence(found: Comparison, metric: str) -> str:
    """`recall@5: A is 0.021 above B [0.004, 0.039], p = 0.013; 18 won, 250 tied, 8 lost`."""
    way = "above" if found.difference > 0 else "below" if found.difference < 0 else "as high as"
    much = "" if found.difference == 0 else f"{abs(found.difference):.3f} "
    span = "" if math.isnan(found.low) else f" [{found.low:+.3f}, {found.high:+.3f}]"
    counts = f"{found.wins} won, {found.ties} tied, {found.losses} lost"
    text = f"{metric}: A is {much}{way} B{span}, p = {found.p:.3g}; {counts}"
    if found.p < 1 - LEVEL or math.isnan(found.sd) or found.difference == 0:
        return text
    more = questions_needed(found.sd, abs(found.difference)) - found.n
    return f"{text}; not settled, a difference of this size needs about {max(more, 1):,} more questions"
