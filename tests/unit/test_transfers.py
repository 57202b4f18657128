"""A workspace leaves as one file and comes back from it whole; what a hostile file adds is refused by name."""

import io
import json
import re
import stat
import zipfile

import pytest

from workbench.errors import DocumentError, StoreError
from workbench.evaluations import evaluate, run_of
from workbench.golden import added
from workbench.parsers import Auto
from workbench.pipelines import Pipeline, to_yaml
from workbench.records import Question, Reference, run_to_json, write_run
from workbench.retrievers import BM25
from workbench.spans import Span
from workbench.splitters import Recursive
from workbench.workspaces import new_workspace, open_workspace
from workbench.workspaces.experiments import experiments_folder, kept_runs
from workbench.workspaces.transfer import MANIFEST, export_workspace, import_workspace

PIPELINE = Pipeline(splitter=Recursive(chunk_size=200, chunk_overlap=0, unit="characters"), retriever=BM25())
TEXT = "Herons nest under the gantry.\n\nOtters sleep beside the turbine."


@pytest.fixture
def team(home, monkeypatch):
    monkeypatch.setenv("WORKBENCH_MODE", "team")


@pytest.fixture
def full(team):
    """A workspace with one document of its own, a question, a pipeline, tags and a run."""
    here = new_workspace()
    for source in here.sources:
        here.remove(source.id)
    source = here.add("birds.txt", TEXT.encode(), Auto(encoding="utf-8"))
    corpus, _ = here.corpus()
    where = Span(corpus.documents[0].id, 0, 29)
    question = Question("", "Where do herons nest?", (Reference(where, corpus[where]),))
    questions = here.golden.change(lambda before: added((), question), corpus)
    here.keep_pipeline("small", to_yaml(PIPELINE))
    here.keep_settings(tags={source.id: ["birds"]}, models=["some/model", "/etc"])
    write_run(run_of(evaluate(corpus, questions, PIPELINE), questions), runs(here, corpus, questions) / "ab12.json")
    return here


def runs(workspace, corpus, questions):
    return experiments_folder(workspace, corpus, questions) / "runs"


def edited(data: bytes, *more: tuple[str | zipfile.ZipInfo, bytes], drop: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename != drop:
                new.writestr(entry, old.read(entry))
        for name, content in more:
            new.writestr(name, content)
    return out.getvalue()


def test_a_workspace_comes_back_as_it_was(full):
    data, missing = export_workspace(full)
    assert missing == ()
    other = new_workspace()
    told = import_workspace(other, "w.zip", data)
    assert (told.documents, told.questions, told.pipelines, told.runs, told.refused) == (1, 1, 1, 1, [])
    assert [(s.name, s.id, s.parser) for s in other.sources] == [(s.name, s.id, s.parser) for s in full.sources]
    corpus, before = other.corpus()[0], full.corpus()[0]
    assert corpus.id == before.id
    assert other.golden_set(corpus)[0] == full.golden_set(before)[0]
    assert other.pipelines == full.pipelines
    assert other.settings["tags"] == full.settings["tags"]
    assert other.settings["models"] == ["some/model"], "a path of another machine is no model here"
    (run,) = kept_runs(experiments_folder(other, corpus, other.golden_set(corpus)[0]))
    assert run == kept_runs(experiments_folder(full, before, full.golden_set(before)[0]))[0]


def test_an_import_joins_what_is_there_and_taking_it_twice_changes_nothing(full):
    data, _ = export_workspace(full)
    other = new_workspace()
    other.paste("my own note")
    import_workspace(other, "w.zip", data)
    names = [s.name for s in other.sources]
    assert names[-2:] == ["pasted text.txt", "birds.txt"]
    assert len(names) == 15
    questions = other.golden_set(other.corpus()[0])[0]
    told = import_workspace(other, "w.zip", data)
    assert [s.name for s in other.sources] == names
    assert other.golden_set(other.corpus()[0])[0] == questions
    assert told.questions == 0


def test_the_sample_alone_is_exported_and_stays_the_sample(team):
    here, other = new_workspace(), new_workspace()
    data, _ = export_workspace(here)
    import_workspace(other, "w.zip", data)
    assert [s.id for s in other.sources] == [s.id for s in here.sources]
    assert all(s.sample for s in other.sources)
    assert other.used == 0


def test_a_reader_may_take_a_copy_and_may_not_import(full):
    reader = open_workspace(full.reader_id)
    data, _ = export_workspace(reader)
    with pytest.raises(StoreError, match="only reads"):
        import_workspace(reader, "w.zip", data)


HARM = b"harm"
LINK = zipfile.ZipInfo("documents/link.txt")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16


@pytest.mark.parametrize(
    "member, reason",
    [
        ("../../evil.txt", "leads out"),
        ("/etc/passwd", "leads out"),
        ("documents/../../evil.txt", "leads out"),
        ("documents\\evil.txt", "leads out|name"),
        ("documents/deep/evil.txt", "never taken over"),
        ("index.faiss", "never taken over"),
        ("vectors.npy", "never taken over"),
        ("store.sqlite", "never taken over"),
        ("runs/model.pkl", "never taken over"),
        ("documents/", None),
        (LINK, "link"),
    ],
)
def test_a_member_that_does_not_belong_is_refused_by_name(full, tmp_path, member, reason):
    other = new_workspace()
    told = import_workspace(other, "w.zip", edited(export_workspace(full)[0], (member, HARM)))
    assert told.documents == 1
    if reason is None:
        assert told.refused == []
        return
    (refusal,) = told.refused
    assert refusal[0] == (member if isinstance(member, str) else member.filename)
    assert re.search(reason, refusal[1])
    assert [s.name for s in other.sources] == ["birds.txt"]
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.read_bytes() == HARM], (
        "nothing of it is on the disk"
    )


