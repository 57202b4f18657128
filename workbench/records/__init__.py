"""Plain values that every layer may pass on: questions with their gold passages, hits, and runs."""

from workbench.records.questions import Hit, Lost, Question, Reference
from workbench.records.run_files import read_run, run_from_json, run_to_json, write_run
from workbench.records.runs import Asked, Run, environment, golden_id

__all__ = [
    "Asked",
    "Hit",
    "Lost",
    "Question",
    "Reference",
    "Run",
    "environment",
    "golden_id",
    "read_run",
    "run_from_json",
    "run_to_json",
    "write_run",
]
