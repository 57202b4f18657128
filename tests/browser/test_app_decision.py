"""The whole way of a decision: a reference marked, a sweep, a choice on record, an export proven, a pack, a return.

Some names and questions are hostile all along, and every page is watched: nothing of them runs, and nothing of it all
asks another host.
"""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from steps import (
    ROOT,
    Console,
    ask,
    cards,
    choose,
    go,
    hits_of,
    nudge,
    open_app,
    open_popover,
    prepare,
    press,
    select,
    serving,
    settle,
    status,
    until_cut,
)

LONG = 240_000  # milliseconds: other suites may have the machine, and verify may have an environment to make
NAME = "<img src=x onerror=window.ran=1> `a` **b** =cmd.md"
QUESTION = (
    "<script>window.ran = 2</script> [x](javascript:window.ran=3) "
    "When do existing installations of class II fall under this regulation?"
)
WORDS = "doze through the afternoon"
RAN = """() => [window.ran ?? null, document.querySelectorAll("img[src='x'], a[href^='javascript' i]").length]"""

# Three documents of the sample, one of them renamed, and their golden questions with one that no search can answer.
SMALL = """
import sys
from workbench.records import Question, Reference
from workbench.spans import Span
from workbench.workspaces import open_workspace
name, question = sys.argv[1:]
here = open_workspace()
for source in here.sources:
    if source.name not in ("travel-policy-2026.md", "pressure-boosting-regulation.md"):
        here.remove(source.id)
text = "# Owls\\n\\n" + "Nocturnal Strigidae doze through the afternoon on a beam of the hall.\\n"
here.add(name, text.encode())
corpus, _ = here.corpus()
owls = next(d for d in corpus if d.name == name)
span = Span(owls.id, text.index("Nocturnal"), len(text) - 1)
asked = Question("owls", question, (Reference(span, corpus[span]),), tags=(name[:60],))
here.keep_golden_set((asked, *here.golden_set(corpus)[0]), corpus, "with owls")
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The address of the app with the small corpus, and the query string that opens it with the fast model."""
    home = tmp_path_factory.mktemp("home")
    query = prepare(home)
    variables = {**os.environ, "WORKBENCH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    variables.pop("WORKBENCH_MODE", None)
    command = [sys.executable, "-c", SMALL, NAME, QUESTION]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with serving(home) as address:
        yield address, query


@pytest.fixture
def visit(page, app):
    """A function (page's path) that opens it with the fast model; at the end nothing was logged, run or asked."""
    page.set_default_timeout(60_000)
    console = Console(page)

    def open_(path: str):
        open_app(page, app[0], f"/{path}{app[1]}")
        return page

    yield open_
    assert page.evaluate(RAN) == [None, 0]
    console.check()


def view(page, name: str) -> None:
    """One view of the page Decision."""
    page.locator(".st-key-decision-view button").filter(has_text=name).first.click()
    settle(page)


def tick(page, table: str, row: int) -> None:
    """The box of this row, from 0, of the table with this name: a click on its canvas."""
    box = page.locator(f"[data-testid=stDataFrame] div[aria-label='{table}']").first
    box.scroll_into_view_if_needed()
    settle(page)
    at = box.bounding_box()
    page.mouse.click(at["x"] + 17, at["y"] + 31 * (row + 1) + 15)
    settle(page)


def test_from_a_passage_to_a_decision_that_is_proven_and_back(visit, browser, tmp_path):
    page = visit("Golden_set")
    page.locator(".rd .blk").first.wait_for()
    page.get_by_text("18 questions").first.wait_for()
    select(page, WORDS)
    page.locator(".st-key-label-form").get_by_text(WORDS).wait_for()
    page.get_by_label("Question that it answers").fill("Where do they sleep?")
    page.get_by_role("button", name="Save question").click()
    page.get_by_text("19 questions").first.wait_for()

    go(page, "Decision")
    page.get_by_text("Nothing is measured yet").wait_for()
    page.get_by_text("Open the experiments").click()
    page.locator("h1.sr-only", has_text="Experiments").wait_for(state="attached")
    settle(page)
    page.get_by_text("Sweep", exact=True).first.click()
    settle(page)
    page.locator(".st-key-sweep-start button").click()
    page.get_by_text(re.compile(r"All \d+ are measured")).wait_for(timeout=LONG)
    settle(page)

    go(page, "Decision")
    view(page, "Choose")
    page.locator(".st-key-first-step-go").wait_for()  # so few questions settle nothing: the first offer is more of them
    assert page.locator(".st-key-decision-keep").count() == 0
    current = next(line for line in status(page).splitlines() if line.startswith("recursive"))
    picked = choose(page, "decision-pick", 1)
    page.get_by_text("Record the decision:").wait_for()
    page.get_by_label("Decided by").fill("Ada <b>Byron</b>")
    page.get_by_label("Why this one").fill("Half the context, and no difference that the questions show.")
    press(page, "decision-keep")
    page.get_by_text("Ada <b>Byron</b>").first.wait_for()
    with page.expect_download() as record:
        page.locator("[class*=st-key-chosen-record-] button").first.click()
    assert "Half the context" in Path(record.value.path()).read_text("utf-8")
    view(page, "Export")
    page.get_by_text("The current configuration is not the one that was decided.").wait_for()
    assert page.locator(".st-key-handover-build").count() == 0
    view(page, "Choose")
    press(page, "next-export")
    assert current in status(page)
    press(page, "handover-build")
    page.locator(".st-key-handover-download").wait_for(timeout=LONG)
    with page.expect_download() as handed:
        page.locator(".st-key-handover-download button").click()
    with zipfile.ZipFile(handed.value.path()) as archive:
        assert {"langchain/pipeline.yaml", "langchain/documents.jsonl"} <= set(archive.namelist())
        exported = archive.read("langchain/pipeline.yaml").decode()
    size, overlap = re.search(r"recursive (\d+)/(\d+) tokens", picked).groups()
    assert (f"chunk_size: {size}" in exported, f"chunk_overlap: {overlap}" in exported) == (True, True)
    assert f"recursive {size}/{overlap} tokens" != current
    press(page, "handover-verify")
    page.get_by_text(re.compile(r"Verified: reproduces (\d+)/\1 chunks")).wait_for(timeout=LONG)

    view(page, "Review report")
    press(page, "pack-build")
    page.locator(".st-key-pack-html").wait_for(timeout=LONG)
    with page.expect_download() as made:
        page.locator(".st-key-pack-html button").click()
    made.value.save_as(tmp_path / "pack.html")
    is_self_contained(browser, tmp_path / "pack.html")
    with page.expect_download() as made:
        page.locator(".st-key-pack-markdown button").click()
    assert "Half the context" in Path(made.value.path()).read_text("utf-8")

    view(page, "History")
    page.get_by_text(re.compile("Golden sets")).first.wait_for()
    page.locator("summary", has_text="Decisions").click()
    page.locator("[class*=st-key-history-record-]").first.wait_for()
    page.get_by_text("Ada <b>Byron</b>").first.wait_for()
    tick(page, "Recorded runs, the newest first", 0)
    press(page, "history-take")
    page.locator(".status").filter(has_text=current).first.wait_for(state="detached")


def is_self_contained(browser, file: Path) -> None:
    """Opened from the disk the pack asks nobody for anything, logs no error, runs nothing, and prints."""
    page = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
    console = Console(page)
    page.goto(file.as_uri())
    text = page.inner_text("body")
    assert QUESTION in text
    assert NAME in text
    assert "Ada <b>Byron</b>" in text
    assert page.locator("svg").count() >= 3
    assert [url for url in console.asked if url != file.as_uri()] == []
    assert console.said == []
    assert page.evaluate(RAN) == [None, 0]
    assert page.locator("script, img, iframe, [src]").count() == 0
    overflow = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    for width in (1200, 700):
        page.set_viewport_size({"width": width, "height": 900})
        assert not page.evaluate(overflow), width
    page.emulate_media(media="print")
    assert not page.evaluate(overflow)
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) >= 2
    page.context.close()