def test_a_name_that_stands_twice_is_taken_neither_time(full):
    with pytest.warns(UserWarning, match="Duplicate"):
        data = edited(export_workspace(full)[0], ("documents/birds.txt", b"another"))
    told = import_workspace(new_workspace(), "w.zip", data)
    assert told.documents == 0
    assert [name for name, _ in told.refused] == ["documents/birds.txt"] * 2
    assert "twice" in told.refused[0][1]


def test_a_bomb_is_refused_whole(full):
    other = new_workspace()
    before = other.sources
    with pytest.raises(DocumentError, match=r"w\.zip: .*bomb"):
        import_workspace(other, "w.zip", edited(export_workspace(full)[0], ("documents/zeros.txt", bytes(30_000_000))))
    assert other.sources == before


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"PK no zip", "damaged"),
        (b"", "damaged"),
        (None, "no workspace file"),
        (b"{", "damaged"),
        (b'{"workbench": 2}', "format 2"),
        (b'{"workbench": true, "documents": []}', "format True"),
        (b'{"workbench": 1, "documents": [{"sha256": "x", "parser": {"kind": "shell"}}]}', "parser"),
        (b'{"workbench": 1, "documents": [{"sha256": "x", "parser": {"kind": "auto"}, "tags": "x"}]}', "damaged"),
        (b"[" * 100_000, "damaged"),
    ],
)
def test_what_is_no_workspace_file_is_refused_with_the_reason(full, data, reason):
    whole = export_workspace(full)[0]
    if data is None:
        file = edited(whole, drop=MANIFEST)
    elif data.startswith((b"{", b"[")):
        file = edited(whole, (MANIFEST, data), drop=MANIFEST)
    else:
        file = data
    other = new_workspace()
    with pytest.raises(DocumentError, match=reason):
        import_workspace(other, "w.zip", file)
    assert len(other.sources) == 13


def test_each_broken_part_is_refused_by_itself(full):
    corpus, _ = full.corpus()
    (run,) = kept_runs(experiments_folder(full, corpus, full.golden_set(corpus)[0]))
    changed = json.loads(run_to_json(run)) | {"label": "better"}
    told = import_workspace(
        new_workspace(),
        "w.zip",
        edited(
            export_workspace(full)[0],
            ("documents/locked.pdf", b"%PDF-1.4 broken"),
            ("pipelines/bad.yaml", b"workbench: 1\nsplitter: {kind: shell}\n"),
            ("pipelines/tag.yaml", b"!!python/object/apply:os.system [id]"),
            ("runs/changed.json", json.dumps(changed).encode()),
            ("golden.jsonl", b'{"id": "broken"\n'),
            drop="golden.jsonl",
        ),
    )
    reasons = dict(told.refused)
    assert set(reasons) == {
        "documents/locked.pdf", "pipelines/bad.yaml", "pipelines/tag.yaml", "runs/changed.json", "golden.jsonl",
    }  # fmt: skip
    assert "checksum" in reasons["runs/changed.json"]
    assert (told.documents, told.pipelines, told.runs) == (1, 1, 1)


def test_the_quota_holds_for_imports(full, monkeypatch):
    data = edited(export_workspace(full)[0], ("documents/large.txt", b"heron otter " * 120_000))
    monkeypatch.setenv("WORKBENCH_QUOTA_MB", "1")
    told = import_workspace(new_workspace(), "w.zip", data)
    assert told.documents == 1
    assert "does not fit" in dict(told.refused)["documents/large.txt"]


@pytest.mark.parametrize("part", ["embedder: {kind: static, model: /etc}", "splitter: {kind: fixed, tokenizer: ../x}"])
def test_a_pipeline_that_names_a_path_of_the_server_is_not_taken(full, part):
    member = ("pipelines/path.yaml", f"workbench: 1\n{part}\n".encode())
    other = new_workspace()
    told = import_workspace(other, "w.zip", edited(export_workspace(full)[0], member))
    assert "not offered on this server" in dict(told.refused)["pipelines/path.yaml"]
    assert list(other.pipelines) == ["small"]
