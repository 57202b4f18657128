"""The golden set of a workspace: versions and undo, drafts until they are accepted, documents that change under it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.documents import Corpus, Document
from workbench.errors import GoldenError, StoreError
from workbench.golden import added, read_golden, removed
from workbench.parsers import Parser
from workbench.records import Question, Reference
from workbench.spans import Span
from workbench.specs import digest
from workbench.workspaces import GoldenSet, Workspace, open_workspace
from workbench.workspaces.golden import MOST_VERSIONS

ROOT = Path(__file__).parents[2]
TEXT = "The pump hums in the cellar of the house. Close the valve before the seal is exchanged by the operator."


def parse(name: str, data: bytes, parser: Parser) -> Document:
    text = data.decode()
    return Document(digest(data), digest(f"{name}{text}{parser.fingerprint}".encode()), name, text)


def corpus_of(workspace: Workspace) -> Corpus:
    return workspace.corpus()[0]


def ask(corpus: Corpus, quote: str, id: str = "", text: str = "What?") -> Question:
    document = next(d for d in corpus if quote in d.text)
    at = document.text.index(quote)
    return Question(id, text, (Reference(Span(document.id, at, at + len(quote)), quote),))


def with_manual(workspace: Workspace) -> Workspace:
    for source in workspace.sources:
        workspace.remove(source.id)
    workspace.add("manual.txt", TEXT.encode())
    return workspace


@pytest.fixture
def workspace(home: Path) -> Workspace:
    return with_manual(open_workspace(parse=parse))


@pytest.fixture
def corpus(workspace: Workspace) -> Corpus:
    return corpus_of(workspace)


@pytest.fixture
def golden(workspace: Workspace) -> GoldenSet:
    return workspace.golden


def ids(golden: GoldenSet, corpus: Corpus) -> list[str]:
    return [q.id for q in golden.read(corpus).questions]


def test_every_change_can_be_undone_and_done_again(golden: GoldenSet, corpus: Corpus) -> None:
    states = [ids(golden, corpus)]
    assert (golden.history.undo, golden.history.redo) == ("", "")
    for quote in ("The pump", "the valve", "the seal"):
        golden.change(lambda questions, quote=quote: added(questions, ask(corpus, quote)), corpus)
        states.append(ids(golden, corpus))
    golden.change(lambda questions: removed(questions, "q1", "q2"), corpus)
    golden.keep([], corpus, "imported nothing from x.csv")
    states += [["q3"], []]
    assert states[1:4] == [["q1"], ["q1", "q2"], ["q1", "q2", "q3"]]
    labels = ["added q1", "added q2", "added q3", "removed 2 questions", "imported nothing from x.csv"]
    for label, state in zip(labels[::-1], states[-2::-1], strict=True):
        assert golden.history.undo == label
        assert golden.undo() == label
        assert golden.history.redo == label
        assert ids(golden, corpus) == state
    with pytest.raises(GoldenError, match="nothing to undo"):
        golden.undo()
    for label, state in zip(labels, states[1:], strict=True):
        assert golden.redo() == label
        assert ids(golden, corpus) == state
    with pytest.raises(GoldenError, match="nothing to redo"):
        golden.redo()
    golden.undo()
    golden.change(lambda questions: added(questions, ask(corpus, "The pump")), corpus)
    assert golden.history.redo == "", "a change after an undo takes another way"
    assert ids(golden, corpus) == ["q3", "q4"]
    golden.undo()
    assert ids(golden, corpus) == ["q3"], "what was undone before is on no way back"


def test_history_is_bounded_and_leaves_no_files_behind(golden: GoldenSet, corpus: Corpus) -> None:
    for i in range(MOST_VERSIONS + 5):
        golden.keep([ask(corpus, "The pump", "q", f"Question {i}?")], corpus)
    assert len(golden.history.versions) == MOST_VERSIONS
    files = list((golden.folder / "golden").iterdir())
    assert len(files) == MOST_VERSIONS + 1
    while golden.history.undo:
        golden.undo()
    assert golden.read(corpus).questions[0].text == "Question 5?"


def test_an_edit_that_changes_nothing_or_fails_is_no_version(golden: GoldenSet, corpus: Corpus) -> None:
    golden.change(lambda questions: added(questions, ask(corpus, "The pump")), corpus)
    before = {p: p.read_bytes() for p in golden.folder.rglob("*.json*")}
    golden.change(lambda questions: questions, corpus)
    for bad in (
        lambda questions: removed(questions, "q9"),
        lambda questions: (*questions, *questions),
        lambda questions: (Question("x", "?"),),
        lambda questions: (Question("x", "?", (Reference(Span("f" * 64, 0, 1), "x"),)),),
    ):
        with pytest.raises(GoldenError):
            golden.change(bad, corpus)
    assert {p: p.read_bytes() for p in golden.folder.rglob("*.json*")} == before


def test_a_golden_set_from_before_versions_is_taken_over(golden: GoldenSet, corpus: Corpus) -> None:
    row = {"id": "old", "question": "?", "references": [{"document": "manual.txt", "start": 4, "end": 8}]}
    (golden.folder / "golden.jsonl").write_text(json.dumps(row) + "\n")
    assert ids(golden, corpus) == ["old"]
    golden.change(lambda questions: added(questions, ask(corpus, "the seal")), corpus)
    assert ids(golden, corpus) == ["old", "q1"]
    golden.undo()
    assert ids(golden, corpus) == ["old"]


def test_a_replaced_document_moves_its_passages_and_reading_writes_nothing(workspace: Workspace) -> None:
    golden, corpus = workspace.golden, corpus_of(workspace)
    for quote in ("The pump hums in the cellar of the house.", "Close the valve before the seal is exchanged"):
        golden.change(lambda questions, quote=quote: added(questions, ask(corpus, quote)), corpus)
    before = {p: p.read_bytes() for p in (golden.folder / "golden").iterdir()}
    text = "Second edition. " + TEXT.replace("seal is exchanged", "seals are exchanged")
    workspace.replace(workspace.sources[0].id, "manual-2.txt", text.encode())
    golden, corpus = workspace.golden, corpus_of(workspace)
    found = golden.read(corpus)
    assert found.counts == {"moved": 1, "approximate": 1}
    assert found.summary == "1 moved, 1 were found approximately"
    assert [r.quote for q in found.questions for r in q.references][1].endswith("seals are exchanged")
    assert {p: p.read_bytes() for p in (golden.folder / "golden").iterdir()} == before
    # An edit writes what it touches; the other question is still compared with what was marked once.
    golden.change(lambda questions: (replace(questions[0], text="Hum?"), *questions[1:]), corpus)
    assert golden.read(corpus).counts == {"kept": 1, "approximate": 1}
    golden.confirm(corpus)
    assert golden.read(corpus).counts == {"kept": 2}
    assert golden.read(corpus).questions == (replace(found.questions[0], text="Hum?"), found.questions[1])


def test_questions_wait_for_a_document_that_was_removed(workspace: Workspace) -> None:
    other = workspace.add("other.txt", b"Fish swim in the sea and are not seen.")
    corpus, golden = corpus_of(workspace), workspace.golden
    golden.keep([ask(corpus, "Fish swim", "q1"), ask(corpus, "The pump", "q2")], corpus)
    workspace.remove(other.id)
    less = corpus_of(workspace)
    assert golden.read(less).counts == {"kept": 1, "gone": 1}
    golden.change(lambda questions: removed(questions, "q2"), less)
    assert [(q.id, q.references, len(q.lost)) for q in golden.read(less).questions] == [("q1", (), 1)]
    workspace.restore(other.id)
    assert golden.read(corpus_of(workspace)).questions == (ask(corpus, "Fish swim", "q1"),)


def test_rows_that_cannot_be_read_are_kept_through_edits(golden: GoldenSet, corpus: Corpus) -> None:
    (golden.folder / "golden.jsonl").write_text('{"id": "broken"\n{"id": "q1", "question": "?", "answerable": false}\n')
    (problem,) = golden.read(corpus).problems
    assert problem.line == 1
    golden.change(lambda questions: added(questions, ask(corpus, "The pump")), corpus)
    found = golden.read(corpus)
    assert [q.id for q in found.questions] == ["q1", "q2"]
    assert [(p.line, p.message) for p in found.problems] == [(3, problem.message)]


def test_drafts_wait_apart_until_a_person_decides(golden: GoldenSet, corpus: Corpus) -> None:
    drafts = [ask(corpus, quote, "x", f"About {quote}?") for quote in ("The pump", "the valve", "the seal", "operator")]
    kept = golden.keep_drafts(drafts, corpus)
    assert [q.id for q in kept] == ["d1", "d2", "d3", "d4"]
    assert golden.drafts(corpus) == kept
    assert golden.read(corpus).questions == ()
    assert golden.history.undo == "drafted 4 questions"

    assert golden.accept("d1", corpus) == replace(kept[0], id="q1")
    golden.edit_draft("d2", replace(kept[1], text="Which tap?"), corpus)
    edited = replace(golden.drafts(corpus)[0], text="Which tap first?")
    assert golden.accept("d2", corpus, edited).text == "Which tap first?"
    golden.reject(["d3"], corpus)
    assert [q.text for q in golden.read(corpus).questions] == ["About The pump?", "Which tap first?"]
    assert [q.id for q in golden.drafts(corpus)] == ["d4"]
    assert [q.id for q in golden.rejected(corpus)] == ["d3"]
    with pytest.raises(GoldenError, match='no draft "d3"'):
        golden.accept("d3", corpus)
    assert [q.id for q in golden.keep_drafts(drafts[:1], corpus)] == ["d5"]

    assert [golden.undo() for _ in range(3)] == ["drafted 1 question", "rejected 1 draft", "accepted q2"]
    assert [q.id for q in golden.drafts(corpus)] == ["d2", "d3", "d4"], "an accepted draft comes back"
    assert ids(golden, corpus) == ["q1"]
    assert golden.keep_drafts([], corpus) == ()
    assert golden.history.redo == "accepted q2", "no drafts are no change"


def test_the_sample_is_copied_on_the_first_change(home: Path) -> None:
    """Its questions about documents that are not here stay out; those that stay are the sample's own lines."""
    workspace = open_workspace()
    gone = next(s for s in workspace.sources if s.name == "ordering-guide.html")
    workspace.remove(gone.id)
    corpus, golden = corpus_of(workspace), workspace.golden
    before = golden.read(corpus)
    assert before.problems == ()
    assert all(q.lost == () for q in before.questions)
    golden.change(lambda questions: removed(questions, questions[0].id), corpus)
    after = golden.read(corpus)
    assert after.questions == before.questions[1:]
    sample = set((ROOT / "sample_docs/golden.jsonl").read_bytes().splitlines())
    (file,) = (golden.folder / "golden").glob("*.jsonl")
    assert set(file.read_bytes().splitlines()) < sample
    golden.undo()
    assert golden.read(corpus).questions == before.questions


