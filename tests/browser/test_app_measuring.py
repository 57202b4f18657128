"""From a selection to a reference, from a reference to a measurement, from that to one lost answer; and a sweep."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from steps import Console, ask, cards, choose, go, open_app, prepare, press, select, serving, settle

WORDS = "Employee Handbook"
STEPS = ["parser", "budget", "boundaries", "ranking", "index"]
ROW = 31  # pixels of a row of a table


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    query = prepare(home)
    with serving(home) as address:
        yield address, query


@pytest.fixture
def visit(page, app):
    """A function (page's path) that opens it with the fast model; at the end, nothing was logged as an error."""
    page.set_default_timeout(60_000)
    console = Console(page)

    def open_(path: str):
        open_app(page, app[0], f"/{path}{app[1]}")
        return page

    yield open_
    console.check()


def test_a_selection_is_saved_measured_and_explained(visit):
    page = visit("Golden_set")
    page.locator(".rd .blk").first.wait_for()
    page.get_by_text("68 questions").first.wait_for()
    select(page, WORDS)
    page.locator(".st-key-label-form").get_by_text(WORDS).wait_for()
    page.get_by_label("Question that it answers").fill("What is this booklet called?")
    page.get_by_role("button", name="Save question").click()
    page.get_by_text("69 questions").first.wait_for()

    go(page, "Experiments")
    page.locator(".js-plotly-plot").first.wait_for()
    page.get_by_text("lost recall").first.wait_for()
    settle(page)
    assert page.locator(".rungs").count() == 1
    page.locator(".rd .blk").first.wait_for()  # one lost answer in its document
    assert page.locator(".rd .for-gold").first.is_visible()
    settle(page)
    bar = page.locator(".js-plotly-plot .barlayer .point path").nth(STEPS.index("ranking")).bounding_box()
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    page.locator("[role=radio][aria-checked=true]", has_text="Ranking").wait_for()
    settle(page)

    first = page.locator(".st-key-anatomy-question").inner_text()
    tables = page.locator(".st-key-lost-questions").get_by_test_id("stDataFrame")
    tables.nth(1).wait_for(state="detached")  # the one before the click fades
    table = tables.bounding_box()
    page.mouse.click(table["x"] + 16, table["y"] + ROW * 2.5)  # the box of the second row, below the header's
    page.locator(".st-key-anatomy-question").filter(has_not_text=first).wait_for()
    settle(page)
    assert page.locator(".rungs").count() == 1
    page.get_by_text("Passages:").wait_for()
    assert page.locator(".rd .for-gold").first.is_visible()


def test_a_hit_is_marked_as_an_answer_on_the_bench(visit):
    page = visit("")
    page.locator(".rd .blk").first.wait_for()
    ask(page, "who feeds the dog of the watchman")
    cards(page, "BM25").first.click()
    page.locator(".st-key-mark-hit").wait_for()
    press(page, "mark-hit")
    page.get_by_text("This hit holds a gold passage").wait_for()


def test_a_sweep_is_started_stopped_and_resumed(visit):
    page = visit("Experiments")
    page.get_by_text("Sweep", exact=True).first.click()
    settle(page)
    for size in ("150", "300", "600", "800"):
        choose(page, "sweep-size", size)
    page.keyboard.press("Escape")
    page.get_by_text("configurations ×").wait_for()
    settle(page)
    page.locator(".st-key-sweep-start button").click()
    stop = page.locator(".st-key-sweep-stop button")
    stop.or_(page.get_by_text("are measured")).first.wait_for()
    if stop.is_visible():  # a quick machine may have measured them all by now
        stop.click()
        page.locator(".st-key-sweep-start").wait_for()
        settle(page)
        if page.locator(".st-key-sweep-resume").is_visible():
            press(page, "sweep-resume")
    page.get_by_text("are measured").wait_for(timeout=120_000)
    settle(page)
    page.get_by_text("Judged by").wait_for()
    for view in ("Surface", "Cost", "Effects"):
        page.get_by_text(view, exact=True).first.click()
        settle(page)
        page.locator(".js-plotly-plot").first.wait_for()
    page.get_by_text("Boundaries", exact=True).first.click()
    page.locator(".strips .strip").first.wait_for()
    assert page.locator(".strips .strip i").count() > 0
