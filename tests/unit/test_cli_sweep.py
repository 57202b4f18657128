"""The commands sweep, compare and check: what they write, and with which exit status."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.cli import CANNOT_TELL, DONE, NOT_HELD, WRONG_INPUT, main
from workbench.cli import measure as check_command
from workbench.cli import sweep as sweep_command
from workbench.documents import Corpus, Document
from workbench.metrics import REVISION
from workbench.records import read_run, write_run
from workbench.records.runs import _checksum
from workbench.specs import digest
from workbench.workspaces.experiments import kept_runs

TOPICS = "pump valve sensor filter tank gauge motor seal grease belt fuse relay".split()
TEXT = "\n\n".join(
    f"The {t} of set {i} needs care: look at the {t} each week, and note code E-{i}00." for i, t in enumerate(TOPICS)
)
GRID = """
base: {splitter: {kind: recursive, unit: characters, chunk_overlap: 0}, retriever: {kind: bm25}, k: 2}
vary:
  splitter.chunk_size: [40, 90]
  splitter.chunk_overlap: [0, 60]
"""
GOOD = (
    "splitter: {kind: recursive, chunk_size: 90, chunk_overlap: 0, unit: characters}\nretriever: {kind: bm25}\nk: 2\n"
)
BAD = GOOD.replace("90", "12")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command on one document that needs no parser."""
    corpus = Corpus((Document(digest(TEXT.encode()), digest(b"manual.md"), "manual.md", TEXT),))
    for command in (sweep_command, check_command):
        monkeypatch.setattr(command, "corpus_of", lambda *_: (corpus, DONE))

    def call(*arguments: object) -> tuple[int, str, str]:
        status = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"id": t, "question": f"What of the {t}?", "references": [{"document": "manual.md", "quote": line}]}
        for t, line in zip(TOPICS, TEXT.split("\n\n"), strict=True)
    ]
    (tmp_path / "g.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, text in (("grid.yaml", GRID), ("good.yaml", GOOD), ("bad.yaml", BAD)):
        (tmp_path / name).write_text(text)
    return tmp_path


def sweeping(folder: Path, *more: object) -> list[object]:
    return [
        "sweep",
        "docs",
        "--golden",
        folder / "g.jsonl",
        "--grid",
        folder / "grid.yaml",
        "--out",
        folder / "s",
        *more,
    ]


def test_a_sweep_and_the_same_again(run: Run, folder: Path) -> None:
    status, out, err = run(*sweeping(folder, "--json", "--metric", "recall@2"))
    assert status == DONE
    found = json.loads(out)
    assert found["verdict"] in ("best", "equivalent", "not settled")
    assert found["runs"][0]["name"].split()[1].startswith("90/")
    assert (len(found["runs"]), found["reused"], found["questions"], found["combinations"]) == (3, 0, 12, 4)
    (skip,) = found["skipped"]
    assert skip["settings"] == {"splitter.chunk_size": 40, "splitter.chunk_overlap": 60}
    assert "skipped: splitter.chunk_size 40, splitter.chunk_overlap 60: chunk_overlap (60) must be" in err
    again = json.loads(run(*sweeping(folder, "--json", "--metric", "recall@2"))[1])
    assert again.pop("reused") == 3
    found.pop("reused")
    assert again == found


def test_a_sweep_for_people(run: Run, folder: Path) -> None:
    status, out, _ = run(*sweeping(folder, "--held-out", "0.5"))
    assert status == DONE
    assert "inconclusive: " in out.splitlines()[0]
    assert "held-out questions" in out
    status, out, _ = run(*sweeping(folder, "--estimate", "--json"))
    assert (status, json.loads(out)["runs"]) == (DONE, 3)


def test_questions_with_the_tag_held_out_have_no_say(run: Run, folder: Path) -> None:
    rows = [json.loads(line) for line in (folder / "g.jsonl").read_text().splitlines()]
    rows[3]["tags"] = ["held-out"]
    (folder / "g.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = json.loads(run(*sweeping(folder, "--json"))[1])
    assert (found["questions"], found["held_out"], found["runs"][0]["held_out"]["n"]) == (11, 1, 1)


def test_what_to_measure_is_named_or_chromas(run: Run, folder: Path) -> None:
    found = json.loads(run(*sweeping(folder, "--json", "--metrics", "mrr@3, recall@1"))[1])
    assert (found["metric"], list(found["runs"][0]["means"])) == ("mrr@3", ["mrr@3", "recall@1"])
    status, out, _ = run(*sweeping(folder, "--metrics", "chroma"))
    assert status == DONE
    table = out.splitlines()[-4:]
    assert table[0].split() == ["recall", "precision", "iou", "precision_omega", "configuration"]
    kept = [read_run(file) for file in sorted((folder / "s/runs").iterdir())]
    assert {one.definitions for one in kept} == {"chroma"}
    best = next(one for one in kept if one.label in table[1])
    assert table[1].split()[:3] == [
        f"{best.column('recall').mean():.3f}",
        "±",
        f"{best.column('recall').std(ddof=1):.3f}",
    ]
    again = json.loads(run(*sweeping(folder, "--json", "--metrics", "chroma", "--metric", "iou"))[1])
    assert (again["metric"], again["reused"]) == ("iou", 3)


@pytest.mark.parametrize(
    "flags,message",
    [
        (["--metric", "recall@5"], "--metric ('recall@5') would not be measured: the grid has k = 2"),
        (["--metrics", "chroma", "--metric", "recall@2"], "measures recall, precision, iou, precision_omega; rank by"),
        (["--metrics", "recall"], "--metrics: recall needs a budget: recall@5"),
        (["--metrics", "recall@2,best@3"], "metric 'best@3' is not known"),
    ],
)
def test_a_metric_that_would_not_be_measured_is_refused_before_anything_is(
    flags: list[str], message: str, run: Run, folder: Path
) -> None:
    status, out, err = run(*sweeping(folder, *flags))
    assert (status, out) == (WRONG_INPUT, "")
    assert message in err.splitlines()[-1]
    assert "measuring" not in err
    assert not (folder / "s").exists()


def older(path: Path) -> Path:
    """The run of a file as an earlier workbench kept it: it says nothing of a revision."""
    write_run(replace(read_run(path), measures=1), path)
    row = json.loads(path.read_text())
    del row["measures"]
    row["checksum"] = _checksum({k: v for k, v in row.items() if k != "checksum"})
    path.write_text(json.dumps(row))
    return path


def test_runs_of_another_revision_of_the_measures_are_refused_and_measured_again(run: Run, baseline: Path) -> None:
    new = next((baseline / "s/runs").iterdir())
    old = older(baseline / "base.json")
    for arguments in (["compare", new, old], ["compare", old, new], checking(baseline, "good.yaml")):
        status, out, err = run(*arguments)
        assert (status, out) == (WRONG_INPUT, "")
        assert "was measured by revision 1 of the measures, and revision 2 defines some of them otherwise" in err
        assert "measure it again (evaluate --out RUN.json, or the same sweep once more)" in err
    assert run("compare", old, old)[0] == DONE, "of one revision they compare, whichever it is"
    again = older(new)
    found = json.loads(run(*sweeping(baseline, "--json"))[1])
    assert (found["reused"], read_run(again).measures) == (1, REVISION)
    assert len(kept_runs(baseline / "s")) == 3
    older(again)
    assert len(kept_runs(baseline / "s")) == 2, "pages and reports show those that compare"


def test_two_runs_are_compared(run: Run, folder: Path) -> None:
    found = json.loads(run(*sweeping(folder, "--json"))[1])
    a, b = (folder / "s/runs" / f"{r['pipeline']}.json" for r in (found["runs"][0], found["runs"][-1]))
    status, out, _ = run("compare", a, b, "--json", "--metric", "recall@2")
    one = json.loads(out)
    assert (status, one["n"], one["wins"] + one["ties"] + one["losses"]) == (DONE, 12, 12)
    other = json.loads(run("compare", b, a, "--json", "--metric", "recall@2")[1])
    assert other["difference"] == pytest.approx(-one["difference"])
    assert (other["wins"], other["losses"]) == (one["losses"], one["wins"])
    assert run("compare", a, a)[1].splitlines()[-1].startswith("recall@1000tok: A is as high as B")


def checking(folder: Path, config: str, *more: object) -> list[object]:
    golden, baseline = folder / "g.jsonl", folder / "base.json"
    return ["check", "docs", "--golden", golden, "--config", folder / config, "--baseline", baseline, *more]


@pytest.fixture
def baseline(run: Run, folder: Path) -> Path:
    run(*sweeping(folder))
    found = json.loads(run(*sweeping(folder, "--json", "--metric", "recall@2"))[1])["runs"]
    best = next(r for r in found if r["name"].startswith("recursive 90/0 "))
    (folder / "s/runs" / f"{best['pipeline']}.json").rename(folder / "base.json")
    return folder


def test_the_gate_holds_where_nothing_fell(run: Run, baseline: Path) -> None:
    status, out, _ = run(*checking(baseline, "good.yaml", "--out", baseline / "kept.json"))
    assert (status, out.startswith("no significant drop")) == (DONE, True)
    assert (baseline / "kept.json").is_file()


def test_the_gate_says_which_questions_fell(run: Run, baseline: Path) -> None:
    status, out, _ = run(*checking(baseline, "bad.yaml", "--metric", "recall@2", "--json"))
    found = json.loads(out)
    assert (status, found["dropped"], found["p"] < 0.05) == (NOT_HELD, True, True)
    assert {row["id"] for row in found["fell"]} == set(TOPICS)
    assert all(row["now"] < row["before"] and row["question"] for row in found["fell"])
    assert run(*checking(baseline, "bad.yaml", "--metric", "recall@2"))[1].startswith("significantly worse; recall@2")


def test_too_few_questions_never_close_the_gate(run: Run, baseline: Path) -> None:
    lines = (baseline / "g.jsonl").read_text().splitlines()[:4]
    (baseline / "g.jsonl").write_text("\n".join(lines))
    status, out, err = run(*checking(baseline, "bad.yaml", "--metric", "recall@2"))
    assert status == CANNOT_TELL
    assert "this gate cannot tell" in out
    assert "with 4 questions no drop can be told: at least 8 are needed" in out
    assert "8 questions are in one run only" in err


def test_what_is_wrong_takes_one_line(run: Run, folder: Path) -> None:
    (folder / "broken.json").write_text('{"workbench": 1}')
    for arguments, message in (
        (["compare", folder / "none.json", folder / "none.json"], "none.json: the run cannot be opened"),
        (["compare", folder / "broken.json", folder / "broken.json"], "broken.json: the run lacks "),
        ([*sweeping(folder)[:5], folder / "none.yaml", "--out", "x"], "none.yaml: the grid file cannot be opened"),
        (sweeping(folder, "--margin", "wide"), "--margin ('wide') must be a number"),
        (sweeping(folder, "--held-out", "1"), "--held-out (1) must be from 0 to 0.9"),
        (sweeping(folder, "--cost", "tokens"), "cost 'tokens' is the same for every configuration where recall@"),
        (sweeping(folder, "--cost", "effort"), "cost 'effort' is not known; choose one of bytes, chunks, seconds"),
        (sweeping(folder)[:-2], "required: --out"),
    ):
        status, out, err = run(*arguments)
        assert (status, out) == (WRONG_INPUT, "")
        assert message in err
        assert len(err.splitlines()) == 1
