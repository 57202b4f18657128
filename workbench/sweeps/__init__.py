"""Sweeps: a grid of pipelines measured on one golden set, and what the runs say side by side.

results = sweep(corpus, questions, read_grid(text), out=Path("sweep"), store=store)
print(leaderboard(results.runs).decision.sentence)
"""

from workbench.sweeps.embedding_cost import Cost, cost, rate
from workbench.sweeps.folder import Folder, Wanted, table
from workbench.sweeps.grid import Expansion, Grid, Skipped, expand, read_grid
from workbench.sweeps.leaderboards import Decision, Leaderboard, Row, check_ranks, decide, leaderboard, more_questions
from workbench.sweeps.pipeline_race import Raced, RaceStep, race
from workbench.sweeps.race_state import Cell, RaceStanding
from workbench.sweeps.results import (
    METRIC,
    Aligned,
    Effect,
    Matrix,
    Point,
    Results,
    Surface,
    aligned,
    check_measures,
    effects,
    matrix,
    names,
    pareto,
    settings,
    surface,
    varied,
)
from workbench.sweeps.run import Progress, sweep, sweep_metrics
from workbench.sweeps.run_costs import COSTS, RunCost, amount, cost_for, costs_for

__all__ = [
    "COSTS", "METRIC", "Aligned", "Cell", "Cost", "Decision", "Effect", "Expansion", "Folder", "Grid", "Leaderboard",
    "Matrix", "Point", "Progress", "RaceStanding", "RaceStep", "Raced", "Results", "Row", "RunCost", "Skipped",
    "Surface", "Wanted", "aligned", "amount", "check_measures", "check_ranks", "cost", "cost_for", "costs_for",
    "decide", "effects", "expand", "leaderboard", "matrix", "more_questions", "names", "pareto", "race", "rate",
    "read_grid", "settings", "surface", "sweep", "sweep_metrics", "table", "varied",
]  # fmt: skip
