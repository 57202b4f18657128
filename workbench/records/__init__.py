"""Plain values that every layer may pass on: questions with their gold passages, hits, and runs."""

from workbench.records.questions import Hit, Lost, Question, Reference
from workbench.records.runs import Asked, Run, environment, golden_id, read_run, run_from_json, run_to_json, write_run
from workbench.records.training import LEAST_UNSEEN, Judging, Training, TrainingSet, judging

__all__ = [
    "LEAST_UNSEEN",
    "Asked",
    "Hit",
    "Judging",
    "Lost",
    "Question",
    "Reference",
    "Run",
    "Training",
    "TrainingSet",
    "environment",
    "golden_id",
    "judging",
    "read_run",
    "run_from_json",
    "run_to_json",
    "write_run",
]