def test_processes_that_change_at_once_lose_nothing(workspace: Workspace, corpus: Corpus) -> None:
    script = """
import sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, "tests/unit")
from test_golden_sets import ask, corpus_of, parse
from workbench.golden import added
from workbench.workspaces import open_workspace
workspace = open_workspace(parse=parse)
corpus = corpus_of(workspace)
def add(i):
    question = ask(corpus, "The pump", "", f"{sys.argv[1]} {i}")
    workspace.golden.change(lambda questions: added(questions, question), corpus)
    workspace.golden.read(corpus)
with ThreadPoolExecutor(3) as pool:
    list(pool.map(add, range(8)))
"""
    processes = [subprocess.Popen([sys.executable, "-c", script, str(n)], cwd=ROOT) for n in range(2)]
    assert [p.wait(timeout=120) for p in processes] == [0, 0]
    questions = workspace.golden.read(corpus).questions
    assert {q.text for q in questions} == {f"{n} {i}" for n in range(2) for i in range(8)}
    assert [q.id for q in questions] == [f"q{i}" for i in range(1, 17)]
    assert not list(workspace.folder.rglob("*.part"))


@pytest.mark.parametrize(
    "index",
    [
        b"{",
        b"[]",
        b'{"workbench": 1, "at": 3, "versions": []}',
        b'{"workbench": 1, "at": 0, "versions": [{"golden": "../../manifest"}]}',
        b'{"workbench": 2, "at": 0, "versions": [{}]}',
        b'{"workbench": 1, "at": 0.5, "versions": [{}]}',
        b'{"workbench": 1, "at": 0, "versions": [{"label": 7}]}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_a_damaged_list_is_told_and_not_overwritten(golden: GoldenSet, corpus: Corpus, index: bytes) -> None:
    golden.keep([ask(corpus, "The pump", "q1")], corpus)
    (golden.folder / "golden/versions.json").write_bytes(index)
    for act in (lambda: golden.read(corpus), lambda: golden.keep([], corpus), lambda: golden.undo()):
        with pytest.raises(StoreError, match=r"golden.*(damaged|newer workbench)"):
            act()
    assert (golden.folder / "golden/versions.json").read_bytes() == index
    assert len(list((golden.folder / "golden").glob("*.jsonl"))) == 1


def test_a_reader_may_look_and_not_touch(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    owner = with_manual(open_workspace(parse=parse))
    corpus = corpus_of(owner)
    owner.golden.keep([ask(corpus, "The pump", "q1")], corpus)
    owner.golden.keep_drafts([ask(corpus, "the valve", "x")], corpus)
    reader = open_workspace(owner.reader_id, parse=parse).golden
    assert (ids(reader, corpus), len(reader.drafts(corpus))) == (["q1"], 1)
    for act in (
        lambda: reader.keep([], corpus),
        lambda: reader.change(lambda questions: (), corpus),
        lambda: reader.confirm(corpus),
        lambda: reader.undo(),
        lambda: reader.redo(),
        lambda: reader.keep_drafts([], corpus),
        lambda: reader.accept("d1", corpus),
        lambda: reader.edit_draft("d1", ask(corpus, "The pump"), corpus),
        lambda: reader.reject(["d1"], corpus),
    ):
        with pytest.raises(StoreError, match="only reads"):
            act()
    assert owner.golden.history.undo == "drafted 1 question"


def test_export_reads_back(golden: GoldenSet, corpus: Corpus) -> None:
    golden.keep([ask(corpus, "The pump", "q1"), Question("q2", "Diesel?", (), (), False)], corpus)
    assert read_golden(golden.export(corpus).encode(), corpus) == (golden.read(corpus).questions, ())
