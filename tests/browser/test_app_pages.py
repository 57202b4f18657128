"""A PDF's page beside its text, folders, and the headers of the server, in a browser."""

import base64
import io
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from steps import Console, go, open_app, open_popover, prepare, reader_text, serving, settle, status

BLUE = "The blue heron nests under gantry seven of the eastern pier."
RED = "The red otter sleeps beside turbine nine of the western dam."


# The middle of a word in the reader's text, without the reader's own code.
PLACE = """(word) => {
  const host = [...document.querySelectorAll('*')].find((e) => e.shadowRoot?.querySelector('.rd .txt'));
  const walker = document.createTreeWalker(host.shadowRoot.querySelector('.rd .txt'), NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    const at = n.data.indexOf(word);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(n, at);
    range.setEnd(n, at + word.length);
    const box = range.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  }
}"""


def pdf() -> bytes:
    """Two pages: a line on each, the second at a place that is known."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(400, 600))
    canvas.drawString(40, 500, BLUE[:40])
    canvas.drawString(40, 480, BLUE[40:])
    canvas.showPage()
    canvas.drawString(40, 300, RED)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    query = prepare(home)
    with serving(home, WORKBENCH_MODE="team") as address:
        yield address, query


@pytest.fixture
def pictures(page) -> list[int]:
    """The bytes of each message that brought a PNG to this page; `page` was not opened yet."""
    found: list[int] = []

    def heard(data: bytes | str) -> None:
        if isinstance(data, bytes) and base64.b64encode(b"\x89PNG\r\n\x1a\n")[:10] in data:
            found.append(len(data))

    page.on("websocket", lambda socket: socket.on("framereceived", heard))
    return found


@pytest.fixture
def documents(page, app, pictures):
    """The page of documents of a visitor with a PDF of two pages, shown beside its pages."""
    page.set_default_timeout(60_000)
    console = Console(page)
    open_app(page, app[0], f"/{app[1]}")
    go(page, "Documents")
    open_popover(page, "Add documents")
    file = {"name": "birds.pdf", "mimeType": "application/pdf", "buffer": pdf()}
    page.locator("[class*='st-key-upload-popover'] input[type=file]").set_input_files([file])
    page.locator(".rd .view[aria-label='Text of birds.pdf']").wait_for()
    page.keyboard.press("Escape")
    page.locator(".st-key-document-view-choice button").filter(has_text="Text and page").click()
    page.locator(".pv .picture[src^='data:image/png']").wait_for()
    settle(page)
    yield page
    console.check()


def shown(page) -> str:
    """The number of the page that is drawn."""
    return page.locator(".pv .number").input_value()


def test_a_click_in_one_shows_the_place_in_the_other(documents):
    page = documents
    assert shown(page) == "1"
    assert BLUE[:40] in reader_text(page)
    box = page.locator(".pv .chunk").first.bounding_box()
    sheet = page.locator(".pv .sheet").bounding_box()
    assert sheet["width"] / sheet["height"] == pytest.approx(400 / 600, rel=0.01)
    left, top = (box["x"] - sheet["x"]) / sheet["width"] * 400, (box["y"] - sheet["y"]) / sheet["height"] * 600
    assert left == pytest.approx(40, abs=3), "the rectangle stands where the words stand on paper"
    assert top == pytest.approx(600 - 500 - 12, abs=8)
    page.get_by_role("button", name="Next page").click()
    page.locator(".pv .picture[alt^='Page 2 of birds.pdf']").wait_for()
    settle(page)
    page.mouse.click(sheet["x"] + sheet["width"] * 60 / 400, sheet["y"] + sheet["height"] * 297 / 600)
    page.wait_for_timeout(500)
    settle(page)
    assert shown(page) == "2"
    page.mouse.click(*page.evaluate(PLACE, "heron"))
    page.locator(".pv .picture[alt^='Page 1 of birds.pdf']").wait_for()
    settle(page)
    assert page.locator(".pv .chunk.focus").count() >= 1


def test_pages_are_turned_by_number_and_zoomed(documents):
    page = documents
    width = page.locator(".pv .sheet").bounding_box()["width"]
    page.get_by_role("button", name="Larger").click()
    assert page.locator(".pv .sheet").bounding_box()["width"] > width
    page.get_by_role("button", name="Fit width").click()
    assert page.locator(".pv .sheet").bounding_box()["width"] == pytest.approx(width, abs=20)
    number = page.get_by_label("Page number")
    number.fill("99")
    number.press("Enter")
    assert shown(page) == "1"
    number.fill("2")
    number.press("Enter")
    page.locator(".pv .picture[alt^='Page 2']").wait_for()
    settle(page)
    assert page.get_by_role("button", name="Next page").is_disabled()


def test_the_picture_of_a_page_goes_to_the_browser_once(documents, pictures):
    page = documents
    assert len(pictures) == 1
    for name in ("Next page", "Previous page", "Next page"):
        page.get_by_role("button", name=name).click()
        page.locator(f".pv .picture[alt^='Page {2 if name == 'Next page' else 1} of']").wait_for()
        settle(page)
    assert page.locator(".pv .picture").evaluate("picture => picture.complete && picture.naturalWidth > 0")
    assert len(pictures) == 2, "one for each page, however often they are turned"


def test_a_folder_is_added_with_all_below_it(page, app, tmp_path):
    page.set_default_timeout(60_000)
    console = Console(page)
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.md").write_text("# Herons")
    (folder / "deep" / "two.md").write_text("# Otters")
    (folder / ".hidden.md").write_text("# No")
    open_app(page, app[0], f"/{app[1]}")
    go(page, "Documents")
    before = int(re.match(r"\d+", status(page))[0])
    open_popover(page, "Add documents")
    page.locator("[class*='st-key-upload-folder'] input[type=file]").set_input_files(str(folder))
    page.wait_for_function(
        "n => document.querySelector('.status')?.textContent.startsWith(`${n} document`)", arg=before + 2
    )
    settle(page)
    console.check()


def test_only_tables_without_formulas_offer_a_csv_file(page, app):
    page.set_default_timeout(60_000)
    open_app(page, app[0], f"/{app[1]}")
    go(page, "Documents")
    table = page.locator("[class*=st-key-csv-documents]")
    button = table.get_by_role("button", name=re.compile("^Download as CSV"))
    for _ in range(40):  # the list may move beneath the mouse while documents are still counted
        table.hover()
        if button.is_visible():
            break
        page.wait_for_timeout(250)
    assert button.is_visible()
    go(page, "Golden set")
    other = page.get_by_test_id("stDataFrame").first
    other.hover()
    assert page.get_by_role("button", name=re.compile("^Download as CSV")).filter(visible=True).count() == 0


def test_every_answer_forbids_foreign_scripts_and_hides_the_address(app):
    for path in ("/", "/Documents", "/_stcore/health", "/static/none"):
        try:
            with urllib.request.urlopen(app[0] + path, timeout=20) as answer:
                found = answer.headers
        except urllib.error.HTTPError as error:
            found = error.headers
        assert found["Referrer-Policy"] == "no-referrer", path
        assert "'unsafe-inline'" not in found["Content-Security-Policy"].split("style-src")[0], path
        assert found["X-Content-Type-Options"] == "nosniff", path


def test_the_policy_stops_markup_that_would_have_got_through(page, app):
    open_app(page, app[0], f"/{app[1]}")
    page.evaluate(
        "() => { const d = document.createElement('div'); d.innerHTML = `<img src=x onerror='window.ran = 1'>`;"
        " document.body.append(d) }"
    )
    page.wait_for_timeout(500)
    assert page.evaluate("window.ran ?? null") is None
