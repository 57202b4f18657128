"""A small corpus, and exports of it that ran for real in the environment of their framework."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from workbench import models
from workbench.documents import Corpus
from workbench.exports import EnvironmentUnavailable, export
from workbench.exports.environments import python_for
from workbench.exports.running import Dump, _parsed
from workbench.golden import read_golden
from workbench.parsers import read
from workbench.pipelines import Pipeline
from workbench.records import Question

NAMES = ("travel-policy-2026.md", "kurzanleitung-hx.html", "travel-rates.csv")
Ran = Callable[[str, dict[str, Pipeline]], dict[str, Dump]]


@pytest.fixture(scope="session")
def corpus(root: Path) -> Corpus:
    documents = [d for name in NAMES for d in read(root / "sample_docs" / name, safely=False)]
    return Corpus(tuple(documents))


@pytest.fixture(scope="session")
def golden(root: Path, corpus: Corpus) -> tuple[Question, ...]:
    return read_golden(root / "sample_docs" / "golden.jsonl", corpus)[0][:8]


@pytest.fixture(scope="session")
def interpreter() -> Callable[[str], Path]:
    """The interpreter with a framework's packages; made by pip the first time, and skipped where that cannot be."""

    def find(target: str) -> Path:
        packages = import_module(f"workbench.exports.{target}").PACKAGES
        try:
            return python_for(target, [f"{name}=={release}" for name, release in packages.items()], print)
        except EnvironmentUnavailable as error:
            pytest.skip(str(error))

    return find


@pytest.fixture
def ran(interpreter: Callable[[str], Path], corpus: Corpus, golden: tuple[Question, ...], tmp_path: Path) -> Ran:
    """Every pipeline exported to a target and its code run; name → what it printed."""

    def run(target: str, pipelines: dict[str, Pipeline], arguments: tuple[str, ...] = ("--chunks",)) -> dict[str, Dump]:
        for name, pipeline in pipelines.items():
            export(pipeline, corpus, golden, target, tmp_path / name)
        queries = tmp_path / "queries.json"
        queries.write_text(json.dumps([q.text for q in golden]), "utf-8")
        if arguments != ("--chunks",):
            arguments = (*arguments, "--queries", str(queries))
        folders = [str(tmp_path / name) for name in pipelines]
        first = next(iter(pipelines.values()))
        environment = os.environ | {
            "TOKENIZER_PATH": str(models.find(models.DEFAULT).tokenizer),
            "MODEL_PATH": str(first.embedder.source.folder),
            "HAYSTACK_TELEMETRY_ENABLED": "False",
        }
        command = [str(interpreter(target)), str(Path(__file__).with_name("many.py")), *folders, "--", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=280, check=False)
        assert done.returncode == 0, done.stderr[-3_000:]
        return {name: _parsed((tmp_path / name / "dump.jsonl").read_text("utf-8").splitlines()) for name in pipelines}

    return run


sys.dont_write_bytecode = True
