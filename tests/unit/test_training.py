"""What was seen in training does not judge: the record, the rule, and every command that shows a figure."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from workbench.adaptation import Material, learn_adapter, material, with_adapter
from workbench.anatomy import explain, picture_of
from workbench.cli import CANNOT_TELL, DONE, main
from workbench.documents import Corpus
from workbench.embedders import Adapter, Static, keep_adapter, keep_training, read_adapter
from workbench.errors import ModelUnavailable, SpecError
from workbench.evaluations import Evaluation, evaluate, run_of
from workbench.golden import write_golden
from workbench.parsers import read
from workbench.pipelines import Pipeline, to_yaml
from workbench.records import (
    LEAST_UNSEEN,
    Question,
    Reference,
    Run,
    Training,
    TrainingSet,
    judging,
    read_run,
    run_from_json,
    run_to_json,
    write_run,
)
from workbench.retrievers import BM25
from workbench.spans import Span
from workbench.splitters import Fixed
from workbench.sweeps import aligned, leaderboard, sweep
from workbench.sweeps.pipeline_race import race

SIZE = 80
LINE = Pipeline(splitter=Fixed(chunk_size=SIZE, chunk_overlap=0, unit="characters"), embedder=Static(), k=3)
WORDS = "valve pump filter motor gauge nozzle rotor seal bolt hose tank lever spring clutch piston belt".split()

pytestmark = pytest.mark.usefixtures("home")


def question(id: str, text: str, document: str, start: int, end: int, quote: str = "") -> Question:
    return Question(id, text, (Reference(Span(document, start, end), quote or f"quote {document} {start} to {end}"),))


TRAINED = [
    question("a", "How is the pump started?", "d1", 100, 200),
    question("b", "What is error E17?", "d1", 300, 400),
]


@pytest.mark.parametrize(
    "asked, seen",
    [
        (question("a", "How is the pump started?", "d1", 100, 200), True),  # the same
        (question("new", "how is the PUMP  started", "d9", 0, 9), True),  # copied under another id, written otherwise
        (question("new", "And how does the pump stop?", "d1", 150, 260), True),  # an overlapping passage
        (question("new", "And the pump?", "other parse", 7, 9, "quote d1 100 to 200 "), False),  # too short to tell
        (question("new", "What is error E18?", "d1", 200, 300), False),  # the passages touch, and share nothing
        (question("a", "Which oil is used?", "d1", 500, 600), False),  # ids of golden sets are alike by chance
        (question("new", "What is error E18?", "d2", 100, 200), False),
    ],
)
def test_a_question_is_recognised_by_its_words_and_its_passages(asked: Question, seen: bool) -> None:
    assert TrainingSet.of(TRAINED).has_seen(asked) is seen


def test_a_passage_is_recognised_by_its_quote_where_the_document_was_parsed_again() -> None:
    quote = "Turn the main valve to the left until it stops, then start the pump."
    record = TrainingSet.of([question("a", "How?", "d1", 100, 168, quote)])
    assert record.has_seen(question("x", "Which way?", "parsed again", 5, 70, quote.replace(" ", "\n", 3).upper()))
    assert not record.has_seen(question("x", "Which way?", "parsed again", 5, 70, quote[:-6]))


def test_the_record_is_plain_and_holds_no_text() -> None:
    record = TrainingSet.of(TRAINED)
    assert record == TrainingSet.of(TRAINED[::-1])
    assert record.ids == ("a", "b")
    plain = json.loads(json.dumps(record.to_dict()))
    assert TrainingSet.from_dict(plain) == record
    assert not any(word in json.dumps(plain) for word in ("pump", "E17", "quote d1"))
    for wrong in ({}, plain | {"more": 1}, plain | {"ids": [1]}, plain | {"places": [["d", "0", 1]]}, None):
        with pytest.raises((ValueError, TypeError)):
            TrainingSet.from_dict(wrong)


@pytest.mark.parametrize(
    "seen, known, judges, left_out, marked",
    [
        ([False] * 4, True, 4, 0, False),
        ([True, True, False, False], True, 2, 2, False),
        ([True, True, True, False], True, 4, 0, True),  # one question has no interval: all judge, and it is said
        ([True] * 4, True, 4, 0, True),
        ([False] * 4, False, 4, 0, True),
        ([True, True, False, False], False, 2, 2, True),
        ([], True, 0, 0, False),
    ],
)
def test_the_rule(seen: list[bool], known: bool, judges: int, left_out: int, marked: bool) -> None:
    found = judging(seen, known)
    assert (sum(found.judges), found.left_out, found.marked) == (judges, left_out, marked)
    assert bool(found.note) == bool(found.to_dict()) == (marked or left_out > 0)
    assert ("seen in training" in found.note) == bool(found.note)


# --- the same in figures: half of the questions are trained on


class Half:
    """A made-up document, twelve questions, and an adapter learned from the first six."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(3)
        blocks = [" ".join(rng.choice(WORDS, 12)).ljust(SIZE)[:SIZE] for _ in range(24)]
        path = folder / "manual.txt"
        path.write_text("".join(blocks), "utf-8")
        (document,) = read(path)
        self.folder, self.docs, self.corpus = folder, path, Corpus((document,))
        self.questions = []
        for i in range(12):
            span = Span(document.id, 2 * i * SIZE, (2 * i + 1) * SIZE)
            words = " ".join(document[span].split()[i % 4 : i % 4 + 3])
            self.questions.append(Question(f"q{i}", f"{words} {i}", (Reference(span, document[span]),)))
        self.trained, self.others = self.questions[:6], self.questions[6:]
        self.of: Material = material(self.corpus, self.trained, LINE)
        self.adapted = with_adapter(LINE, learn_adapter(self.of))
        for name, some in (("all", self.questions), ("trained", self.trained), ("others", self.others)):
            (folder / f"{name}.jsonl").write_text(write_golden(some, self.corpus), "utf-8")
        (folder / "plain.yaml").write_text(to_yaml(LINE))
        (folder / "adapted.yaml").write_text(to_yaml(self.adapted))

    def evaluation(self, questions: list[Question], pipeline: Pipeline | None = None) -> Evaluation:
        return evaluate(self.corpus, questions, pipeline or self.adapted, ["recall@3", "recall@1000tok"])

    def run(self, questions: list[Question], pipeline: Pipeline | None = None) -> Run:
        return run_of(self.evaluation(questions, pipeline), questions)


