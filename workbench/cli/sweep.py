"""`sweep`: a grid of pipelines measured on a golden set, into a folder where it can be taken up again."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench.cli import DONE, NOT_HELD
from workbench.cli.flags import (
    GOLDEN,
    METRICS,
    Flags,
    add_unit,
    corpus_of,
    golden_of,
    metrics_of,
    store_here,
    yaml_file,
)
from workbench.cli.output import Progress, count, numbers, shown, warn, write_json
from workbench.documents import Corpus
from workbench.errors import SpecError
from workbench.golden import document_groups, split, usual_split
from workbench.metrics import bounds_of
from workbench.parsers import Parser
from workbench.pipelines import Pipeline
from workbench.statistics import (
    LEVEL,
    MARGIN,
    WORDS,
    Interval,
    mean_intervals,
    population,
    questions_for_equivalence,
)
from workbench.sweeps import (
    COSTS,
    METRIC,
    Grid,
    Leaderboard,
    Results,
    Row,
    Skipped,
    aligned,
    check_ranks,
    cost,
    cost_for,
    expand,
    leaderboard,
    pareto,
    read_grid,
    sweep,
    sweep_metrics,
)
from workbench.sweeps import Progress as Step
from workbench.tasks import Task

_SEED = 0
COST = f"what decides between equals: {', '.join(COSTS)}, as far as it fits the metric (default: the first that does)"


def run_sweep(arguments: list[str]) -> int:
    """Write the leaderboard with a verdict; exit 1 where no pipeline could be measured."""
    flags = Flags(
        "sweep",
        "Every pipeline of a grid measured on a golden set. Finished runs are kept in the folder and not measured "
        "again, so that a sweep goes on where it was stopped, and several processes may share one.",
    )
    flags.add_argument("docs", nargs="+", metavar="DOCS", help="files, or folders of them")
    flags.add_argument("--golden", required=True, metavar="G", help=GOLDEN)
    flags.add_argument("--grid", required=True, metavar="GRID.yaml", help="`base`, a pipeline, and `vary`, its fields")
    flags.add_argument("--out", required=True, metavar="DIR", help="the folder of the sweep")
    flags.add_argument("--metrics", default="workbench", metavar="NAMES", help=f"what to measure: {METRICS}")
    flags.add_argument(
        "--metric",
        metavar="M",
        help=f"which of these to rank by (default {METRIC}, or the first where that is not one)",
    )
    flags.add_argument("--margin", metavar="D", help=f"a difference that does not matter (default {MARGIN})")
    flags.add_argument("--cost", metavar="C", help=COST)
    flags.add_argument(
        "--held-out",
        metavar="SHARE",
        help="the share of questions that do not choose, 0 to 0.9 (default 0.3 where that leaves at least "
        "30 to choose by, else only those with the tag held-out)",
    )
    flags.add_argument("--estimate", action="store_true", help="only estimate what it would cost")
    add_unit(flags)
    given = flags.read(arguments)
    margin = _number(given["margin"], "--margin", MARGIN, 0.001, 1)
    share = None if given["held_out"] is None else _number(given["held_out"], "--held-out", 0, 0, 0.9)
    grid = yaml_file(given["grid"], "grid", read_grid)
    expansion = expand(grid)
    if not expansion.pipelines:
        for skip in expansion.skipped:
            warn(f"skipped: {skip}")
        raise SpecError(f"{given['grid']}: no combination of the grid can be a pipeline")
    named, letter = metrics_of(given["metrics"])
    metrics = named or sweep_metrics(expansion.pipelines)
    metric = _ranked_by(given["metric"], metrics, expansion.pipelines)
    check_ranks(metric)
    check_cost(metric, given["cost"], expansion.pipelines)
    for skip in expansion.skipped:
        warn(f"skipped: {skip}")

    store = store_here()
    first = expansion.pipelines[0].parser
    corpus, status = corpus_of(given["docs"], first, store, "sweep over")
    questions, refused = golden_of(given["golden"], corpus)
    price = cost(corpus, expansion.pipelines, store, calibrate=given["estimate"])
    warn(
        f"{price.runs:,} runs, {len(expansion.skipped):,} skipped, {expansion.repeated:,} repeated; at most "
        f"{price.chunks:,} chunks to embed, about {price.tokens:,} tokens"
        + (f", about {price.seconds:,.0f} s" if price.seconds is not None else "")
    )
    if given["estimate"]:
        if given["json"]:
            write_json(asdict(price) | {"skipped": len(expansion.skipped), "repeated": expansion.repeated})
        return refused or status or DONE

    def corpus_for(parser: Parser) -> Corpus:
        return corpus if parser == first else corpus_of(given["docs"], parser, store, "sweep over")[0]

    answerable = [q for q in questions if q.answerable]
    # Published tables are over all questions.
    parts = usual_split(answerable, _SEED) if share is None and not letter else split(answerable, share or 0, _SEED)
    held_out = [q.id for q in parts[1]]
    population(document_groups(parts[0]), given["unit"])  # refused before anything is measured
    try:
        results = sweep(
            corpus,
            questions,
            expansion.pipelines,
            Path(given["out"]),
            store=store,
            metrics=metrics,
            to_the_letter=letter,
            held_out=held_out,
            corpus_for=corpus_for,
            task=Task(_Lines()),
        )
    except KeyboardInterrupt:
        warn("stopped; the same command goes on from here")
        raise
    for skip in results.skipped:
        warn(f"skipped: {skip}")
    if not results.runs:
        warn("error: no pipeline of the grid could be measured")
        return NOT_HELD
    board = leaderboard(results.runs, metric, margin, given["cost"], given["unit"], _SEED)
    if given["json"]:
        write_json(_result(results, board, grid, [*expansion.skipped, *results.skipped]))
    else:
        print(_text(board))
        if named:
            print(_means(board))
    sys.stdout.flush()
    return refused or status or DONE


def _ranked_by(wanted: str | None, metrics: Sequence[str], pipelines: Sequence[Pipeline]) -> str:
    """Return the metric to rank by, one of those that will be measured.

    Raises:
        SpecError: it will not be measured. That is said before anything is, which may take hours.
    """
    if wanted is None:
        return METRIC if METRIC in metrics else metrics[0]
    if wanted not in metrics:
        ks = ", ".join(f"{k:,}" for k in sorted({p.k for p in pipelines}))
        raise SpecError(
            f"--metric ({wanted!r}) would not be measured: the grid has k = {ks}, and the sweep measures "
            f"{', '.join(metrics)}; rank by one of these, or name what to measure with --metrics"
        )
    return wanted


def check_cost(metric: str, cost: str | None, pipelines: Sequence[Pipeline]) -> None:
    """Refuse a cost that says nothing where this metric judges, before anything is measured.

    Raises:
        SpecError: it is not known, or does not fit the metric.
    """
    if cost != "money":
        cost_for(metric, (), cost)
    elif all(p.embedder.kind != "remote" for p in pipelines):
        raise SpecError(f"--cost ({cost}) needs a model behind an endpoint: no pipeline of the grid has one")


class _Lines:
    """The progress of a sweep on stderr."""

    def __init__(self) -> None:
        self._lines: dict[str, Progress] = {}

    def __call__(self, done: int, total: int, step: object) -> None:
        stage = step.stage if isinstance(step, Step) else ""
        line = self._lines.setdefault(stage, Progress(stage, "chunks" if stage == "embedding" else "runs"))
        if done or total:
            line(done, total)


def _number(text: str | None, flag: str, default: float, low: float, high: float) -> float:
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise SpecError(f"{flag} ({text!r}) must be a number") from None
    if not low <= value <= high:
        raise SpecError(f"{flag} ({text}) must be from {low:g} to {high:g}")
    return value


def _result(results: Results, board: Leaderboard, grid: Grid, skipped: Sequence[Skipped]) -> dict[str, Any]:
    runs = [row.run for row in board.rows]
    _, price = cost_for(board.metric, runs, board.cost)[1]
    front = pareto(runs, [price(run) for run in runs], board.metric)
    return {
        "metric": board.metric,
        "verdict": board.decision.verdict,
        "sentence": board.decision.sentence,
        "leader": board.decision.leader,
        "cheapest": board.decision.cheapest,
        "cost": board.cost,
        "more_questions": board.decision.more,
        "questions": board.n,
        "held_out": board.held_out,
        "training": board.judging.to_dict(),
        "training_held_out": board.judging_apart.to_dict(),
        "margin": board.margin,
        "runs": [_row(*one) for one in zip(board.rows, board_means(board), [p.best for p in front], strict=True)],
        "reused": results.reused,
        "skipped": [{"settings": dict(s.settings), "reason": s.reason} for s in skipped],
        "combinations": len(grid),
        "level": LEVEL,
        "unit": board.population.unit,
        "population": board.population.words,
        "equivalence_from": questions_for_equivalence(0, board.margin),
        "seed": _SEED,
    }


def _row(row: Row, means: Mapping[str, Interval], on_front: bool) -> dict[str, Any]:
    return {
        "pipeline": row.run.fingerprint,
        "name": row.name,
        **numbers(row.interval),
        "verdict": row.standing.verdict if row.standing else None,
        "fixed_k": numbers(row.fixed) if row.fixed else None,
        "held_out": numbers(row.held_out) if row.held_out else None,
        "tokens_per_query": row.tokens_per_query,
        "means": {name: one.mean for name, one in means.items()},
        "chunks": row.run.chunks,
        "index_bytes": row.run.index_bytes,
        "pareto": on_front,
    }


def _means(board: Leaderboard) -> str:
    """Return each metric's mean and standard deviation over the judging questions, a line per configuration."""
    found = board_means(board)
    lines = ["", "".join(f"{name:<22}" for name in found[0]) + "configuration"]
    for row, means in zip(board.rows, found, strict=True):
        cells = (f"{one.mean:.3f} ± {one.sd:.3f}" for one in means.values())
        lines.append("".join(f"{cell:<22}" for cell in cells) + shown(row.name))
    return "\n".join(lines)


