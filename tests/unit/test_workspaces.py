"""What a user keeps stays: over restarts, damage, and two who write at once. What is not theirs stays out of reach."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workbench.documents import Document, Section
from workbench.errors import DocumentError, SpecError, StoreError
from workbench.parsers import Auto, Parser, PyPdf
from workbench.spans import Span
from workbench.specs import digest, fingerprint
from workbench.store import Store
from workbench.workspaces import corpus_cache, delete_workspace, expire, manifest, new_workspace, open_workspace
from workbench.workspaces.corpus_cache import from_json, to_json

ROOT = Path(__file__).parents[2]


def parse(name: str, data: bytes, parser: Parser) -> Document:
    """UTF-8 as it is, and a line of its own that each call is counted by."""
    calls.append(name)
    if not data or b"\xff" in data:
        raise DocumentError(f"{name} cannot be read")
    id = fingerprint([digest(data), parser.fingerprint])
    return Document(digest(data), id, name, data.decode(), media_type="text/plain", parser=parser.kind)


calls: list[str] = []
WELL_FORMED = ("w" * 33, "r" * 33, "w" + "a" * 31, "w" + "a" * 32 + "\n")


@pytest.fixture(autouse=True)
def sample(tmp_path, home, monkeypatch):
    """A small sample corpus, and nothing remembered from another test."""
    folder = tmp_path / "sample_docs"
    folder.mkdir()
    (folder / "b.md").write_text("# Sample b")
    (folder / "a.txt").write_text("sample a")
    row = {"id": "q", "question": "?", "references": [{"document": "a.txt", "start": 0, "end": 6, "quote": "sample"}]}
    (folder / "golden.jsonl").write_text(json.dumps(row) + "\n")
    monkeypatch.setattr(manifest, "SAMPLE_FOLDER", folder)
    calls.clear()
    return folder


@pytest.fixture
def workspace():
    return reopened()


@pytest.fixture
def team(monkeypatch):
    monkeypatch.setenv("WORKBENCH_MODE", "team")


def reopened(id=None):
    return open_workspace(id, parse=parse)


def names(workspace):
    return [s.name for s in workspace.sources]


def test_the_first_visit_shows_the_sample_without_copying_it(workspace, home):
    assert names(workspace) == ["a.txt", "b.md"]
    corpus, refusals = workspace.corpus()
    assert [d.text for d in corpus] == ["sample a", "# Sample b"]
    assert refusals == ()
    assert workspace.used == 0
    assert list((home / "workspaces/local/sources").iterdir()) == []


def test_everything_is_there_after_a_restart(workspace, home):
    added = workspace.add("notes.txt", "Grüße\r\n".encode())
    workspace.paste("pasted")
    workspace.keep_pipeline("small", "workbench: 1\n")
    workspace.keep_settings(k=7)
    script = """
from workbench.workspaces import open_workspace
w = open_workspace()
print([s.name for s in w.sources], w.content(w.sources[2]), dict(w.pipelines), dict(w.settings))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    out = done.stdout
    assert "'notes.txt', 'pasted text.txt'" in out
    assert str("Grüße\r\n".encode()) in out
    assert "{'small': 'workbench: 1\\n'} {'k': 7}" in out
    assert (home / "workspaces/local/sources" / added.id).read_bytes() == "Grüße\r\n".encode()


def test_a_file_is_parsed_once(workspace):
    workspace.add("notes.txt", b"one")
    first = workspace.corpus()[0]
    again = reopened().corpus()[0]
    assert calls.count("notes.txt") == 1
    assert all(a is b for a, b in zip(first, again, strict=True))


def test_another_parser_or_suffix_is_another_text(workspace):
    source = workspace.add("notes.txt", b"one")
    other = workspace.choose_parser(source.id, PyPdf())
    assert workspace.document(other).parser == "pypdf"
    assert reopened().sources[-1].parser["kind"] == "pypdf"
    workspace.rename(source.id, "notes.md")
    assert workspace.document(workspace.sources[-1]).name == "notes.md"
    assert calls == ["notes.txt", "notes.txt", "notes.md"]


