"""The reader in a real browser: exact selections, clicks, scrolling, what is sent, hostile text, large texts."""

import base64
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reader_app import ODD, prose
from steps import settle

APP = Path(__file__).with_name("reader_app.py")
# Streamlit 1.67 keeps an object of a local class for every keyed component, which its own check then refuses.
UNCHECKED = {"STREAMLIT_RUNNER_ENFORCE_SERIALIZABLE_SESSION_STATE": "false"}


@pytest.fixture(scope="module")
def app(start_app) -> str:
    return start_app(APP, **UNCHECKED)


@pytest.fixture
def open_reader(page, app, errors):
    """A function that opens `?doc=…` and returns the page when the text stands; at the end, no error was logged."""

    def open_(doc: str, address: str = app, **parameters):
        query = "&".join(f"{k}={v}" for k, v in {"doc": doc, **parameters}.items())
        page.goto(f"{address}/?{query}")
        page.locator(".rd .blk, .rd.blank").first.wait_for()
        settle(page)
        return page

    yield open_
    assert errors == []


def out(page) -> dict:
    return json.loads(page.locator("#out").text_content())


def waits_for(page, **wanted) -> dict:
    """What the app wrote, once it holds these values."""
    page.wait_for_function(
        "wanted => { const o = JSON.parse(document.querySelector('#out')?.textContent || '{}');"
        " return Object.entries(wanted).every(([k, v]) => JSON.stringify(o[k]) === JSON.stringify(v)) }",
        arg=wanted,
        timeout=10_000,
    )
    return out(page)


# A range between two places of the text, by walking the reader's text nodes and without the reader's own code.
SELECT = """([from, to]) => {
  const root = document.querySelector('[data-testid=stBidiComponentIsolated]');
  const host = [...document.querySelectorAll('*')].find((e) => e.shadowRoot?.querySelector('.rd .txt'));
  const walker = document.createTreeWalker(host.shadowRoot.querySelector('.rd .txt'), NodeFilter.SHOW_TEXT);
  let at = 0, start, end;
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    if (!start && from < at + n.length) start = [n, from - at];
    if (to <= at + n.length) { end = [n, to - at]; break; }
    at += n.length;
  }
  getSelection().setBaseAndExtent(start[0], start[1], end[0], end[1]);
}"""


def units(text: str, point: int) -> int:
    return len(text[:point].encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    "words",
    [
        "Plain first line.",
        "family \U0001f468\u200d\U0001f469\u200d\U0001f467 end.\r\nCombining",
        "\U0001f9ea and",
        "e\u0301a\u0308o\u0302 Z\u0351\u036b done",
        "日本語テキスト。終わり",
        "مرحبا بالعالم",
        "<img src=x onerror='window.injected = 2'>",
        "\U0001d4d1 then TARGET",
        "line.\r\nSmile \U0001f600",
    ],
)
def test_a_selection_is_the_exact_slice(open_reader, words):
    page = open_reader("odd", size=50, overlap=20)
    start = ODD.index(words)
    end = start + len(words)
    page.evaluate(SELECT, [units(ODD, start), units(ODD, end)])
    got = waits_for(page, selection=[start, end])
    assert got["text"] == words


def test_a_mouse_drag_selects_what_the_browser_shows(open_reader):
    page = open_reader("odd", size=50)
    box = page.locator(".rd .blk").first.bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 60, steps=6)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#out').textContent.includes('\"selection\": [')")
    shown = page.evaluate("getSelection().toString()")
    text = out(page)["text"]
    assert len(text) > 10
    assert " ".join(text.split()) == " ".join(shown.split())


def test_a_selection_stands_when_the_spans_change_and_goes_with_a_click(open_reader):
    page = open_reader("odd", size=50)
    start = ODD.index("TARGET")
    page.evaluate(SELECT, [units(ODD, start), units(ODD, start + 6)])
    waits_for(page, selection=[start, start + 6])
    page.get_by_text("Hits", exact=True).first.click()
    page.locator(".rd .badge").first.wait_for()
    settle(page)
    assert out(page)["selection"] == [start, start + 6]
    assert "".join(page.locator(".rd .txt .sel").all_text_contents()) == "TARGET"
    page.locator(".rd .blk").first.click(position={"x": 40, "y": 10})
    waits_for(page, selection=None)


