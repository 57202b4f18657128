"""Sweeps: a grid of pipelines measured on one golden set, and what the runs say side by side.

results = sweep(corpus, questions, read_grid(text), out=Path("sweep"), store=store)
print(leaderboard(results.runs).decision.sentence)
"""

from workbench.sweeps.cells import Cell, RaceStanding
from workbench.sweeps.costs import Cost, cost, rate
from workbench.sweeps.folders import Folder, Wanted, table
from workbench.sweeps.grids import Expansion, Grid, Skipped, expand, read_grid
from workbench.sweeps.leaderboards import Decision, Leaderboard, Row, check_ranks, decide, leaderboard, more_questions
from workbench.sweeps.racing import Raced, RaceStep, race
from workbench.sweeps.results import METRIC, Aligned, Results, aligned, check_measures, names, settings, varied
from workbench.sweeps.run_costs import COSTS, RunCost, amount, cost_for, costs_for
from workbench.sweeps.running import Progress, sweep, sweep_metrics
from workbench.sweeps.tradeoffs import Effect, Matrix, Point, Surface, effects, matrix, pareto, surface

__all__ = [
    "COSTS",
    "METRIC",
    "Aligned",
    "Cell",
    "Cost",
    "Decision",
    "Effect",
    "Expansion",
    "Folder",
    "Grid",
    "Leaderboard",
    "Matrix",
    "Point",
    "Progress",
    "RaceStanding",
    "RaceStep",
    "Raced",
    "Results",
    "Row",
    "RunCost",
    "Skipped",
    "Surface",
    "Wanted",
    "aligned",
    "amount",
    "check_measures",
    "check_ranks",
    "cost",
    "cost_for",
    "costs_for",
    "decide",
    "effects",
    "expand",
    "leaderboard",
    "matrix",
    "more_questions",
    "names",
    "pareto",
    "race",
    "rate",
    "read_grid",
    "settings",
    "surface",
    "sweep",
    "sweep_metrics",
    "table",
    "varied",
]