def board_means(board: Leaderboard) -> list[dict[str, Interval]]:
    """Return, for each row, every metric that all runs have, over the questions that judge."""
    runs = [row.run for row in board.rows]
    out: list[dict[str, Interval]] = [{} for _ in runs]
    for name in (m for m in runs[0].metrics if all(m in run.metrics for run in runs)):
        some = aligned(runs, name, held_out=False)
        for means, one in zip(out, mean_intervals(some.values, some.clusters, bounds=bounds_of(name)), strict=True):
            means[name] = one
    return out


def _span(one: Interval) -> str:
    return "" if math.isnan(one.low) else f"[{one.low:.3f}, {one.high:.3f}]"


def _text(board: Leaderboard) -> str:
    lines = [
        board.decision.sentence,
        "",
        f"{board.metric:<22}{'95 % CI':>18}{'tokens':>9}  {'verdict':<20} configuration",
    ]
    for row in board.rows:
        one = row.interval
        span = _span(one)
        verdict = WORDS[row.standing.verdict] if row.standing else ""
        lines.append(f"{one.mean:<22.3f}{span:>18}{row.tokens_per_query:>9,.0f}  {verdict:<20} {shown(row.name)}")
    if board.held_out and board.rows[0].held_out:
        one = board.rows[0].held_out
        held = count(board.held_out, "held-out question")
        lines.append(f"\nThe leader on {held}: {one.mean:.3f} {_span(one)}")
    if board.training_note:
        lines.append(board.training_note)
    best = f"; the leader's allows for its being the best of {len(board.rows):,}" if len(board.rows) > 1 else ""
    lines.append(f"{count(board.n, 'development question')}; 95 % CIs{best}")
    if board.n < (least := questions_for_equivalence(0, board.margin)):
        lines.append(f"nothing can be called equivalent within ±{board.margin:g} below {least} questions")
    return "\n".join(lines)