def test_what_cannot_be_read_is_refused_and_nothing_changes(workspace):
    before = workspace.sources
    with pytest.raises(DocumentError, match="broken.txt cannot be read"):
        workspace.add("broken.txt", b"\xff")
    assert workspace.sources == before


def test_one_unreadable_file_leaves_the_others(workspace):
    source = workspace.add("lost.txt", b"lost")
    (workspace.folder / "sources" / source.id).unlink()
    corpus, refusals = workspace.corpus(PyPdf())
    assert [d.name for d in corpus] == ["a.txt", "b.md"]
    assert [r.source.name for r in refusals] == ["lost.txt"]
    assert "add it again" in refusals[0].reason


def test_the_same_content_twice_is_refused(workspace):
    workspace.add("one.txt", b"same")
    with pytest.raises(DocumentError, match=r"two.txt is already here as one.txt"):
        workspace.add("two.txt", b"same")
    with pytest.raises(DocumentError, match="already here as a.txt"):
        workspace.add("mine.txt", b"sample a")


def test_equal_names_are_told_apart(workspace):
    workspace.add("one.txt", b"1")
    assert names(workspace)[-1:] == ["one.txt"]
    workspace.add("one.txt", b"2")
    assert names(workspace)[-1:] == ["one (2).txt"]
    with pytest.raises(DocumentError, match="already called one.txt"):
        workspace.rename(digest(b"2"), "one.txt")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\passwd", "pass\x00wd", "\u202epasswd"])
def test_a_name_is_a_label_and_never_a_path(workspace, name, tmp_path):
    source = workspace.add(name, b"content")
    assert source.name == "passwd"
    stored = {p.name for p in tmp_path.rglob("*") if p.is_file() and p.read_bytes() == b"content"}
    assert stored == {digest(b"content")}


def test_undo(workspace):
    source = workspace.add("one.txt", b"1")
    workspace.remove(source.id)
    assert "one.txt" not in names(workspace)
    assert [s.name for s in reopened().removed] == ["one.txt"]
    reopened().restore(source.id)
    assert "one.txt" in names(workspace)
    assert workspace.removed == []
    with pytest.raises(DocumentError, match="upload it again"):
        workspace.restore(source.id)


def test_the_sample_can_go_and_come_back(workspace):
    for source in workspace.sources:
        workspace.remove(source.id)
    assert reopened().sources == []
    workspace.add("own.txt", b"own")
    workspace.start_with_sample()
    assert names(workspace) == ["own.txt", "a.txt", "b.md"]
    assert workspace.removed == []


def test_a_new_version_of_the_sample_takes_the_place_of_the_old(workspace, sample):
    (sample / "a.txt").write_text("a newer sample")
    corpus, refusals = workspace.corpus()
    assert [r.source.name for r in refusals] == ["a.txt"]
    workspace.start_with_sample()
    corpus, refusals = workspace.corpus()
    assert refusals == ()
    assert {d.text for d in corpus} == {"a newer sample", "# Sample b"}


def test_replace_keeps_the_place_and_can_be_undone(workspace):
    old = workspace.sources[0]
    new = workspace.replace(old.id, "new.txt", b"new")
    assert names(workspace) == ["new.txt", "b.md"]
    workspace.restore(old.id)
    assert names(workspace) == ["new.txt", "b.md", "a.txt"]
    with pytest.raises(DocumentError):
        workspace.replace(new.id, "broken.txt", b"\xff")
    assert names(workspace) == ["new.txt", "b.md", "a.txt"]


def test_the_golden_set_is_the_samples_until_there_is_an_own(workspace):
    corpus, _ = workspace.corpus()
    questions, problems = workspace.golden_set(corpus)
    assert [q.id for q in questions] == ["q"]
    assert problems == ()
    workspace.keep_golden_set([], corpus)
    assert reopened().golden_set(corpus)[0] == ()