@pytest.fixture
def shared(page, tmp_path):
    """A page of a visitor in team mode, whose workspace is a part of every link; nothing was logged in the end."""
    query = prepare(tmp_path)
    page.set_default_timeout(60_000)
    console = Console(page)
    with serving(tmp_path, WORKBENCH_MODE="team") as address:
        open_app(page, address, f"/Documents{query}")
        yield page
        console.check()
        page.goto("about:blank")


def test_a_link_opens_the_same_documents_both_configurations_the_query_and_the_page(shared, browser):
    page = shared
    page.locator(".rd .view").first.wait_for()
    press(page, "remove")
    page.get_by_text("12 documents").first.wait_for()
    go(page, "Bench")
    press(page, "pin")
    page.locator(".st-key-unpin").first.wait_for()
    settle(page)
    nudge(page, "chunk-size")
    until_cut(page, "recursive 200/20 tokens")
    ask(page, "spare parts")
    cards(page, "B, current").first.wait_for()
    settle(page)
    seen = view_of(page)
    open_popover(page, re.compile("Share"))
    reading = page.get_by_test_id("stPopoverBody").last.get_by_test_id("stCode").inner_text().strip()
    page.keyboard.press("Escape")
    go(page, "Decision")
    page.wait_for_function("location.search.includes('q=spare') && location.search.includes('b=')")

    other = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    other.set_default_timeout(60_000)
    open_app(other, page.url)
    other.locator("h1.sr-only", has_text="Decision").wait_for(state="attached")
    assert status(other) == status(page)
    go(other, "Bench")
    cards(other, "B, current").first.wait_for()
    settle(other)
    assert view_of(other) == seen
    open_app(other, reading)  # the link to look at, which changes nothing, shows the same
    cards(other, "B, current").first.wait_for()
    settle(other)
    assert view_of(other) == seen
    go(other, "Decision")
    other.get_by_text("Nothing is measured yet").wait_for()
    other.context.close()


def view_of(page) -> tuple[str, str, list[str], list[str]]:
    """What the Bench shows: its facts, the query, and the hits of A and of B."""
    query = page.locator(".st-key-query-box input").input_value()
    facts = status(page).split("\n")[:4]  # whether the index is built depends on who was here before
    return "\n".join(facts), query, hits_of(page, "A, pinned"), hits_of(page, "B, current")
