"""A small corpus, and exports of it that ran for real in the environment of their framework."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench import models
from workbench.documents import Corpus
from workbench.exports import environments, export
from workbench.exports.comparison import Dump
from workbench.exports.folder import PACKAGES
from workbench.exports.verification import read_dump, variables
from workbench.golden import read_golden
from workbench.parsers import read
from workbench.pipelines import Pipeline
from workbench.records import Question

ROOT = Path(__file__).parents[2]
NAMES = ("travel-policy-2026.md", "kurzanleitung-hx.html", "travel-rates.csv")
Ran = Callable[..., dict[str, Dump]]

# Tests install nothing: `make environments` makes these environments, once.
os.environ.setdefault("WORKBENCH_ENVS", str(Path.home() / ".cache" / "workbench-envs"))


@pytest.fixture(scope="session")
def corpus(root: Path) -> Corpus:
    documents = [d for name in NAMES for d in read(root / "sample_docs" / name, safely=False)]
    return Corpus(tuple(documents))


@pytest.fixture(scope="session")
def golden(root: Path, corpus: Corpus) -> tuple[Question, ...]:
    return read_golden(root / "sample_docs" / "golden.jsonl", corpus)[0][:8]


@pytest.fixture(scope="session")
def python_of() -> Callable[[str, dict[str, str]], Path]:
    """The interpreter of an environment with these packages; the test is skipped where none was made."""

    def find(name: str, packages: dict[str, str]) -> Path:
        lines = [f"{package}=={release}" for package, release in packages.items()]
        if not environments.is_made(name, lines):
            pytest.skip(f"there is no environment with {name}: `make environments` makes it")
        return environments.python_for(name, lines)

    return find


@pytest.fixture(scope="session")
def interpreter(python_of: Callable[[str, dict[str, str]], Path]) -> Callable[[str], Path]:
    """The interpreter with a framework's packages."""
    return lambda target: python_of(target, PACKAGES[target])


@pytest.fixture
def ran(interpreter: Callable[[str], Path], corpus: Corpus, golden: tuple[Question, ...], tmp_path: Path) -> Ran:
    """Every pipeline exported to a target and its code run in one process; name → what it gave."""

    def run(target: str, pipelines: dict[str, Pipeline], chunks_only: bool = False) -> dict[str, Dump]:
        python = interpreter(target)
        for name, pipeline in pipelines.items():
            export(pipeline, corpus, golden, target, tmp_path / name)
        first = next(iter(pipelines))
        facts = {"target": target, "documents": str(tmp_path / first / "documents.jsonl")}
        facts["queries"] = None if chunks_only else [q.text for q in golden]
        facts["folders"] = {str(tmp_path / name): str(tmp_path / f"{name}.jsonl") for name in pipelines}
        (tmp_path / "job.json").write_text(json.dumps(facts), "utf-8")
        model = models.find(models.DEFAULT)
        names = {"MODEL_PATH": str(model.folder), "TOKENIZER_PATH": str(model.tokenizer)}
        driver = ROOT / "workbench" / "exports" / "driver.py"
        done = subprocess.run(
            [str(python), "-P", str(driver), str(tmp_path / "job.json")],
            capture_output=True, text=True, env=variables(pipelines[first], ROOT) | names, timeout=280, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3_000:]
        return {name: read_dump((tmp_path / f"{name}.jsonl").read_text("utf-8").splitlines()) for name in pipelines}

    return run


@pytest.fixture
def before(tmp_path: Path) -> Callable[[str], Path]:
    """An export to a target as the version before wheels and integrations wrote it."""

    def unpacked(target: str) -> Path:
        with zipfile.ZipFile(Path(__file__).with_name("before") / f"{target}.zip") as archive:
            archive.extractall(tmp_path)
        return tmp_path / target

    return unpacked


sys.dont_write_bytecode = True