def test_threads_and_processes_that_add_at_once_lose_nothing(workspace, home):
    script = """
import sys
from concurrent.futures import ThreadPoolExecutor
from workbench.workspaces import open_workspace
sys.path.insert(0, "tests/unit")
from test_workspaces import parse
def add(i):
    open_workspace(parse=parse).add(f"{sys.argv[1]}-{i}.txt", f"{sys.argv[1]} {i}".encode())
with ThreadPoolExecutor(4) as pool:
    list(pool.map(add, range(12)))
"""
    processes = [subprocess.Popen([sys.executable, "-c", script, str(n)], cwd=ROOT) for n in range(2)]
    assert [p.wait(timeout=120) for p in processes] == [0, 0]
    expected = {f"{n}-{i}.txt" for n in range(2) for i in range(12)}
    assert expected <= set(names(workspace))
    assert workspace.notice == ""
    assert not list(home.rglob("*.part"))


def test_a_second_user_of_the_same_file_is_refused_even_when_both_parse_at_once(workspace):
    def add(name):
        try:
            return workspace.add(name, b"the same")
        except DocumentError:
            return None

    with ThreadPoolExecutor(8) as pool:
        kept = [s for s in pool.map(add, [f"{i}.txt" for i in range(8)]) if s]
    assert len(kept) == 1
    assert len([s for s in workspace.sources if s.id == digest(b"the same")]) == 1


def test_a_damaged_manifest_is_set_aside_and_said(workspace):
    first = workspace.add("first.txt", b"1")
    workspace.add("second.txt", b"2")
    manifest = workspace.folder / "manifest.json"
    torn = manifest.read_bytes()[:150]
    manifest.write_bytes(torn)

    again = reopened()
    assert names(again) == ["a.txt", "b.md", "first.txt", f"recovered-{digest(b'2')[:8]}"]
    assert "set aside" in again.notice
    assert [p.read_bytes() for p in workspace.folder.glob("manifest.damaged-*")] == [torn]
    assert {d.text for d in again.corpus()[0]} == {"sample a", "# Sample b", "1", "2"}
    assert again.content(first) == b"1"
    again.dismiss_notice()
    assert reopened().notice == ""


@pytest.mark.parametrize("rest", ["", "{}", "[]", "null", '{"workbench": 1, "sources": 3}'])
def test_with_both_copies_damaged_the_files_stay(workspace, rest):
    workspace.add("first.txt", b"1")
    for name in ("manifest.json", "manifest.previous.json"):
        (workspace.folder / name).write_text(rest)
    again = reopened()
    assert names(again) == [f"recovered-{digest(b'1')[:8]}"]
    assert "no older copy" in again.notice
    again.add("next.txt", b"2")


def test_a_manifest_that_is_gone_costs_no_file(workspace):
    workspace.add("first.txt", b"1")
    (workspace.folder / "manifest.json").unlink()
    assert digest(b"1") in {s.id for s in reopened().sources}


def test_a_newer_format_is_left_alone(workspace):
    manifest = workspace.folder / "manifest.json"
    text = manifest.read_text().replace('"workbench": 1', '"workbench": 2')
    manifest.write_text(text)
    with pytest.raises(StoreError, match="newer workbench"):
        _ = reopened().sources
    assert manifest.read_text() == text


def test_a_manifest_cannot_lead_to_another_file(workspace):
    manifest = workspace.folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(workspace.sources[0].id, "../../../secret"))
    assert all(len(s.id) == 64 for s in reopened().sources)


def test_local_mode_has_one_workspace(workspace):
    assert reopened("local").folder == workspace.folder
    with pytest.raises(StoreError, match="no such workspace"):
        reopened("w" + "a" * 32)


@pytest.mark.usefixtures("team")
def test_each_visitor_has_a_private_workspace():
    one, two = reopened(), reopened()
    one.add("secret.txt", b"secret")
    assert one.id != two.id
    assert "secret.txt" not in names(two)
    assert "secret.txt" in names(reopened(one.id))
    ids = {new_workspace(parse=parse).id for _ in range(5)}
    assert len(ids) == 5
    assert all(len(i) == 33 for i in ids)