@pytest.fixture
def half(tmp_path: Path, home: Path) -> Half:
    return Half(tmp_path)


def test_an_adapter_names_its_questions_and_they_are_part_of_its_identity(half: Half) -> None:
    adapter = learn_adapter(half.of)
    assert adapter.origin.training == TrainingSet.of(half.trained)
    again = read_adapter(adapter.data)
    assert (again.origin, again.data) == (adapter.origin, adapter.data)
    fewer = Adapter(adapter.delta, replace(adapter.origin, training=TrainingSet.of(half.trained[:3])))
    assert fewer.name != adapter.name
    assert half.adapted.training == Training((TrainingSet.of(half.trained),))
    assert replace(half.adapted, retriever=BM25()).training == LINE.training == Training()


def test_an_adapter_of_before_keeps_its_bytes_and_its_training_is_not_known(half: Half) -> None:
    """Its name is the hash of its bytes: read and written again they must be the same."""
    from safetensors.numpy import save

    old = {"base": Static().fingerprint, "examples": 6, "ridge": 0.5}
    delta = learn_adapter(half.of).delta
    data = save({"delta": delta}, metadata={"workbench": json.dumps(old, sort_keys=True)})
    adapter = read_adapter(data)
    assert adapter.data == data
    assert "training" not in adapter.origin.to_dict()
    line = replace(LINE, embedder=Static(adapter=keep_adapter(adapter)))
    assert not line.training.known
    found = half.evaluation(half.questions, line)
    assert found.judging.marked
    assert "not known" in found.judging.note
    run = run_of(found, half.questions)
    assert not run.knows_training
    assert "not known" in leaderboard([run, half.run(half.questions, LINE)]).training_note


def test_a_damaged_record_is_refused(half: Half) -> None:
    adapter = learn_adapter(half.of)
    broken = adapter.data.replace(b"places", b"spaces")
    assert broken != adapter.data
    with pytest.raises(SpecError, match="not an adapter"):
        read_adapter(broken)


def test_a_model_folder_says_what_it_was_trained_on(tmp_path: Path, half: Half) -> None:
    from workbench.embedders.adapters import TRAINING, training_beside

    record = Training((TrainingSet.of(half.trained),))
    assert training_beside(tmp_path / "nothing") == Training()
    keep_training(tmp_path, record)
    assert training_beside(tmp_path) == record
    (tmp_path / TRAINING).write_text("{}")
    with pytest.raises(ModelUnavailable, match="does not name the questions"):
        training_beside(tmp_path)


def test_means_are_of_unseen_questions_and_all_values_are_kept(half: Half) -> None:
    found = half.evaluation(half.questions)
    assert found.seen == (True,) * 6 + (False,) * 6
    means = found.intervals()
    assert means["recall@3"].n == 6
    assert means["recall@3"].mean == found.values[6:, 0].mean() != found.values[:, 0].mean()
    assert found.values.shape == (12, 2)
    anatomy = explain(found)
    assert [one.question.id for one in anatomy.questions] == [q.id for q in half.others]
    assert anatomy.recall == pytest.approx(means["recall@3"].mean)
    assert picture_of(found, anatomy, 0)["question"] == half.others[0].text
    run = run_of(found, half.questions)
    assert run.mean("recall@3") == means["recall@3"].mean
    assert [q.seen for q in run.questions] == list(found.seen)
    assert half.evaluation(half.questions, LINE).judging.note == ""


def test_on_trained_questions_alone_the_figure_is_marked(half: Half) -> None:
    found = half.evaluation(half.trained)
    assert found.intervals()["recall@3"].n == 6
    assert found.judging.note.startswith("seen in training: the pipeline learned from 6 of these 6 questions")
    nearly = half.evaluation([*half.trained, half.others[0]])
    assert nearly.judging.seen == 6
    enough = half.evaluation([*half.trained, *half.others[:LEAST_UNSEEN]])
    assert enough.intervals()["recall@3"].n == LEAST_UNSEEN