def test_clicks_return_chunk_and_hit(open_reader):
    page = open_reader("49000")
    page.locator(".rd .number").nth(2).click()
    waits_for(page, clicked=["chunk", 2, 800])
    page.get_by_text("Hits", exact=True).first.click()
    page.locator(".rd .badge").first.wait_for()
    page.locator(".rd .badge[aria-label^='Hit 2']").click()
    waits_for(page, clicked=["hit", 2, 1600])
    page.locator(".rd .badge[aria-label^='Hit 1']").focus()
    page.keyboard.press("Enter")
    waits_for(page, clicked=["hit", 1, 1200])


def test_a_click_in_the_text_tells_the_character(open_reader):
    page = open_reader("odd", size=50)
    target = ODD.index("TARGET") + 3
    place = page.evaluate(
        """(at) => {
          const host = [...document.querySelectorAll('*')].find((e) => e.shadowRoot?.querySelector('.rd .txt'));
          const walker = document.createTreeWalker(host.shadowRoot.querySelector('.rd .txt'), NodeFilter.SHOW_TEXT);
          for (let n = walker.nextNode(); n; n = walker.nextNode()) {
            if (at < n.length) { const r = document.createRange(); r.setStart(n, at); r.setEnd(n, at + 1);
              const b = r.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }
            at -= n.length;
          }
        }""",
        units(ODD, target),
    )
    page.mouse.click(*place)
    waits_for(page, clicked=["chunk", target // 50, target])


def test_a_double_click_selects_and_is_no_click(open_reader):
    page = open_reader("49000")
    page.locator(".rd .blk").first.dblclick(position={"x": 30, "y": 10})
    page.wait_for_function("document.querySelector('#out').textContent.includes('\"selection\": [')")
    page.wait_for_timeout(400)
    assert out(page)["text"].strip() == "Paragraph"
    assert out(page)["clicked"] is None


def test_scroll_to_shows_the_place_each_time(open_reader):
    page = open_reader("700000")
    for _ in range(2):
        page.get_by_role("button", name="Go far").click()
        page.locator(".rd .flash").first.wait_for()
        settle(page)
        assert page.locator(".rd .place").text_content().endswith(("79 %", "80 %"))
        flashed = "".join(page.locator(".rd .flash").all_text_contents())
        assert flashed == prose(700_000)[560_000:560_040]
        page.get_by_role("slider", name="Place in the document").focus()
        page.keyboard.press("Home")
        page.wait_for_function("true")
        assert " 0 %" in page.locator(".rd .place").text_content()


def test_text_and_script_are_sent_once_and_an_overlay_alone(page, open_reader):
    frames: list[bytes] = []

    def note(data: str | bytes) -> None:
        frames.append(data.encode() if isinstance(data, str) else data)

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    sentence = prose(49_000)[20_000:20_060].split("\n")[0].encode()
    chunks = base64.b64encode(np.array([0, 20, 20, 40, 40, 60], "<i4").tobytes())

    def sent(what: bytes) -> int:
        return sum(what in frame for frame in frames)

    open_reader("49000", size=20)
    assert (sent(sentence), sent(b"function drawGutter"), sent(chunks)) == (1, 1, 1)
    page.get_by_text("Hits", exact=True).first.click()
    page.locator(".rd .badge").first.wait_for()
    settle(page)
    chunks_sent = sent(chunks)
    page.get_by_text("Unseen", exact=True).first.click()
    page.locator(".rd .txt .unseen").first.wait_for()
    settle(page)
    assert sent(chunks) == chunks_sent, "a new overlay does not bring the chunks again"
    page.locator("[data-testid=stSlider] input[type=range]").first.press("ArrowRight")
    waits_for(page, size=30)
    page.get_by_role("link", name="Other").click()
    page.get_by_text("Nothing here.").wait_for()
    page.get_by_role("link", name="Bench").click()
    page.locator(".rd .blk").first.wait_for()
    settle(page)
    assert (sent(sentence), sent(b"function drawGutter")) == (1, 1)
    open_reader("49000")
    assert sent(sentence) == 2, "a page that is loaded anew has to have it anew"


def test_a_text_that_the_browser_lost_is_asked_for(open_reader):
    """Seven other texts push the first out of the browser's memory while the session is the same."""
    page = open_reader("1000")
    for size in range(1001, 1008):
        page.get_by_label("Name", exact=True).fill(str(size))
        page.get_by_label("Name", exact=True).press("Enter")
        page.locator(f".rd .view[aria-label='Text of {size}.txt']").wait_for()
        settle(page)
    page.get_by_label("Name", exact=True).fill("1000")
    page.get_by_label("Name", exact=True).press("Enter")
    page.locator(".rd .view[aria-label='Text of 1000.txt']").wait_for()
    assert "".join(page.locator(".rd .txt").all_text_contents()) == prose(1000)


def test_markup_in_a_document_stays_text(open_reader):
    page = open_reader("odd", size=50)
    shown = "".join(page.locator(".rd .txt").all_text_contents())
    assert shown == ODD
    assert page.locator(".rd .txt script, .rd .txt img").count() == 0
    assert page.evaluate("window.injected") is None


def test_five_megabytes_keep_few_nodes_and_every_part_can_be_reached(open_reader):
    page = open_reader("5000000", size=1000, overlap=100)
    text = prose(5_000_000)
    count = """(() => {
      const all = [...document.querySelectorAll('*')];
      return all.length + all.reduce((n, e) => n + (e.shadowRoot?.querySelectorAll('*').length ?? 0), 0);
    })()"""
    assert page.evaluate(count) < 2000
    page.locator(".rd .view").hover()
    for _ in range(30):
        page.mouse.wheel(0, 1500)
        page.wait_for_timeout(20)
    assert page.locator(".rd .blk").count() <= 24
    shown = "".join(page.locator(".rd .txt").all_text_contents())
    assert shown in text
    assert not text.startswith(shown)
    page.locator(".rd .view").focus()
    page.keyboard.press("End")
    page.wait_for_function("true")
    assert text.endswith("".join(page.locator(".rd .txt").all_text_contents()))
    assert "100 %" in page.locator(".rd .place").text_content()
    strip = page.get_by_role("slider", name="Place in the document")
    box = strip.bounding_box()
    strip.click(position={"x": box["width"] / 2, "y": 10})
    assert int(strip.get_attribute("aria-valuenow")) in range(48, 52)
    assert page.evaluate(count) < 2000


def test_a_line_without_end_is_cut_and_whole(open_reader):
    page = open_reader("oneline", size=500)
    assert prose(300_000).replace("\n", " ").startswith("".join(page.locator(".rd .txt").all_text_contents()))


def test_a_selection_deep_in_a_long_text_counts_every_character(open_reader):
    page = open_reader("oddlong", size=50)
    page.get_by_role("button", name="Go far").click()
    page.locator(".rd .flash").first.wait_for()
    text = ODD * 400
    first = page.locator(".rd .flash").first
    first.evaluate("e => getSelection().setBaseAndExtent(e.firstChild, 0, e.firstChild, e.firstChild.length)")
    start = int(len(text) * 0.8)
    page.wait_for_function("document.querySelector('#out').textContent.includes('\"selection\": [')")
    got = out(page)
    assert got["selection"][0] == start
    assert got["text"] == text[slice(*got["selection"])] == first.text_content()


def test_find_knows_the_whole_text(open_reader):
    page = open_reader("700000")
    text = prose(700_000)
    box = page.get_by_label("Find in document text")
    page.locator(".rd .view").focus()
    page.keyboard.press("Control+f")
    page.keyboard.type("MARK-25")
    page.locator(".rd .now").first.wait_for()
    total = text.count("mark-25")
    assert page.locator(".rd .count").text_content() == f"1 of {total}"
    box.press("Enter")
    page.get_by_text(f"2 of {total}", exact=True).first.wait_for()
    box.press("Shift+Enter")
    box.press("Shift+Enter")
    page.get_by_text(f"{total} of {total}", exact=True).first.wait_for()
    assert "".join(page.locator(".rd .now").all_text_contents()) == "mark-25"
    box.fill("a.c(")
    page.get_by_text("no match", exact=True).first.wait_for()
    box.press("Escape")
    assert page.locator(".rd .found").count() == 0


def test_layers_switch_without_the_server(open_reader):
    page = open_reader("49000", overlap=100)
    runs = out(page)["runs"]
    assert page.locator(".rd .shared").count() > 0
    page.get_by_role("button", name="Overlap").click()
    assert page.locator(".rd .shared").count() == 0
    assert page.locator(".rd .begins").count() > 0
    page.get_by_role("button", name="Chunks").click()
    assert page.locator(".rd .begins").count() == page.locator(".rd .rail").count() == 0
    page.get_by_role("button", name="Mono").click()
    page.locator(".rd.mono").wait_for()
    assert out(page)["runs"] == runs


def test_hits_of_older_chunks_are_shown_as_stale(open_reader):
    page = open_reader("49000")
    for name in ("Hits", "Unseen"):
        page.get_by_text(name, exact=True).first.click()
        settle(page)
    page.locator(".rd .unseen").first.wait_for()
    assert page.locator(".rd.stale").count() == 0
    page.get_by_text("Old hits", exact=True).first.click()
    page.locator(".rd.stale").wait_for()
    assert "stale" in page.get_by_role("button", name="Hits").text_content()
    assert page.locator(".rd .txt .unseen").count() == 0


def test_place_is_kept_over_reruns_and_pages(open_reader):
    page = open_reader("700000")
    page.get_by_role("button", name="Go far").click()
    page.locator(".rd .flash").first.wait_for()
    page.wait_for_timeout(400)
    before = page.locator(".rd .view").evaluate("e => e.scrollTop")
    page.get_by_text("Hits", exact=True).first.click()
    settle(page)
    page.wait_for_timeout(200)
    assert page.locator(".rd .view").evaluate("e => e.scrollTop") == pytest.approx(before, abs=2)
    place = page.locator(".rd .place").text_content()
    page.get_by_role("link", name="Other").click()
    page.get_by_text("Nothing here.").wait_for()
    page.get_by_role("link", name="Bench").click()
    page.locator(".rd .blk").first.wait_for()
    settle(page)
    assert page.locator(".rd .place").text_content() == place
    assert page.locator(".rd .flash").count() == 0


def test_keyboard_goes_chunk_by_chunk(open_reader):
    page = open_reader("49000")
    page.locator(".rd .view").focus()
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Alt+ArrowDown")
    assert page.locator(".rd .live").text_content() == "Chunk 2: 400 characters, 400 to 800"
    page.keyboard.press("Enter")
    waits_for(page, clicked=["chunk", 1, 400])
    page.keyboard.press("c")
    page.keyboard.press("r")
    page.wait_for_timeout(300)
    assert page.get_by_role("dialog").count() == 0


def test_pages_and_structure_add_no_text(open_reader):
    page = open_reader("structure")
    assert page.locator(".rd .txt .heading.level-1").first.text_content() == "Handbook"
    assert page.locator(".rd .txt .table").first.text_content().startswith("name | days")
    assert page.locator(".rd .page").nth(1).evaluate("e => getComputedStyle(e, '::before').content") == '"p. 2"'
    assert page.locator(".rd .gutter").text_content() == ""


def test_no_text_is_a_sentence(open_reader):
    page = open_reader("empty")
    page.get_by_text("No text to show yet.").wait_for()


def test_the_dark_theme_has_its_own_tints(page, open_reader, start_app):
    page.emulate_media(color_scheme="dark")
    open_reader("odd", address=start_app(APP, STREAMLIT_THEME_BASE="dark", **UNCHECKED), size=50)
    page.locator(".rd.dark").wait_for()
    assert (
        page.locator(".rd .even").first.evaluate("e => getComputedStyle(e).backgroundColor")
        == "rgba(86, 180, 233, 0.2)"
    )