@pytest.mark.usefixtures("team")
def test_a_reader_cannot_write_and_cannot_find_the_owners_id(home):
    owner = reopened()
    source = owner.add("one.txt", b"1")
    reader = reopened(owner.reader_id)
    assert names(reader) == names(owner)
    assert reader.corpus()[0].id == owner.corpus()[0].id
    assert not reader.writable
    assert reader.reader_id == reader.id
    corpus, _ = reader.corpus()
    before = {p: p.read_bytes() for p in owner.folder.rglob("*.json*")}
    for act in (
        lambda: reader.add("two.txt", b"2"),
        lambda: reader.paste("2"),
        lambda: reader.replace(source.id, "two.txt", b"2"),
        lambda: reader.remove(source.id),
        lambda: reader.restore(source.id),
        lambda: reader.rename(source.id, "two.txt"),
        lambda: reader.choose_parser(source.id, PyPdf()),
        lambda: reader.start_with_sample(),
        lambda: reader.keep_golden_set([], corpus),
        lambda: reader.keep_pipeline("p", ""),
        lambda: reader.drop_pipeline("p"),
        lambda: reader.keep_settings(k=1),
        lambda: reader.dismiss_notice(),
        lambda: delete_workspace(reader.id),
    ):
        with pytest.raises(StoreError, match="only reads"):
            act()
    assert {p: p.read_bytes() for p in owner.folder.rglob("*.json*")} == before
    on_disk = " ".join(str(p) for p in home.rglob("*")).encode() + b"".join(before.values())
    assert owner.id.encode() not in on_disk
    assert owner.reader_id.encode() not in on_disk


@pytest.mark.usefixtures("team")
@pytest.mark.parametrize(
    "id",
    [
        "",
        "local",
        ".",
        "..",
        "../local",
        "w" * 33,
        "r" * 33,
        "w" + "a" * 31,
        "w" + "a" * 32 + "\n",
        "w/../../../../../etc",
        "\0",
    ],
)
def test_an_unknown_id_is_refused_and_never_created(id, home):
    open_workspace(parse=parse)
    before = sorted(home.rglob("*"))
    with pytest.raises(StoreError, match="no such workspace"):
        reopened(id)
    assert sorted(home.rglob("*")) == before


@pytest.mark.usefixtures("team")
def test_a_folders_name_is_no_id():
    owner = reopened()
    for guess in (owner.folder.name, owner.folder.name.removeprefix("team-"), owner.folder.name[-33:]):
        with pytest.raises(StoreError, match="no such workspace"):
            reopened(guess)


@pytest.mark.usefixtures("team")
def test_the_quota(monkeypatch):
    monkeypatch.setenv("WORKBENCH_QUOTA_MB", "1")
    workspace = reopened()
    first = workspace.add("first.txt", b"1" * 700_000)
    with pytest.raises(StoreError, match=r"second.txt \(0.7 MB\) does not fit: 0.7 MB of 1.0 MB are used"):
        workspace.add("second.txt", b"2" * 700_000)
    workspace.remove(first.id)
    workspace.add("second.txt", b"2" * 700_000)  # what was removed gives way
    assert workspace.removed == []
    assert sum(p.stat().st_size for p in (workspace.folder / "sources").iterdir()) == 700_000
    monkeypatch.setenv("WORKBENCH_QUOTA_MB", "much")
    with pytest.raises(StoreError, match="whole number of megabytes"):
        reopened(workspace.id)