def test_runs_carry_it_through_their_files(half: Half, tmp_path: Path) -> None:
    run = half.run(half.questions)
    write_run(run, tmp_path / "r.json")
    assert read_run(tmp_path / "r.json") == run
    assert read_run(tmp_path / "r.json").judging == run.judging
    row = json.loads(run_to_json(run))
    assert row["training_known"] is True
    old = replace(run, training_known=None)
    assert not run_from_json(run_to_json(old)).knows_training
    assert half.run(half.questions, LINE).knows_training
    assert replace(half.run(half.questions, LINE), training_known=None).knows_training


def test_two_runs_leave_out_what_either_has_seen(half: Half) -> None:
    other = with_adapter(LINE, learn_adapter(material(half.corpus, half.others[:2], LINE)))
    runs = [half.run(half.questions), half.run(half.questions, other)]
    both = aligned(runs, "recall@3")
    assert both.questions == tuple(q.id for q in half.questions[8:])
    assert both.judging.left_out == 8
    assert aligned(runs[::-1], "recall@3").questions == both.questions
    assert len(aligned([half.run(half.questions, LINE)] * 2, "recall@3").questions) == 12


def test_a_sweep_and_a_race_choose_by_unseen_questions(half: Half) -> None:
    lines = [LINE, half.adapted]
    results = sweep(half.corpus, half.questions, lines, metrics=["recall@3", "recall@1000tok"])
    board = leaderboard(results.runs, "recall@1000tok")
    assert (board.n, board.judging.left_out) == (6, 6)
    assert all(row.fixed is not None and row.fixed.n == 6 for row in board.rows)
    values = {row.run.fingerprint: row.interval.mean for row in board.rows}
    assert values[LINE.fingerprint] == results.runs[0].column("recall@1000tok")[6:].mean()
    marked = leaderboard(sweep(half.corpus, half.trained, lines, metrics=["recall@3"]).runs, "recall@3")
    assert "learned from 6 of these 6" in marked.training_note
    raced = race(half.corpus, half.questions, lines, metric="recall@3", metrics=["recall@3"])
    assert raced.asked == 6
    assert "6 questions seen in training are left out" in raced.sentence


def told(capsys: pytest.CaptureFixture[str], *call: object, status: int = DONE) -> tuple[dict[str, object], str]:
    """What a command says, as JSON and as text."""
    arguments = [str(one) for one in call]
    assert main([*arguments, "--json"]) == status
    plain = json.loads(capsys.readouterr().out)
    assert main(arguments) == status
    return plain, capsys.readouterr().out


def test_every_command_says_it(half: Half, capsys: pytest.CaptureFixture[str]) -> None:
    at = half.folder
    common = ("evaluate", half.docs, "--no-anatomy", "--golden")
    plain, text = told(capsys, *common, at / "all.jsonl", "--config", at / "adapted.yaml", "--out", at / "a.json")
    assert plain["training"]["questions"] == [q.id for q in half.trained]
    assert plain["metrics"]["recall@3"]["n"] == 6
    assert "6 questions seen in training are left out" in text
    plain, text = told(capsys, *common, at / "trained.jsonl", "--config", at / "adapted.yaml", "--out", at / "t.json")
    assert (plain["training"]["seen"], plain["training"]["left_out"]) == (6, 0)
    assert "seen in training: the pipeline learned from 6 of these 6 questions" in text
    plain, text = told(capsys, *common, at / "all.jsonl", "--config", at / "plain.yaml", "--out", at / "b.json")
    assert plain["training"] is None
    assert "training" not in text

    plain, text = told(capsys, "compare", at / "a.json", at / "b.json")
    assert (plain["n"], plain["training"]["left_out"]) == (6, 6)
    assert "6 questions seen in training are left out" in text
    plain, text = told(capsys, "compare", at / "t.json", at / "b.json")
    assert plain["training"]["seen"] == 6
    assert "learned from 6 of these 6" in text

    given = (half.docs, "--golden", at / "all.jsonl")
    gate = ("check", *given, "--config", at / "adapted.yaml", "--baseline", at / "b.json")
    plain, text = told(capsys, *gate, status=CANNOT_TELL)  # of 12 questions 6 judge: too few for this gate
    assert (plain["n"], plain["training"]["left_out"]) == (6, 6)
    assert plain["now"] == pytest.approx(read_run(at / "a.json").mean(plain["metric"]))
    assert "6 questions seen in training are left out" in text
    grid = {"base": yaml.safe_load(to_yaml(half.adapted)), "vary": {"k": [2, 3]}}
    (at / "grid.yaml").write_text(yaml.safe_dump(grid))
    plain, text = told(capsys, "sweep", *given, "--grid", at / "grid.yaml", "--out", at / "sweep", "--held-out", "0")
    assert plain["training"]["left_out"] == 6
    assert plain["questions"] == 6
    assert "6 questions seen in training are left out" in text
