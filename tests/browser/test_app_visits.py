"""The first request that a fresh server answers is a deep link; and what a very first visit shows, MiniLM and all."""

import ast
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from steps import ROOT, Console, ask, cards, choose, chunk_count, go, open_app, prepare, serving, status


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A WORKBENCH_HOME in which the sample was parsed, so that a fresh server is quick."""
    home = tmp_path_factory.mktemp("home")
    return home, prepare(home)


PAGES = ["Bench", "Documents", "Models", "Golden set", "Experiments", "Decision"]


def test_every_page_begins_by_opening_itself():
    """With it, a deep link works on all pages where it works on some."""
    for path in (ROOT / "pages").glob("*.py"):
        body = ast.parse(path.read_text()).body
        first = next(node for node in body[1:] if not isinstance(node, ast.Import | ast.ImportFrom))
        assert isinstance(first, ast.Expr), path
        assert isinstance(first.value, ast.Call), path
        assert ast.unparse(first.value.func).endswith("open_page"), path


@pytest.mark.parametrize("name", ["Bench", "Documents", "Golden set"])
def test_a_deep_link_is_the_first_request_of_a_server(page, home, name):
    """With a `pages/` folder the page can run alone, without app.py: no navigation, or "Page not found"."""
    folder, query = home
    console = Console(page)
    with serving(folder) as address:
        open_app(page, address, f"/{name.replace(' ', '_')}{query}")
        page.locator("h1.sr-only", has_text=name).wait_for(state="attached")
        links = page.get_by_test_id("stTopNavLink")
        assert [text.split("\n")[-1] for text in links.all_inner_texts()] == PAGES
        assert page.get_by_test_id("stSidebarNav").count() == 0
        assert page.get_by_text("Page not found").count() == 0
        if name == "Golden set":
            assert "68 questions" in status(page)
        else:
            assert "13 documents" in status(page)
        if name not in ("Documents", "Golden set"):
            assert "wordllama-256" in status(page), "the link's configuration is the one in hand"
        other = "Documents" if name != "Documents" else "Bench"
        go(page, other)
        assert "13 documents" in status(page)
        console.check()
        page.goto("about:blank")


def test_a_first_visit_shows_the_sample_cut_and_finds_words_while_the_model_embeds(page, tmp_path):
    console = Console(page)
    with serving(tmp_path) as address:
        open_app(page, address)
        page.locator(".rd .blk").first.wait_for()
        assert "13 documents" in status(page)
        assert "recursive 200/20 tokens" in status(page)
        assert "0 truncated" in status(page)
        assert chunk_count(page) > 10
        ask(page, "error E-4417")
        cards(page, "BM25").first.wait_for()
        # Dense search either has its hits by now or says what it waits for; Stop ends the waiting.
        stop = page.locator(".st-key-stop-embedding button")
        cards(page, "Dense").first.or_(stop).first.wait_for()
        if stop.is_visible():
            page.get_by_text(re.compile("Loading the model|Embedding")).first.wait_for()
            stop.click()
            page.locator(".st-key-embed button").first.wait_for(timeout=60_000)  # PyTorch loads to its end first
            assert cards(page, "BM25").count() > 0
        choose(page, "model", "wordllama-256")
        cards(page, "Dense").first.wait_for()
        console.check()
        page.goto("about:blank")
