"""Methods of other packages: the example and the package of CONTRIBUTING, found as installed ones are."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from workbench.extensions import Registry, methods
from workbench.specs import Spec, label
from workbench.splitters import SPLITTERS, Recursive, Splitter

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "workbench-extension"
SRT = b"1\n00:00:01,000 --> 00:00:02,000\nAnna: We start now.\n\n2\n00:00:03,000 --> 00:00:04,000\nBen: It is loud.\n"


def install(project: str, site: Path, more: str = "") -> None:
    """Write what an installer leaves of a package beside its modules: its name and its entry points."""
    about = tomllib.loads(project)["project"]
    info = site / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    groups = [
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in p.items()) for group, p in about["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join([*groups, more]))


def run(site: Path, *command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}", "WORKBENCH_HOME": str(folder / "home")}
    return subprocess.run([sys.executable, *command], cwd=folder, env=variables, capture_output=True, text=True)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("example")
    broken = "[workbench.indexes]\nbroken = nowhere_at_all:Index\n"
    install((EXAMPLE / "pyproject.toml").read_text(), site, broken)
    (site / "workbench_extension.py").write_bytes((EXAMPLE / "workbench_extension.py").read_bytes())
    return site


def test_the_example_keeps_the_laws(example: Path, tmp_path: Path):
    code = f"""
from workbench.testing import check_metric, check_parser, check_retriever, check_splitter
from workbench_extension import Phrase, Speeches, Subtitles, first_share
check_splitter(Speeches)
check_retriever(Phrase)
check_parser(Subtitles, {{"talk.srt": {SRT!r}}})
check_metric(first_share)
from workbench.metrics import DEFINITIONS, metric
print(metric("first_share@5").definition)
"""
    done = run(example, "-c", code, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Share of the passages' characters that the first hit alone holds.")


def test_commands_have_the_example_s_flags_and_read_its_format(example: Path, tmp_path: Path):
    (tmp_path / "talk.srt").write_bytes(SRT)
    sizes = ["--splitter", "speeches", "--chunk-size", "25", "--chunk-overlap", "0", "--unit", "characters"]
    cut = run(example, "-m", "workbench", "chunk", "talk.srt", *sizes, "--longest-name", "10", folder=tmp_path)
    assert [json.loads(line)["text"] for line in cut.stdout.splitlines()] == ["Anna: We start now.", "Ben: It is loud."]
    found = run(
        example, "-m", "workbench", "search", "talk.srt", "--json", "--query", "is loud", "--retriever", "phrase",
        "--retriever-bonus", "50", folder=tmp_path,
    )  # fmt: skip
    assert json.loads(found.stdout)["score"] > 50


def test_a_broken_extension_is_one_line_and_nothing_else(example: Path, tmp_path: Path):
    code = (
        "from workbench import extensions; from workbench.indexes import INDEXES; print(*INDEXES, extensions.faults())"
    )
    done = run(example, "-c", code, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "flat" in done.stdout
    line = "extension 'broken' (indexes) of workbench-extension 0.1.0 is left out: ModuleNotFoundError: No module named"
    assert line in done.stdout
    assert done.stderr.count(line) == 1


@pytest.mark.parametrize("retriever", ["bm25", "phrase"])
def test_files_and_pages_know_the_example(example: Path, tmp_path: Path, retriever: str):
    """A form on the page and a block of YAML, in a process of its own, where the package is installed."""
    code = f"""
import os, sys
from pathlib import Path
os.chdir({str(ROOT)!r})
from streamlit.testing.v1 import AppTest
from workbench.embedders import Static
from workbench.pipelines import Pipeline, from_yaml, to_mapping, to_yaml
from workbench.retrievers import RETRIEVERS
from workbench.splitters import SPLITTERS
pipeline = Pipeline(splitter=SPLITTERS["speeches"](tokenizer="wordllama-256"), embedder=Static(),
                    retriever=RETRIEVERS[{retriever!r}]())
assert from_yaml(to_yaml(pipeline)) == pipeline
app = AppTest.from_file("app.py", default_timeout=120)
app.session_state["pipeline"] = to_mapping(pipeline)
app.run()
assert not app.exception, app.exception
assert not app.error, [e.value for e in app.error]
print([box.value for box in app.selectbox if box.label == "Splitter"])
"""
    done = run(example, "-c", code, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "speeches" in done.stdout.splitlines()[-1]


def blocks() -> dict[str, str]:
    """The files that CONTRIBUTING shows: name → content."""
    found = re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.S | re.M)
    return dict(found)


def test_contributing_builds_a_package_that_keeps_the_laws(tmp_path: Path):
    files = blocks()
    assert {"pyproject.toml", "tests/test_laws.py"} < set(files)
    site = tmp_path / "site"
    for name, content in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    install(files["pyproject.toml"], site)
    laws = run(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", "site/tests/test_laws.py", folder=tmp_path)
    assert laws.returncode == 0, laws.stdout[-3000:] + laws.stderr[-1000:]
    assert f"{files['tests/test_laws.py'].count('def test_')} passed" in laws.stdout
    (tmp_path / "a.ini").write_text("[pump]\nnoise = loud\n\n[leave]\nweeks = sixteen\n")
    (tmp_path / "golden.jsonl").write_text(
        '{"id": "q", "question": "noise?", "references": [{"document": "a.ini", "quote": "noise: loud"}]}\n'
    )
    (tmp_path / "p.yaml").write_text(
        "splitter: {kind: lines, chunk_size: 20, chunk_overlap: 0, unit: characters}\nembedder: {kind: hashed}\n"
        "index: {kind: lsh}\nretriever: {kind: dense}\n"
    )
    given = ["a.ini", "--golden", "golden.jsonl", "--config", "p.yaml", "--json"]
    measured = run(site, "-m", "workbench", "evaluate", *given, "--metrics", "half@1", folder=tmp_path)
    assert measured.returncode == 0, measured.stderr
    assert json.loads(measured.stdout)["metrics"]["half@1"]["mean"] == 1


def test_a_pipeline_of_outside_methods_is_exported(example: Path, tmp_path: Path):
    config = "splitter: {kind: speeches}\nretriever: {kind: phrase}\nembedder: {kind: static}\n"
    (tmp_path / "p.yaml").write_text(config)
    (tmp_path / "talk.srt").write_bytes(SRT)
    given = ["--config", "p.yaml", "--target", "langchain", "--out", "out", "talk.srt"]
    done = run(example, "-m", "workbench", "export", *given, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "out" / "pipeline.yaml").read_text()
    assert "speeches" in written
    assert "phrase" in written
    assert "workbench-extension" in (tmp_path / "out" / "requirements.txt").read_text()


def test_registries_take_only_what_is_a_method():
    class Loose(Splitter):
        kind = "loose"

    registry = methods("none-such", Splitter, Recursive)
    for wrong, says in [(dict, "no class"), (Recursive, "taken"), (Loose, "kind"), (Spec, "no class")]:
        if wrong is Loose:
            continue  # a subclass without @dataclass shares the fields of its base; only its kind is its own
        with pytest.raises(ValueError, match=says):
            registry.add(wrong)
    assert list(registry) == ["recursive"]
    assert isinstance(SPLITTERS, Registry)


def test_a_label_stands_on_the_class_or_is_made_of_its_kind():
    class Odd(Recursive):
        kind = "late-cut"

    class Named(Odd):
        kind = "named"
        label = "A name"

    assert (label(Odd), label(Named)) == ("Late cut", "A name")
