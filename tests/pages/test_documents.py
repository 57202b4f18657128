"""The page of documents: what is added in which way, what a replacement says, parsers compared, pages beside text."""

import io
import time
import zipfile

import pytest
from test_pages import APOLOGY, keys, status, whole, words

from workbench.parsers import Auto, Unstructured
from workbench.specs import to_dict
from workbench.workspaces import open_workspace
from workbench.workspaces.transfer import export_workspace


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def drop(app, key: str, *files: tuple[str, bytes]):
    """Put files (name, bytes) into the drop zone whose key begins so."""
    zone = next(u for u in app.file_uploader if u.key.startswith(key))
    made = [(name, data, "application/octet-stream") for name, data in files]
    zone.set_value(made if zone.accept_multiple_files else made[0]).run()
    whole(app)
    return app


def names(workspace) -> list[str]:
    return [source.name for source in workspace.sources]


def shown(workspace, name: str) -> str:
    """The id of the document of this name."""
    return next(d.id for d in workspace.corpus()[0] if d.name == name)


# --- adding


def test_a_zip_is_opened_and_what_is_refused_in_it_is_named(visit, few):
    data = zipped(("a/note.md", b"# Herons"), ("b/note.md", b"# Otters"), ("evil.exe", b"MZ\x90\x00" + bytes(99)))
    app = drop(visit("Documents"), "upload-popover", ("docs.zip", data))
    assert {"a - note.md", "b - note.md"} <= set(names(few))
    assert any("evil.exe" in text.replace("\\", "") for text in words(app))
    assert "5 documents" in status(app)


def test_a_bomb_is_refused_by_the_zips_name(visit, few):
    app = drop(visit("Documents"), "upload-popover", ("bomb.zip", zipped(("zeros.txt", bytes(40_000_000)))))
    assert any("bomb.zip" in text.replace("\\", "") for text in words(app))
    assert len(few.sources) == 3


def test_of_a_folder_hidden_files_and_golden_sets_are_passed_over(visit, few):
    files = [("docs/a.md", b"# A"), ("docs/.git/config.txt", b"x"), (".DS_Store", b"x"), ("docs/golden.jsonl", b"{}")]
    app = visit("Documents")
    zone = next(u for u in app.file_uploader if u.key.startswith("upload-folder"))
    assert zone.accept_directory
    drop(app, "upload-folder", *files)
    assert len(few.sources) == 4
    assert names(few)[-1] == "a.md"


def test_too_many_files_at_once_are_refused_and_nothing_is_taken(visit, few, monkeypatch):
    from workbench.ui import documents

    monkeypatch.setattr(documents, "MOST_FILES", 2)
    app = drop(visit("Documents"), "upload-popover", *[(f"{i}.txt", b"text %d" % i) for i in range(3)])
    assert any("2 that are taken at once" in text for text in words(app))
    assert len(few.sources) == 3


def test_a_workspace_file_is_taken_wherever_it_is_dropped(visit, few):
    few.paste("The copper heron nests under gantry seven.", "heron.txt")
    data, _ = export_workspace(few)
    few.discard(few.remove(few.sources[-1].id).id)
    for key in ("upload-popover", "import-workspace"):
        drop(visit("Documents"), key, ("workspace.zip", data))
        assert "heron.txt" in names(few)


def test_of_a_hostile_workspace_file_each_part_is_named(visit, few):
    data, _ = export_workspace(few)
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("../../evil.txt", b"x")
        archive.writestr("index.faiss", b"x")
    app = drop(visit("Documents"), "import-workspace", ("workspace.zip", out.getvalue()))
    said = " ".join(words(app)).replace("\\", "")
    assert "../../evil.txt" in said
    assert "index.faiss" in said


# --- replacing


def test_a_replacement_parses_only_the_new_file_and_says_what_changed(visit, workspace, monkeypatch):
    read: list[str] = []

    def counting(name, data, parser):
        read.append(name)
        from workbench.parsers import parse_safely

        return parse_safely(name, data, parser)

    monkeypatch.setattr(open_workspace, "__kwdefaults__", {"parse": counting})
    source = next(s for s in workspace.sources if s.name == "travel-policy-2026.md")
    new = workspace.content(source).decode().replace("mileage", "distance") + "\n\n## Herons\n\nNo heron travels.\n"
    app = visit("Documents", document=shown(workspace, source.name))
    read.clear()
    drop(app, "replace-", ("travel-policy-2026.md", new.encode()))
    assert read == ["travel-policy-2026.md"]
    told = " ".join(c.value for c in app.caption).replace("\\", "")
    assert "characters added" in told
    assert "(+1)" in told
    assert "golden passages" in told
    assert "moved" in told or "stand where they stood" in told
    app.button(key="dismiss-replaced").click().run()
    whole(app)
    assert "dismiss-replaced" not in keys(app)


# --- parsers


