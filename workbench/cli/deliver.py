"""Commands that hand something over: export, verify, report."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench.anatomy import explain
from workbench.catalogue import DecisionRecord
from workbench.cli import DONE, NOT_HELD, WRONG_INPUT
from workbench.cli.flags import Flags, add_unit, corpus_of, golden_of, originals, pipeline_file, store_here
from workbench.cli.output import Progress, shown, warn, write_json
from workbench.cli.sweep import COST
from workbench.errors import GoldenError, RunError, SpecError
from workbench.evaluations import evaluate
from workbench.exports import TARGETS, Verification, export, support, verify
from workbench.golden import read_golden
from workbench.metrics import REVISION
from workbench.pipelines import Pipeline, from_mapping, from_yaml, to_yaml
from workbench.records import Run
from workbench.records.runs import write_whole
from workbench.reports import Evidence, Load, html, manifest, markdown, rejected, review_pack
from workbench.statistics import MARGIN
from workbench.sweeps import METRIC, Leaderboard, leaderboard
from workbench.workspaces.experiments import kept_runs


def run_export(arguments: list[str]) -> int:
    """Write the folder; say what the target does with each part, and each file."""
    flags = Flags(
        "export",
        "A folder that runs without the workbench. What the target cannot express is reported, and refused where the "
        "code would be wrong. `verify` proves the folder.",
    )
    flags.add_argument("docs", nargs="*", metavar="DOCS", help="files or folders, whose parsed text goes along")
    flags.add_argument("--config", required=True, metavar="P.yaml", help="the pipeline file")
    flags.add_argument("--target", required=True, metavar="TARGET", help=f"one of {', '.join(TARGETS)}")
    flags.add_argument("--out", required=True, metavar="DIR", help="the folder to write")
    flags.add_argument("--golden", metavar="G", help="a golden set, whose questions verify asks")
    given = flags.read(arguments)
    target: str = given["target"]
    if target not in TARGETS:
        raise SpecError(f"--target ({target!r}) must be one of {', '.join(TARGETS)}")
    pipeline = pipeline_file(given["config"])
    notes = support(pipeline, target)
    for note in notes:
        warn(f"{note.part} {note.kind}: {note.level}; {note.text}")
    if any(note.stops for note in notes):  # before documents are parsed and embedded
        export(pipeline, None, None, target, Path(given["out"]))
    store = store_here()
    corpus, status, questions = None, DONE, None
    if given["docs"]:
        corpus, status = corpus_of(given["docs"], pipeline.parser, store, "export")
    if given["golden"]:
        path = Path(given["golden"])
        if corpus is None:
            raise SpecError("--golden needs the documents of its passages: name them too")
        if not path.is_file():
            raise GoldenError(f"{path}: there is no such file")
        questions, problems = read_golden(path, corpus)
        for problem in problems[:100]:
            warn(f"error: {path.name}: {problem}")
        status = WRONG_INPUT if problems else status
    progress = Progress("embedding", "chunks")
    written = export(pipeline, corpus, questions, target, Path(given["out"]), store=store, progress=progress)
    for file in written:
        if given["json"]:
            write_json({"file": str(file), "bytes": file.stat().st_size})
        else:
            print(file)
    return status


def run_verify(arguments: list[str]) -> int:
    """Write `equal` and what was not compared, or each difference with its cause; 1 where there is one."""
    flags = Flags(
        "verify",
        "Runs exported code in a process of its own and compares every chunk, vector and hit with what the workbench "
        "gives. Frameworks are installed once, into environments in WORKBENCH_HOME (or WORKBENCH_ENVS).",
    )
    flags.add_argument("folder", metavar="DIR", help="what export wrote")
    flags.add_argument("docs", nargs="*", metavar="DOCS", help="the documents, to be parsed again and compared too")
    flags.add_argument("--query", action="append", metavar="Q", help="a query to compare hits of; may be repeated")
    flags.add_argument("--chunks-only", action="store_true", help="leave out vectors and hits")
    given = flags.read(arguments)
    folder = Path(given["folder"])
    store, status, corpus = store_here(), DONE, None
    if given["docs"]:
        try:
            pipeline = from_yaml((folder / "pipeline.yaml").read_text("utf-8"))
        except OSError as error:
            raise SpecError(f"{folder} is no export: pipeline.yaml cannot be read ({error.strerror})") from None
        corpus, status = corpus_of(given["docs"], pipeline.parser, store, "verify")
    found = verify(
        folder,
        corpus,
        given["query"],
        chunks_only=given["chunks_only"],
        store=store,
        say=warn,
        progress=Progress("embedding", "chunks"),
    )
    if given["json"]:
        escaped = [asdict(one) | {"sentence": one.sentence} for one in found.escapes]
        settled = None if found.equal and "hits" in found.not_compared else found.equal
        facts = {"equal": settled, "outcome": found.outcome, "not_compared": found.not_compared}
        write_json(facts | asdict(found) | {"escapes": escaped})
    else:
        print(_text(found))
    return (DONE if found.equal else NOT_HELD) or status


def _text(found: Verification) -> str:
    lines = []
    for check in found.checks:
        state = "differ" if check.different else "equal" if check.compared else "not compared"
        count = f"{check.different:,} of {check.compared:,}" if check.different else f"{check.compared:,}"
        note = f"  ({shown(check.note)})" if check.note else ""
        lines.append(f"{check.name:<12}{count:>16} {state}{note}")
    for line in found.differences:
        lines.append(f"{line.check}: {shown(line.where)}: {shown(line.ours)} here, {shown(line.theirs)} in the export")
        lines.append(f"    {shown(line.cause)}")
    lines += [shown(one.sentence) for one in found.escapes]
    took = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in found.seconds.items())
    apart = "".join(f"; {name}: not compared" for name in found.not_compared)
    lines.append(f"{'equal' if found.equal else 'different'}: {found.target}{apart}{f'; {took}' if took else ''}")
    return "\n".join(lines)


def run_report(arguments: list[str]) -> int:
    """Write the report; say which configuration it is about."""
    flags = Flags(
        "report",
        "The review report of a sweep: the choice and its rivals, where answers are lost, what was not tested, what "
        "would change the decision, production. One file that needs no network.",
    )
    flags.add_argument("docs", nargs="+", metavar="DOCS", help="files, or folders of them: those of the sweep")
    flags.add_argument("--golden", required=True, metavar="G", help="the golden set of the sweep")
    flags.add_argument("--runs", required=True, metavar="DIR", help="the folder of the sweep")
    flags.add_argument(
        "--chosen", metavar="RUN", help="fingerprint or name of the choice (default: what the figures settle on)"
    )
    flags.add_argument("--out", required=True, action="append", metavar="FILE", help=".html or .md; may be repeated")
    flags.add_argument("--metric", default=METRIC, metavar="M", help=f"what to judge by (default {METRIC})")
    flags.add_argument("--margin", metavar="D", help=f"a difference that does not matter (default {MARGIN})")
    flags.add_argument("--cost", metavar="C", help=COST)
    flags.add_argument("--question", metavar="TEXT", help="what the review is to decide")
    flags.add_argument("--decided-by", metavar="NAME", help="who decided; with --why and --date")
    flags.add_argument("--why", metavar="TEXT", help="why this one")
    flags.add_argument("--date", metavar="YYYY-MM-DD", help="when it was decided")
    add_unit(flags)
    for name, what in _LOAD.items():
        flags.add_argument(f"--{name}", metavar="N", help=what)
    given = flags.read(arguments)
    outs = [Path(path) for path in given["out"]]
    if wrong := next((path for path in outs if path.suffix not in _WRITERS), None):
        raise SpecError(f"--out ({wrong}) must end in .html or .md")
    runs = kept_runs(Path(given["runs"]))
    if not runs:
        raise RunError(
            f"{given['runs']}: there is no run in this folder that was measured by today's measures (revision "
            f"{REVISION}); make them, or measure older ones again, with the command sweep"
        )
    margin = _number(given, "margin") or MARGIN
    board = leaderboard(runs, given["metric"], margin, given["cost"], given["unit"])
    chosen = _chosen(board, given["chosen"])
    pipeline = from_mapping(chosen.pipeline)
    store = store_here()
    corpus, status = corpus_of(given["docs"], pipeline.parser, store, "report on")
    questions, refused = golden_of(given["golden"], corpus)
    progress = Progress("embedding", "chunks")
    letter = chosen.definitions == "chroma"
    asked = None if letter else chosen.metrics
    found = evaluate(corpus, questions, pipeline, asked, to_the_letter=letter, store=store, progress=progress)
    anatomy = explain(found, store, original=originals(given["docs"]), unit=board.population.unit)
    evidence = Evidence(
        runs=runs,
        evaluation=found,
        anatomy=anatomy,
        questions=questions,
        metric=given["metric"],
        margin=margin,
        cost=board.cost,
        unit=board.population.unit,
        load=_load(given),
        record=_record(given, board, chosen, pipeline),
        command=f"python -m workbench report {shlex.join(arguments)}",
        **({"question": given["question"]} if given["question"] else {}),
    )
    report = review_pack(evidence)
    for path in outs:
        write_whole(path, _WRITERS[path.suffix](report).encode("utf-8", "replace"))
    facts = {"chosen": chosen.fingerprint, "label": chosen.label, "manifest": manifest(evidence)}
    if given["json"]:
        write_json(facts | {"files": [str(path) for path in outs]})
    else:
        print(f"{chosen.label} ({chosen.fingerprint})", *outs, sep="\n")
    return refused or status


_WRITERS = {".html": html, ".md": markdown}

_LOAD = {
    "documents": "documents in production (default: as many as here)",
    "queries": "queries a month (default 10,000)",
    "context-price": "US dollars per million tokens that the answering model reads",
    "embedding-price": "US dollars per million tokens embedded; 0 for a model that runs here",
    "characters-per-second": "speed of embedding where it will run",
}


def _load(given: Mapping[str, Any]) -> Load:
    values: dict[str, Any] = {}
    for flag in _LOAD:
        name = flag.replace("-", "_")
        if (value := _number(given, name)) is not None:
            values[name] = round(value) if name in ("documents", "queries") else value
    return Load(**values)


def _number(given: Mapping[str, Any], name: str) -> float | None:
    text = given[name]
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        raise SpecError(f"--{name.replace('_', '-')} ({text!r}) must be a number") from None
    if not 0 <= value < 1e15:
        raise SpecError(f"--{name.replace('_', '-')} ({text}) must be a number of at least 0")
    return value


def _chosen(board: Leaderboard, wanted: str | None) -> Run:
    """Return the run of this name or fingerprint's beginning; by default what the figures settle on.

    Raises:
        RunError: no run or several have the name, or there is no name and nothing is settled.
    """
    start = wanted or board.decision.settled
    if not start:
        names = "; ".join(row.name for row in board.rows[:3])
        why = board.decision.sentence
        raise RunError(f"name the choice with --chosen, such as {names}: the figures settle none. {why}")
    some = [row.run for row in board.rows if start == row.name or row.run.fingerprint.startswith(start)]
    if len(some) != 1:
        state = "no run has" if not some else f"{len(some)} runs have"
        raise RunError(f"--chosen ({start}): {state} this name, or a fingerprint that begins so")
    return some[0]


def _record(given: Mapping[str, Any], board: Leaderboard, chosen: Run, pipeline: Pipeline) -> DecisionRecord | None:
    asked = [given[name] for name in ("decided_by", "why", "date")]
    if not any(asked):
        return None
    if not all(asked):
        raise SpecError("--decided-by, --why and --date belong together: a decision has an author, a reason and a day")
    return DecisionRecord(
        chosen=chosen.fingerprint,
        label=chosen.label,
        by=given["decided_by"],
        why=given["why"],
        corpus=chosen.corpus,
        golden=chosen.golden,
        metric=board.metric,
        verdict=board.decision.sentence,
        pipeline=to_yaml(pipeline),
        rejected=rejected(board, chosen.fingerprint, 5),
        at=given["date"],
    )
