"""Documents in the real app: uploaded, refused, removed, replaced, pasted, kept over a restart, and kept from others.

The server is in team mode, so that each visitor has a workspace of their own; the restart is tried in local mode.
"""

import io
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from steps import (
    Console,
    ask,
    cards,
    chunk_count,
    go,
    hits_of,
    open_app,
    open_popover,
    prepare,
    reader_text,
    serving,
    settle,
    show_document,
    status,
    upload,
)

SECRET = "The copper heron nests under gantry seven."
HOSTILE_NAME = "<img src=x onerror=window.injected=1> [a](javascript:window.injected=1) `$x$`.md"
HOSTILE = (
    "# <script>window.injected = 1</script>\n\n<img src=x onerror='window.injected = 2'> gantry "
    "[click](javascript:window.injected=3) ![x](http://example.invalid/leak.png)\n\n"
    "<iframe srcdoc='<script>parent.injected = 4</script>'></iframe> <svg onload='window.injected = 5'>\n"
)


def pdf(text: str) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.drawString(72, 720, text)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def locked_pdf(text: str) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(text))))
    writer.encrypt("a password that nobody has", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def docx(text: str) -> bytes:
    from docx import Document

    document, out = Document(), io.BytesIO()
    document.add_heading("Notes", 1)
    document.add_paragraph(text)
    document.save(out)
    return out.getvalue()


def file(name: str, data: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


MADE = [
    file("herons.pdf", pdf("The copper heron nests under gantry seven.")),
    file("otters.docx", docx("A brass otter sleeps beside turbine nine.")),
    file("moths.html", b"<h1>Moths</h1><p>The pewter moth circles lantern four.</p>"),
]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    query = prepare(home)
    with serving(home, WORKBENCH_MODE="team") as address:
        yield address, query


@pytest.fixture
def bench(page, app):
    """The Bench of a visitor with a workspace of their own."""
    console = Console(page)
    open_app(page, "/".join(app))
    page.locator(".rd .blk").first.wait_for()
    yield page
    console.check()


def add(page, *files) -> None:
    """Put the files into the drop zone and wait until the app has dealt with them."""
    open_popover(page, "Add documents")
    upload(page, "upload-popover", list(files))


def counts(page, documents: int) -> None:
    """Wait until the line of facts tells this number of documents."""
    page.wait_for_function(
        "n => document.querySelector('.status')?.textContent.startsWith(`${n} document`)", arg=documents
    )
    settle(page)


def first_hit(page, query: str, words: str) -> None:
    """Ask, and wait until the first BM25 hit holds these words."""
    ask(page, query)
    cards(page, "BM25").first.filter(has_text=words).wait_for()
    settle(page)


def paste(page, text: str) -> None:
    open_popover(page, "Add documents")
    page.get_by_label("Or paste text").fill(text)
    page.get_by_label("Or paste text").press("Control+Enter")
    settle(page)
    page.locator(".st-key-add-pasted button").click()


def test_files_of_three_formats_are_added_cut_and_found(bench):
    add(bench, *MADE)
    counts(bench, 16)
    assert chunk_count(bench) >= 1
    for query, words in [("copper heron", "heron"), ("brass otter", "otter"), ("pewter moth", "moth")]:
        first_hit(bench, query, words)
    cards(bench, "BM25").first.click()
    bench.locator(".rd .view[aria-label='Text of moths.html']").wait_for()
    assert "The pewter moth circles lantern four." in reader_text(bench)


def test_real_files_are_added_cut_and_found(bench, shared):
    names = ["multi-column-2p.pdf", "handbook-1p.docx", "ideas-page.html"]
    add(bench, *(shared / "files" / name for name in names))
    counts(bench, 16)
    go(bench, "Documents")
    bench.locator(".rd .view").wait_for()
    go(bench, "Bench")
    for name in names:
        show_document(bench, name)
        assert len(reader_text(bench)) > 200, name
        assert chunk_count(bench) >= 1, name


@pytest.mark.parametrize(
    "name, data",
    [
        ("broken.pdf", pdf("gone")[:400]),
        ("empty.txt", b""),
        ("locked.pdf", locked_pdf("gone")),
        ("program.exe", b"MZ\x90\x00\x03\x00\x00\x00" + bytes(500)),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_name_and_nothing_else_changes(bench, name, data):
    before = status(bench)
    add(bench, file(name, data), MADE[2])
    alert = bench.get_by_test_id("stAlert").filter(has_text=name)
    alert.wait_for()
    counts(bench, 14)
    assert alert.count() == 1
    lines = [line for line in alert.inner_text().splitlines() if name in line]
    assert len(lines) == 1
    assert len(name) + 10 < len(lines[0]) < 300
    assert "Traceback" not in alert.inner_text()
    assert status(bench).split("\n")[1] == before.split("\n")[1]
    bench.locator(".st-key-dismiss-messages button").click()
    alert.wait_for(state="detached")


def test_pasted_text_is_a_document(bench):
    paste(bench, SECRET)
    counts(bench, 14)
    bench.keyboard.press("Escape")
    assert reader_text(bench) == SECRET
    first_hit(bench, "copper heron", "heron")


def test_a_document_is_removed_and_comes_back(bench):
    paste(bench, SECRET)
    counts(bench, 14)
    bench.keyboard.press("Escape")
    go(bench, "Documents")
    bench.locator(".rd .view[aria-label='Text of pasted text.txt']").wait_for()
    bench.locator(".st-key-remove button").click()
    counts(bench, 13)
    bench.get_by_text("pasted text.txt was removed", exact=False).wait_for()
    bench.get_by_role("button", name="Undo").first.click()
    counts(bench, 14)
    bench.locator(".rd .view[aria-label='Text of pasted text.txt']").wait_for()
    assert reader_text(bench) == SECRET


def test_a_document_is_replaced_by_its_new_version(bench):
    paste(bench, SECRET)
    counts(bench, 14)
    bench.keyboard.press("Escape")
    go(bench, "Documents")
    open_popover(bench, "Replace")
    upload(bench, "replace-", [file("new.txt", b"The tin heron left for gantry eight.")])
    bench.locator(".rd .view[aria-label^='Text of new']").wait_for()
    settle(bench)
    assert status(bench).startswith("14 documents")
    assert reader_text(bench) == "The tin heron left for gantry eight."
    go(bench, "Bench")
    first_hit(bench, "tin heron gantry", "tin")
    assert not any("copper" in text for text in hits_of(bench, "BM25"))


def test_hostile_text_and_names_run_nothing_on_any_page(bench):
    add(bench, file(HOSTILE_NAME, HOSTILE.encode()), file(HOSTILE_NAME.replace(".md", ".pdf"), b"%PDF-1.4 broken"))
    alert = bench.get_by_test_id("stAlert").first
    alert.wait_for()
    assert HOSTILE_NAME.replace(".md", ".pdf") in alert.inner_text(), "a name is shown as it is, and is nobody's markup"
    counts(bench, 14)
    first_hit(bench, "gantry", "gantry")
    for name in ("Bench", "Documents", "Models"):
        go(bench, name)
        settle(bench)
        assert bench.evaluate("window.injected") is None, name
        assert bench.locator("img[src='x'], iframe[srcdoc], svg[onload], a[href^='javascript']").count() == 0, name
        assert bench.locator(".rd .txt script, .rd .txt img, .hl .card img").count() == 0, name


# --- team mode


def test_two_visitors_do_not_see_each_others_documents(bench, browser, app):
    paste(bench, SECRET)
    counts(bench, 14)
    context = browser.new_context()
    other = context.new_page()
    open_app(other, "/".join(app))
    assert status(other).startswith("13 documents")
    ask(other, "copper heron")
    other.wait_for_function("() => location.search.includes('q=copper')")
    settle(other)
    assert not any("heron" in text for text in hits_of(other, "BM25"))
    context.close()


def test_a_reading_link_shows_the_documents_and_can_change_nothing(bench, browser):
    paste(bench, SECRET)
    counts(bench, 14)
    bench.keyboard.press("Escape")
    open_popover(bench, "Share")
    link = bench.get_by_test_id("stPopoverBody").get_by_test_id("stCode").filter(has_text="w=r")
    link.wait_for()
    context = browser.new_context()
    other = context.new_page()
    open_app(other, link.inner_text().replace("\n", "").strip())
    assert status(other).startswith("14 documents")
    for name in ("Bench", "Documents", "Models"):
        if name != "Bench":
            go(other, name)
        assert other.locator("input[type=file]").count() == 0, name
        for label in ("Add documents", "Remove", "Replace", "Name and tags", "Clear"):
            assert other.get_by_role("button", name=label, exact=True).count() == 0, (name, label)
        assert "w=r" in other.url, "a reader's own address does not change into another one"
    context.close()


# --- local mode


def test_what_was_uploaded_is_there_after_a_reload_and_a_restart(page, tmp_path):
    console = Console(page)
    query = prepare(tmp_path)
    with serving(tmp_path) as address:
        open_app(page, f"{address}/{query}")
        add(page, MADE[0])
        counts(page, 14)
        page.reload()
        counts(page, 14)
        console.check()
        page.goto("about:blank")
    with serving(tmp_path) as address:
        console = Console(page)
        open_app(page, f"{address}/{query}")
        assert status(page).startswith("14 documents")
        first_hit(page, "copper heron", "heron")
        console.check()
        page.goto("about:blank")