def compared(visit, workspace, name: str, **state):
    app = visit("Documents", document=shown(workspace, name), **{"document-view": "Compare parsers", **state})
    for _ in range(60):
        if any("words alike" in h.value for h in app.get("html")):
            break
        time.sleep(0.25)
        app.run()
    whole(app)
    return app


def test_two_parsers_stand_side_by_side_and_one_is_chosen(visit, few):
    source = next(s for s in few.sources if s.name == "travel-policy-2026.md")
    app = compared(visit, few, source.name)
    assert [app.selectbox(key=f"parser-{x}").value for x in "ab"] == ["auto", "unstructured"]
    drawn = " ".join(h.value for h in app.get("html"))
    assert "<del><b>−</b>" in drawn, "what is only in one is marked by more than its colour"
    app.button(key="use-one-unstructured").click().run()
    whole(app)
    assert next(s for s in few.sources if s.id == source.id).parser == to_dict(Unstructured())
    assert few.corpus()[0].document(app.session_state["document"]).parser.startswith("elements")
    app.button(key="use-all-auto").click().run()
    assert app.session_state["pipeline"]["parser"] == to_dict(Auto())


@pytest.mark.parametrize("view", ["Sections", "Tables", "Words"])
def test_each_view_of_a_comparison_is_drawn(visit, few, view):
    app = compared(visit, few, "travel-policy-2026.md", **{"parser-view": view})
    assert not app.exception


def test_a_parser_that_does_not_read_the_file_says_so(visit, workspace):
    app = visit(
        "Documents",
        document=shown(workspace, "hx-service-manual.pdf"),
        **{"document-view": "Compare parsers", "parser-b-chosen": "unstructured"},
    )
    for _ in range(60):
        if any("unstructured reads PDF only" in text for text in words(app)):
            break
        time.sleep(0.25)
        app.run()
    assert any("unstructured reads PDF only" in text for text in words(app))
    assert not any(APOLOGY in text for text in words(app))


def test_both_parsers_are_measured_on_the_golden_set_when_asked(visit, few):
    app = compared(visit, few, "travel-policy-2026.md")
    app.button(key="score-parsers").click().run()
    for _ in range(80):
        found = [d.value for d in app.dataframe if "Lost by the parser" in d.value.columns]
        if found:
            break
        time.sleep(0.25)
        app.run()
    whole(app)
    (table,) = found
    assert list(table["Parser"]) == ["auto", "unstructured"]
    assert float(table["Lost by the parser"][0]) == 0.0
    assert all(0 <= float(value) <= 1 for value in table["recall@1000tok"])


def test_a_hostile_text_is_escaped_in_the_comparison(visit, few):
    text = "# <script>window.injected=1</script>\n\nHerons. [x](javascript:a(1)) <img src=x onerror=a(1)>\n\nOtters."
    few.add("evil.md", text.encode())
    app = compared(visit, few, "evil.md")
    drawn = " ".join(h.value for h in app.get("html") if "class='diff'" in h.value)
    assert drawn
    assert "<script>window" not in drawn
    assert "<img" not in drawn


# --- pages


def test_a_pdfs_page_stands_beside_its_text(visit, workspace):
    manual = shown(workspace, "hx-service-manual.pdf")
    app = visit(
        "Documents", document=manual, query_params={"v": "1", "q": "impeller"}, **{"document-view": "Text and page"}
    )
    whole(app)
    assert words(app) == []
    assert app.session_state["pages-sent"] == [f"{manual}-1"]
    assert any("by" in c.value and "impeller" in c.value for c in app.caption)


def test_what_is_no_pdf_has_no_pages_and_shows_its_text(visit, workspace):
    note = shown(workspace, "field-notes-kestrel-weir.txt")
    app = visit("Documents", document=note, **{"document-view": "Text and page"})
    whole(app)
    assert app.button_group(key="document-view-choice").value in ("Text", ["Text"])


# --- the workspace as a whole


def test_a_team_sees_its_quota_and_expiry_and_deletes_only_after_a_second_word(visit, home, monkeypatch):
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    app = visit("Documents")
    whole(app)
    assert "of 210 MB uploaded" in status(app)
    told = " ".join(c.value for c in app.caption)
    assert "30 days" in told
    assert "Private" in told
    assert app.button(key="delete-workspace").disabled
    before = app.session_state["workspace"]
    app.checkbox(key="delete-sure").check().run()
    app.button(key="delete-workspace").click().run()
    whole(app)
    assert app.session_state["workspace"] != before


def test_a_reader_exports_and_can_import_and_delete_nothing(visit, home, monkeypatch):
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    reader = open_workspace().reader_id
    app = visit("Documents", query_params={"v": "1", "w": reader})
    whole(app)
    assert not app.file_uploader
    assert "delete-workspace" not in keys(app)
    assert "read only" in status(app)
    app = visit("Documents", query_params={"v": "1", "w": reader}, **{"document-view": "Compare parsers"})
    whole(app)
    assert not {key for key in keys(app) if key.startswith("use-")}