@pytest.mark.usefixtures("team")
def test_delete_and_expiry(home):
    one, two = reopened(), reopened()
    one.add("one.txt", b"1")
    delete_workspace(one.id)
    with pytest.raises(StoreError, match="no such workspace"):
        reopened(one.id)
    long_ago = time.time() - 40 * 86_400
    os.utime(two.folder / "manifest.json", (long_ago, long_ago))
    reopened(two.id)  # opening counts as use
    assert expire(30) == 0
    os.utime(two.folder / "manifest.json", (long_ago, long_ago))
    assert expire(30) == 1
    assert list((home / "workspaces").iterdir()) == []


def test_an_unknown_mode_is_told(monkeypatch):
    monkeypatch.setenv("WORKBENCH_MODE", "public")
    with pytest.raises(SpecError, match="must be local or team"):
        reopened()


def test_a_folder_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(StoreError, match="WORKBENCH_HOME"):
        reopened()


def test_a_parser_that_is_no_longer_known_is_a_refusal(workspace):
    manifest = workspace.folder / "manifest.json"
    workspace.add("one.txt", b"1")
    manifest.write_text(manifest.read_text().replace('"kind": "auto"', '"kind": "gone"', 1))
    _, refusals = reopened().corpus()
    assert len(refusals) == 1
    assert "choose another parser" in refusals[0].reason


def test_half_a_character_cannot_be_pasted(workspace):
    with pytest.raises(DocumentError, match="half a character at position 3"):
        workspace.paste("abc\ud83d")


def test_a_document_survives_json():
    spans = Span("id", 0, 4), Span("id", 2, 6)
    document = Document(
        "s", "id", "n.pdf", "ab\u0301🜂\r\n\ud800x", (Section("heading", 2, spans[0], "T"),), ((3, spans[1]),),
        "application/pdf", "pdf 1", "de", ("page 2 holds no text",),
    )  # fmt: skip
    again = from_json(to_json(document), "n.pdf")
    about = ("source", "id", "name", "media_type", "parser", "language", "warnings", "figures")
    for field in (*about, "text", "sections", "pages", "headings"):
        assert getattr(again, field) == getattr(document, field), field


KEPT = to_json(Document("s", "id", "n.txt", "kept"))


@pytest.mark.parametrize(
    "entry",
    [
        KEPT.replace(b"{", b'{"added_later": 1, ', 1),
        KEPT.replace(b'"sections"', b'"parts"'),
        KEPT.replace(b'"sections": []', b'"sections": [["heading", 1]]'),
        KEPT.replace(b'"sections": []', b'"sections": [["heading", 1, 9, 2, ""]]'),
        b"[]",
        b"5",
        b"\xff",
        b"",
    ],
)
def test_what_another_version_kept_is_parsed_anew(entry):
    store = Store(None)
    assert _parsed(store).text == "new"
    ((key,),) = store._connection.execute("SELECT key FROM entries WHERE kind = 'document'")
    store.put("document", key, entry)
    corpus_cache._kept.cache_clear()
    assert _parsed(store).text == "new"
    corpus_cache._kept.cache_clear()
    assert _parsed(store).text == "new"
    assert len(calls) == 2


def test_another_format_is_another_entry(monkeypatch):
    store = Store(None)
    _parsed(store)
    monkeypatch.setattr(corpus_cache, "FORMAT", corpus_cache.FORMAT + 1)
    _parsed(store)
    assert len(calls) == 2
    assert store.usage()["document"].entries == 2


def _parsed(store):
    return corpus_cache.parsed(parse, store, "n.txt", digest(b"new"), lambda: b"new", Auto())


def test_the_real_sample_and_the_real_parsers(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "SAMPLE_FOLDER", ROOT / "sample_docs")
    workspace = open_workspace()
    workspace.add("Grüße.txt", "Liebe Grüße\n".encode(), Auto())
    corpus, refusals = workspace.corpus()
    assert refusals == ()
    assert len(corpus) == len(workspace.sources) >= 2
    assert workspace.document(workspace.sources[-1]).text == "Liebe Grüße\n"


def test_settings_must_be_plain_values(workspace):
    with pytest.raises((TypeError, SpecError)):
        workspace.keep_settings(thing=object())
    assert dict(reopened().settings) == {}
