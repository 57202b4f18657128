"""The hit lists in a real browser: clicks, lines between columns, keyboard, hostile text, movement, dark theme."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hits_app import HOSTILE, PARTS, span
from steps import settle

APP = Path(__file__).with_name("hits_app.py")
# Streamlit 1.67 keeps an object of a local class for every keyed component, which its own check then refuses.
UNCHECKED = {"STREAMLIT_RUNNER_ENFORCE_SERIALIZABLE_SESSION_STATE": "false"}


@pytest.fixture(scope="module")
def app(start_app) -> str:
    return start_app(APP, **UNCHECKED)


@pytest.fixture
def open_lists(page, app, errors):
    """A function that opens `?show=…` and returns the page when the lists stand; at the end no error was logged."""

    def open_(show: str, width: int = 560):
        page.goto(f"{app}/?show={show}&width={width}")
        page.locator(".hl .card, .hl.blank").first.wait_for()
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


def card(page, title: str, rank: int):
    return page.get_by_role("gridcell", name=f"{title}, rank {rank},")


def place(column: int, rank: int, passage: int) -> list[int]:
    return [column, rank, span(passage).start, span(passage).end]


def test_a_click_returns_the_hit_and_shows_it_in_full(open_lists):
    page = open_lists("three")
    assert page.locator(".hl .detail").is_hidden()
    card(page, "Hybrid", 3).click()
    waits_for(page, clicked=place(2, 3, 30), selected=span(30).start)
    page.locator(".hl .detail .text").wait_for()
    assert page.locator(".hl .detail .text").text_content() == PARTS[30]
    assert (
        page.locator(".hl .detail .ranks").inner_text().split() == "Dense 5 0.860 BM25 4 0.870 Hybrid 3 0.880".split()
    )
    assert page.locator(".hl .detail .header-text").count() == 0  # the span is Dense's hit too, which has no header
    assert page.locator(".hl .card[aria-selected=true]").count() == 3
    card(page, "BM25", 3).click()
    waits_for(page, clicked=place(1, 3, 12))
    page.get_by_text("not in list", exact=True).first.wait_for()
    assert page.locator(".hl .detail .where .number").text_content() == "#13"
    page.get_by_role("button", name="Close this hit").click()
    waits_for(page, selected=None)
    assert page.locator(".hl .detail").is_hidden()
    assert page.locator(".hl .card[aria-selected=true]").count() == 0


def test_one_click_is_one_rerun(open_lists):
    page = open_lists("three")
    runs = out(page)["runs"]
    card(page, "Dense", 2).click()
    waits_for(page, clicked=place(0, 2, 7))
    settle(page)
    page.wait_for_timeout(300)
    assert out(page)["runs"] == runs + 1


def test_lines_join_the_same_passage_in_neighbouring_columns(open_lists):
    page = open_lists("three")
    dense, bm25, hybrid = [4, 7, 9, 2, 30], [7, 4, 12, 30, 5], [4, 7, 30, 9, 12]
    shared = [(a.index(p), b.index(p)) for a, b in ((dense, bm25), (bm25, hybrid)) for p in a if p in b]
    lines = page.locator(".hl path")
    assert lines.count() == len(shared)
    ways = sorted(lines.evaluate_all("all => all.map((line) => line.getAttribute('class').split(' ')[0])"))
    assert ways == sorted("up" if b < a else "down" if b > a else "level" for a, b in shared)
    # Each line ends beside the two cards that it joins.
    ends = lines.evaluate_all(
        "all => all.map((e) => [0, e.getTotalLength()].map((at) => e.getPointAtLength(at)).map(({ x, y }) => [x, y]))"
    )
    at = page.locator(".hl .card").evaluate_all(
        "all => all.map((e) => [e.offsetLeft, e.offsetLeft + e.offsetWidth, e.offsetTop, e.offsetTop + e.offsetHeight])"
    )
    for (x1, y1), (x2, y2) in ends:
        assert any(abs(right - x1) < 1 and top < y1 < bottom for _, right, top, bottom in at)
        assert any(abs(left - x2) < 1 and top < y2 < bottom for left, _, top, bottom in at)


def test_the_passage_under_the_pointer_lights_up_everywhere(open_lists):
    page = open_lists("three")
    card(page, "Dense", 1).hover()
    assert page.locator(".hl .card.same").count() == 3
    assert page.locator(".hl path.same").count() == 2
    card(page, "BM25", 5).hover()
    assert page.locator(".hl .card.same").count() == 1
    assert page.locator(".hl path.same").count() == 0
    page.mouse.move(5, 5)
    assert page.locator(".hl .card.same").count() == 0


def test_the_keyboard_moves_and_selects(open_lists):
    page = open_lists("three")
    focused = ".hl .card:focus"
    card(page, "Dense", 1).focus()
    for key, title, rank in [
        ("ArrowDown", "Dense", 2),
        ("ArrowRight", "BM25", 1),  # along the line
        ("ArrowRight", "Hybrid", 2),
        ("ArrowRight", "Hybrid", 2),
        ("End", "Hybrid", 5),
        ("ArrowLeft", "BM25", 3),
        ("ArrowUp", "BM25", 2),
        ("Home", "BM25", 1),
    ]:
        page.keyboard.press(key)
        assert page.locator(focused).get_attribute("aria-label").startswith(f"{title}, rank {rank},"), key
    page.keyboard.press("ArrowDown")
    assert page.locator(".hl .card.same").count() == 3
    page.keyboard.press("Enter")
    waits_for(page, clicked=place(1, 2, 4))
    page.locator(".hl .detail .text").wait_for()
    assert page.locator(focused).get_attribute("aria-label").startswith("BM25, rank 2,")
    assert page.locator(".hl .card[tabindex='0']").count() == 1
    page.keyboard.press("Escape")
    waits_for(page, selected=None)
    page.keyboard.press("c")
    page.keyboard.press("r")
    page.wait_for_timeout(300)
    assert page.get_by_role("dialog").count() == 0


def test_markup_in_a_hit_stays_text_and_marks_are_the_terms(open_lists):
    page = open_lists("hostile")
    shown = card(page, "<i>Dense</i>", 1)
    assert shown.locator(".snippet").text_content() == HOSTILE
    assert shown.locator(".snippet mark").all_text_contents() == ["Leave", "leave"]
    assert page.locator(".hl .head .title").first.text_content() == "<i>Dense</i>"
    assert page.locator(".hl .head .note").text_content() == "<u>note</u>"
    shown.click()
    page.locator(".hl .detail .text").wait_for()
    assert page.locator(".hl .detail .text").text_content() == HOSTILE
    assert page.locator(".hl .detail .header-text").text_content() == "<s>header</s>"
    assert page.locator(".hl .detail .text mark").all_text_contents() == ["Leave", "leave"]
    assert page.locator(".hl script, .hl img, .hl .title i, .hl u, .hl s, .hl .name b").count() == 0
    assert page.evaluate("window.injected") is None


def test_the_second_list_says_what_moved_came_and_went(open_lists):
    page = open_lists("two")
    title = "B · sentences 5/1"
    words = [card(page, title, rank).get_attribute("aria-label").split(", ")[3] for rank in range(1, 5)]
    assert words == ["up 1", "down 1", "new", "down 1"]
    assert [card(page, title, rank).locator(".move").text_content() for rank in range(1, 5)] == ["1", "1", "new", "1"]
    gone = page.locator(".hl .ghost")
    assert [text.split(",")[1].strip() for text in gone.locator(".move").all_text_contents()] == ["was 4", "was 5"]
    gone.first.click()
    waits_for(page, clicked=place(0, 4, 2))
    # Three lines between hits and two to what is gone.
    assert page.locator(".hl path").count() == 5


def test_gold_is_told_in_words(open_lists):
    page = open_lists("three")
    assert card(page, "Dense", 1).locator(".tag").text_content() == "gold"
    assert card(page, "Dense", 2).locator(".tag").text_content() == "gold, cut"
    assert card(page, "Dense", 3).locator(".tag").count() == 0
    card(page, "Dense", 2).click()
    page.get_by_text("Cuts a gold passage", exact=True).wait_for()
    assert "".join(page.locator(".hl .detail .text .gold").all_text_contents()) == PARTS[7][-10:]


def test_an_empty_column_is_its_note_alone(open_lists):
    page = open_lists("waiting")
    assert page.locator(".hl .empty").all_text_contents() == ["embedding 43 of 187 chunks, 12 s left"]
    assert page.locator(".hl .note").count() == 0
    assert card(page, "BM25", 1).is_visible()
    open_lists("none")
    page.get_by_text("Type a query to see its hits.").wait_for()


def test_an_older_list_is_called_stale(open_lists):
    page = open_lists("three")
    assert page.locator(".hl .stale-tag").all_text_contents() == ["stale"]
    assert "stale" in card(page, "BM25", 1).get_attribute("aria-label")
    assert "stale" not in card(page, "Dense", 1).get_attribute("aria-label")


def test_fifty_hits_a_column_scroll_and_a_note_leaves_the_place(open_lists):
    page = open_lists("many", width=380)
    lists = page.locator(".hl .lists")
    assert page.locator(".hl .card").count() == 150
    lists.evaluate("e => e.scrollTop = 2000")
    before = card(page, "Times 7", 30).bounding_box()["y"]
    page.get_by_text("Note", exact=True).click()
    page.get_by_text("embedding 44 of 187 chunks").wait_for()
    settle(page)
    assert card(page, "Times 7", 30).bounding_box()["y"] == pytest.approx(before, abs=1)
    heads = page.locator(".hl .heads").bounding_box()
    assert heads["y"] == pytest.approx(lists.bounding_box()["y"], abs=1)
    card(page, "Times 7", 1).focus()
    page.keyboard.press("End")
    last = card(page, "Times 7", 50).bounding_box()
    box = lists.bounding_box()
    assert box["y"] <= last["y"]
    assert last["y"] + last["height"] <= box["y"] + box["height"] + 1
    page.keyboard.press("Enter")
    waits_for(page, clicked=place(0, 50, 49 * 7 % 59))


def test_other_lists_take_the_place_of_the_first(open_lists):
    page = open_lists("three")
    card(page, "Dense", 1).click()
    page.locator(".hl .detail .text").wait_for()
    page.get_by_role("button", name="Other lists").click()
    page.locator(".hl.single").wait_for()
    settle(page)
    assert page.locator(".hl .card").count() == 4
    assert page.locator(".hl path").count() == 0
    assert page.locator(".hl .card[aria-selected=true]").count() == 1
    page.get_by_role("button", name="Other lists").click()
    page.locator(".hl.many").wait_for()
    assert page.locator(".hl .card").count() == 15


@pytest.mark.parametrize("show", ["one", "two", "three"])
def test_nothing_sticks_out_at_any_width(open_lists, show):
    page = open_lists(show, 1000)
    page.locator(".hl .card").first.click()
    page.locator(".hl .detail .text").wait_for()
    for width in (1000, 560, 380, 300):
        page.locator(".st-key-panel").evaluate("(e, width) => (e.style.width = `${width}px`)", width)
        assert page.locator(".hl").bounding_box()["width"] == pytest.approx(width, abs=1)
        for part in (".lists", ".detail"):
            inside = f".hl {part}"  # the lines are drawn anew once the width has settled
            page.locator(inside).evaluate("e => new Promise(done => setTimeout(done, 150))")
            assert page.locator(inside).evaluate("e => e.scrollWidth - e.clientWidth") == 0
        outside = page.locator(".hl .card .score, .hl .card .tag, .hl .card .move").evaluate_all(
            "all => all.filter((e) => e.getBoundingClientRect().right > e.parentElement.getBoundingClientRect().right)"
        )
        assert outside == [], width
        covered = page.locator(".hl .card .tag, .hl .card .score").evaluate_all(
            "all => all.filter((e) => {"
            " const [before, box] = [e.previousElementSibling, e].map((x) => x?.getBoundingClientRect());"
            " return before?.width && before.right > box.left + 0.5; })"
        )
        assert covered == [], width


def test_the_dark_theme_has_its_own_colours(page, open_lists, tmp_path):
    page.emulate_media(color_scheme="dark")
    open_lists("three")
    page.locator(".hl.dark").wait_for()
    card(page, "Dense", 1).click()
    page.locator(".hl .detail .text").wait_for()
    mark = page.locator(".hl mark").first.evaluate(
        "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
    )
    assert mark[0] == "rgba(240, 228, 66, 0.3)"
    ink = [int(part) for part in mark[1].removeprefix("rgb(").removesuffix(")").split(", ")]
    assert min(ink) > 180
    page.locator(".hl").screenshot(path=tmp_path / "dark.png")
