"""The command `evaluate`: what it writes, and with which exit status."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.cli import DONE, WRONG_INPUT, main
from workbench.records import read_run

TEXT = (
    "# Pumps\n\nThe set shows E-4417 when a sensor fails.\n\n# Valves\n\nClose the valve before you open the lid. 🙂\n"
)
QUOTE = "Close the valve before you open the lid."
CONFIG = (
    "splitter: {kind: recursive, chunk_size: 60, chunk_overlap: 0, unit: characters}\nretriever: {kind: bm25}\nk: 2\n"
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], home: Path) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        status = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return call


@pytest.fixture
def line(tmp_path: Path) -> list[object]:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/manual.md").write_text(TEXT, "utf-8")
    (tmp_path / "P.yaml").write_text(CONFIG, "utf-8")
    gold(tmp_path, question(), question(id="q2", question="Which sensor?", quote="E-4417"))
    return ["evaluate", tmp_path / "docs", "--golden", tmp_path / "g.jsonl", "--config", tmp_path / "P.yaml"]


def errors(err: str) -> list[str]:
    """The lines that are no progress, which a slow machine gets to see."""
    return [told for told in err.splitlines() if not told.startswith(("reading ", "embedding "))]


def question(id: str = "q1", question: str = "What of the valve?", quote: str = QUOTE) -> dict[str, object]:
    return {"id": id, "question": question, "references": [{"document": "manual.md", "quote": quote}]}


def gold(folder: Path, *rows: dict[str, object]) -> None:
    (folder / "g.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_means_with_their_intervals(run: Run, line: list[object]) -> None:
    status, out, err = run(*line, "--json")
    assert (status, errors(err), out.count("\n")) == (DONE, [], 1)
    found = json.loads(out)
    recall = found["metrics"]["recall@2"]
    assert list(recall) == ["mean", "low", "high", "sd", "n"]
    assert (recall["mean"], recall["n"], found["questions"], found["unanswerable"]) == (1.0, 2, 2, 0)
    assert {"precision@2", "iou@2", "ndcg@2", "mrr@2", "hit_rate@2", "recall@1000tok", "precision_omega"} <= set(
        found["metrics"]
    )
    assert found["tokens_per_query"] > 0
    assert set(found["seconds"]) == {"split", "search", "measure"}
    assert "per_question" not in found
    assert {k: v for k, v in json.loads(run(*line, "--json")[1]).items() if k != "seconds"} == {
        k: v for k, v in found.items() if k != "seconds"
    }


def test_where_answers_were_lost(run: Run, line: list[object], tmp_path: Path) -> None:
    line[1:2] = [tmp_path / "docs"]
    gold(tmp_path, question(), question(id="q2", question="What of the lid?", quote="The set shows E-4417"))
    (tmp_path / "P.yaml").write_text(CONFIG.replace("k: 2", "k: 1"), "utf-8")
    found = json.loads(run(*line, "--json", "--per-question")[1])
    anatomy = found["anatomy"]
    assert list(anatomy["steps"]) == ["parse", "budget", "boundary", "ranking", "index"]
    lost = 1 - found["metrics"]["recall@1"]["mean"]
    assert sum(step["mean"] for step in anatomy["steps"].values()) == pytest.approx(lost)
    assert anatomy["worst"]["ranking"] == ["q2"]
    assert anatomy["sentence"].endswith("look at the ranking first")
    assert [q["id"] for q in anatomy["per_question"]] == ["q1", "q2"]
    assert [sum(q["losses"].values()) for q in anatomy["per_question"]] == [
        pytest.approx(1 - q["recall@1"]) for q in found["per_question"]
    ]
    assert "per_question" not in json.loads(run(*line, "--json")[1])["anatomy"]
    assert "anatomy" not in json.loads(run(*line, "--json", "--no-anatomy")[1])
    assert "anatomy" not in json.loads(run(*line, "--json", "--metrics", "chroma")[1])
    out = run(*line)[1]
    assert f"within 1 hit: {anatomy['sentence']}" in out
    assert "lost to ranking" in out
    assert "lost to" not in run(*line, "--no-anatomy")[1]


def test_each_question_and_the_definitions_of_chroma(run: Run, line: list[object]) -> None:
    found = json.loads(run(*line, "--json", "--metrics", "chroma", "--per-question")[1])
    assert list(found["metrics"]) == ["recall", "precision", "iou", "precision_omega"]
    assert [list(q) for q in found["per_question"]] == [["id", "question", *found["metrics"]]] * 2
    assert found["metrics"]["recall"]["mean"] == sum(q["recall"] for q in found["per_question"]) / 2


def test_metrics_as_they_are_named(run: Run, line: list[object]) -> None:
    found = json.loads(run(*line, "--json", "--no-anatomy", "--metrics", "ndcg@7, recall@1,recall@1")[1])
    assert list(found["metrics"]) == ["ndcg@7", "recall@1"]
    assert found["definitions"] == "workbench"


def test_the_csv_form(run: Run, line: list[object], tmp_path: Path) -> None:
    at = TEXT.index(QUOTE)
    references = json.dumps([{"content": QUOTE, "start_index": at, "end_index": at + len(QUOTE)}])
    with (tmp_path / "g.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [("question", "references", "corpus_id"), ("What of the valve?", references, "manual")]
        csv.writer(file).writerows(rows)
    line[3] = tmp_path / "g.csv"
    found = json.loads(run(*line, "--json", "--metrics", "chroma")[1])
    assert found["metrics"]["recall"] == {"mean": 1.0, "low": 0.0, "high": 1.0, "sd": 0.0, "n": 1}


def test_for_people(run: Run, line: list[object]) -> None:
    status, out, _ = run(*line, "--per-question")
    assert status == DONE
    assert out.splitlines()[0].split() == ["metric", "mean", "low", "high", "sd"]
    assert "2 questions; " in out
    assert out.splitlines()[-1].endswith("Which sensor?")


def test_rows_that_cannot_be_taken_are_named_and_the_others_measured(
    run: Run, line: list[object], tmp_path: Path
) -> None:
    none = {"id": "q3", "question": "Who?", "answerable": False}
    away = question(id="q5") | {"references": [{"document": "other.md", "quote": QUOTE}]}
    gold(tmp_path, question(), none, question(id="q4", question=""), away)
    status, out, err = run(*line, "--json")
    assert status == WRONG_INPUT
    row, gone = errors(err)
    assert row.startswith("error: g.jsonl: line 3 (q4)")
    assert gone.startswith('error: g.jsonl: q5: document "other.md" is not in the corpus')
    assert (json.loads(out)["questions"], json.loads(out)["unanswerable"]) == (1, 1)


def test_what_the_parsed_text_does_not_hold_counts_as_lost(run: Run, line: list[object], tmp_path: Path) -> None:
    gold(tmp_path, question(), question(id="q4", quote="no such text"))
    status, out, err = run(*line, "--json")
    found = json.loads(out)
    (told,) = errors(err)
    assert (status, told.startswith("warning: g.jsonl: q4: ")) == (DONE, True)
    assert (found["questions"], found["metrics"]["recall@2"]["mean"]) == (2, 0.5)
    assert (found["anatomy"]["steps"]["parse"]["mean"], found["anatomy"]["unanchored"]) == (0.5, 0.5)


def test_a_quote_that_fits_several_places_is_the_users_to_settle(run: Run, line: list[object], tmp_path: Path) -> None:
    (tmp_path / "docs/manual.md").write_text(TEXT + TEXT, "utf-8")
    gold(tmp_path, question(), question(id="q2", quote="Close the valve before you open the lid. 🙂\n\n# Pumps"))
    status, _, err = run(*line, "--json")
    (told,) = errors(err)
    assert (status, told.startswith("error: g.jsonl: q1: ")) == (WRONG_INPUT, True)


def test_a_beir_folder(run: Run, line: list[object], tmp_path: Path) -> None:
    beir = tmp_path / "beir"
    (beir / "qrels").mkdir(parents=True)
    (beir / "corpus.jsonl").write_text(json.dumps({"_id": "p1", "title": "", "text": QUOTE}) + "\n")
    (beir / "queries.jsonl").write_text(json.dumps({"_id": "a", "text": "What of the valve?"}) + "\n")
    (beir / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\na\tp1\t1\n")
    line[3] = beir
    status, out, err = run(*line, "--json")
    assert (status, errors(err)) == (DONE, [])
    assert json.loads(out)["metrics"]["recall@2"]["mean"] == 1.0
    (beir / "qrels/test.tsv").unlink()
    assert "qrels/*.tsv is missing" in run(*line)[2]


def test_what_is_wrong_takes_one_line(run: Run, line: list[object], tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("question,references,corpus_id\nGröße,[],x\n".encode("latin-1"))
    for change, message in (
        ({3: tmp_path / "none.jsonl"}, "none.jsonl: there is no such file"),
        ({3: tmp_path / "latin.csv"}, "latin.csv: not UTF-8"),
        ({5: tmp_path / "none.yaml"}, "none.yaml: the pipeline file cannot be opened"),
        ({1: tmp_path / "nowhere"}, "there is no document to evaluate on"),
    ):
        status, out, err = run(*(change.get(i, part) for i, part in enumerate(line)))
        assert (status, out) == (WRONG_INPUT, "")
        assert message in err
    assert "--metrics: metric 'best' is not known; known are recall" in run(*line, "--metrics", "best")[2]
    assert "required: --golden" in run(*line[:2])[2]
    gold(tmp_path, {"id": "q", "question": "Who?", "answerable": False})
    assert "no question with an answer" in run(*line)[2]


def test_the_run_is_kept_with_what_stands_apart(run: Run, line: list[object], tmp_path: Path) -> None:
    none = {"id": "q3", "question": "Who?", "answerable": False}
    gold(tmp_path, question(), question(id="q2", question="Which sensor?", quote="E-4417"), none)
    status, out, _ = run(*line, "--json", "--out", tmp_path / "run.json")
    kept, found = read_run(tmp_path / "run.json"), json.loads(out)
    assert (status, kept.fingerprint, kept.unanswerable) == (DONE, found["pipeline"], 1)
    assert kept.column("recall@2").mean() == found["metrics"]["recall@2"]["mean"]
    assert kept.abstention == found["abstention"]
    assert (found["abstention"]["unanswerable"], "BM25" in found["abstention"]["caution"]) == (1, True)
    assert kept.anatomy is not None
    status, out, _ = run("compare", tmp_path / "run.json", tmp_path / "run.json", "--json")
    assert (status, json.loads(out)["ties"]) == (DONE, 2)
