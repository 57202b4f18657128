"""The Bench of the real app in a browser: parameters, boundaries, queries, hits, comparing. One server, the sample."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from steps import (
    Console,
    ask,
    cards,
    choose,
    chunk_count,
    go,
    hits_of,
    nudge,
    open_app,
    open_popover,
    prepare,
    reader_text,
    serving,
    settle,
    show_document,
    slide,
    splitter,
    status,
    until_cut,
)

MANUAL, HANDBOOK = "hx-service-manual.pdf", "employee-handbook.docx"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    query = prepare(home)
    with serving(home) as address:
        yield f"{address}/{query}"


@pytest.fixture
def bench(page, app):
    """The Bench with the fast model and the sample corpus; at the end, nothing was logged as an error."""
    console = Console(page)
    open_app(page, app)
    page.locator(".rd .blk").first.wait_for()
    yield page
    console.check()


# --- the source and its boundaries


def test_the_sample_is_there_chunked_and_coloured(bench):
    assert "13 documents" in status(bench)
    assert chunk_count(bench) > 10
    first, second = (bench.locator(".rd .blk").nth(i) for i in (0, 1))
    assert first.is_visible()
    colours = bench.locator(".rd .rail").evaluate_all("all => all.map((e) => getComputedStyle(e).backgroundColor)")
    assert len(set(colours)) >= 2
    assert second.is_visible()
    assert bench.locator(".histogram").get_attribute("aria-label").startswith("Sizes of")


def test_a_moved_size_repaints_the_boundaries(bench):
    before, rails = chunk_count(bench), bench.locator(".rd .rail").count()
    slide(bench, "chunk-size", 100)
    bench.wait_for_function("n => parseInt(document.querySelector('.facts b').textContent) > n", arg=before)
    assert chunk_count(bench) > before
    assert f"of {chunk_count(bench)}" in bench.locator(".rd .place").first.text_content()
    assert f"{chunk_count(bench)}" in bench.locator(".rd .for-chunks .size").text_content()
    assert bench.locator(".rd .rail").count() > rails, "more boundaries in the same text"


def test_overlap_is_shown_and_goes(bench):
    bench.locator(".rd .shared").first.wait_for()
    slide(bench, "chunk-overlap", 0)
    assert until_cut(bench, "recursive 200/20 tokens") == "recursive 200/0 tokens"
    bench.locator(".rd .shared").first.wait_for(state="detached")
    slide(bench, "chunk-overlap", 60)
    until_cut(bench, "recursive 200/0 tokens")
    bench.locator(".rd .shared").first.wait_for()


def test_the_unit_changes_and_the_chunks_stay_about_as_large(bench):
    before = chunk_count(bench)
    bench.locator(".st-key-chunk-unit").get_by_role("radio", name="characters").click()
    bench.get_by_text("800/80 characters", exact=False).wait_for()
    settle(bench)
    assert before / 2 < chunk_count(bench) < before * 2
    bench.locator(".st-key-chunk-unit").get_by_role("radio", name="tokens").click()
    bench.get_by_text("200/20 tokens", exact=False).wait_for()
    settle(bench)
    assert chunk_count(bench) == before


def test_every_splitter_draws_chunks(bench):
    bench.locator(".st-key-splitter-kind input").first.click()
    names = bench.get_by_role("option").all_text_contents()
    bench.keyboard.press("Escape")
    assert names[0] == "Recursive"
    assert len(names) >= 5
    sizes = {bench.locator(".histogram").inner_html()}
    for name in names[1:]:
        before = splitter(bench)
        choose(bench, "splitter-kind", name)
        until_cut(bench, before)
        bench.locator(".rd .begins").first.wait_for()
        assert chunk_count(bench) > 3, name
        sizes.add(bench.locator(".histogram").inner_html())
    assert len(sizes) >= 4, "they cut differently; code without a language and one separator need not"


def test_a_clicked_chunk_tells_its_figures(bench):
    bench.locator(".rd .number").nth(1).click()
    bench.get_by_text("Chunk 2", exact=True).wait_for()
    assert re.search(r"\d+ tokens, \d+ characters", bench.locator(".status").last.inner_text())


def test_what_a_model_never_sees_is_counted_and_greyed(bench):
    choose(bench, "model", "all-MiniLM-L6-v2")
    slide(bench, "chunk-size", 400)
    bench.get_by_text("of the text is invisible to search", exact=False).wait_for()
    bench.locator(".rd .unseen").first.wait_for()
    assert re.search(r"\d+ of \d+ chunks are truncated", bench.locator(".facts:not(.score)").inner_text())
    choose(bench, "model", "wordllama-256")
    bench.locator(".rd .unseen").first.wait_for(state="detached")


def test_code_for_this_is_one_click_away(bench):
    open_popover(bench, "Code for this")
    bench.get_by_text("workbench: 1", exact=False).wait_for()
    bench.get_by_role("radio", name="Command").click()
    bench.get_by_text("python -m workbench chunk", exact=False).wait_for()


# --- queries and hits


def test_typing_finds_and_a_click_shows_the_hit_in_its_document(bench):
    show_document(bench, HANDBOOK)
    ask(bench, "error E-4417")
    for title in ("BM25", "Dense", "Hybrid"):
        cards(bench, title).first.wait_for()
    assert 1 <= cards(bench, "BM25").count() <= 5
    assert all("E-4417" in text for text in hits_of(bench, "BM25"))
    card = cards(bench, "BM25").filter(has_text="manual").first
    card.click()
    bench.locator(f".rd .view[aria-label='Text of {MANUAL}']").wait_for()
    settle(bench)
    bench.locator(".hl .detail .text").wait_for()
    detail = bench.locator(".hl .detail .text").text_content()
    assert "E-4417" in detail
    assert detail.strip()[:40] in reader_text(bench), "the source is scrolled to the hit"
    assert bench.locator(".rd .badge").count() >= 1
    assert bench.locator(".st-key-bench-document input").first.input_value() == MANUAL


def test_a_hit_further_down_the_same_document_is_scrolled_to(bench):
    show_document(bench, MANUAL)
    top = reader_text(bench)
    ask(bench, "error E-4417")
    card = cards(bench, "BM25").filter(has_text="manual").first
    card.wait_for()
    settle(bench)
    card.click()
    bench.locator(".rd .flash").first.wait_for()
    assert reader_text(bench) != top


def test_one_list_or_three(bench):
    ask(bench, "spare parts")
    cards(bench, "Hybrid").first.wait_for()
    settle(bench)
    bench.locator(".st-key-side-by-side label").click()
    cards(bench, "Hybrid").first.wait_for(state="detached")
    settle(bench)
    assert cards(bench, "Dense").count() == 5
    bench.locator(".st-key-retriever-choice").get_by_role("radio", name="BM25").click()
    cards(bench, "BM25").first.wait_for()
    assert cards(bench, "Dense").count() == 0
    bench.locator(".st-key-side-by-side label").click()
    cards(bench, "Hybrid").first.wait_for()


def test_k_is_the_number_of_hits(bench):
    ask(bench, "pump")
    cards(bench, "Dense").first.wait_for()
    settle(bench)
    bench.locator(".st-key-k input").fill("9")
    bench.locator(".st-key-k input").press("Enter")
    cards(bench, "Dense").nth(8).wait_for()
    assert cards(bench, "Dense").count() == 9


def test_a_filter_keeps_hits_to_its_documents(bench):
    ask(bench, "pump")
    cards(bench, "BM25").first.wait_for()
    settle(bench)
    open_popover(bench, "Filter")
    choose(bench, "filter-documents", "kurzanleitung-hx.html")
    bench.get_by_test_id("stPopoverButton").filter(has_text="Filter is on").first.wait_for()
    settle(bench)
    bench.keyboard.press("Escape")
    bench.keyboard.press("Escape")
    bench.wait_for_function(
        """() => {
          const host = [...document.querySelectorAll('*')].find((e) => e.shadowRoot?.querySelector('.hl .card'));
          const cards = [...(host?.shadowRoot.querySelectorAll('.hl .card') ?? [])];
          return cards.length && cards.every((card) => card.getAttribute('aria-label').includes('kurzanleitung'));
        }"""
    )


def test_a_query_that_finds_nothing_says_so(bench):
    ask(bench, "zzyzx")
    bench.get_by_text("no chunk shares a word with the query", exact=False).wait_for()
    assert cards(bench, "BM25").count() == 0


def test_a_sample_question_is_one_click_away(bench):
    first, second = (bench.locator("[class*='st-key-ask-'] button").nth(i) for i in (0, 1))
    words = first.inner_text().strip()
    first.click()
    cards(bench, "BM25").first.wait_for()
    settle(bench)
    assert bench.locator(".st-key-query-box input").input_value() == words
    bench.locator(".rd .txt .gold").first.wait_for()
    icon = bench.get_by_test_id("stIconMaterial").filter(has_text=re.compile("^list$"))
    bench.get_by_test_id("stPopoverButton").filter(has=icon).first.click()
    words = second.inner_text().strip()
    second.click()
    bench.wait_for_function("words => document.querySelector('.st-key-query-box input').value === words", arg=words)


def test_the_context_counts_its_tokens(bench):
    ask(bench, "spare parts")
    cards(bench, "Dense").first.wait_for()
    settle(bench)
    open_popover(bench, re.compile(r"Context: [\d,]+ tokens"))
    bench.get_by_text("What a language model would read", exact=False).wait_for()


# --- comparing, and links


def test_a_pinned_configuration_stands_beside_the_one_in_hand(bench):
    bench.locator(".st-key-pin button").first.click()
    bench.locator(".st-key-unpin").first.wait_for()
    settle(bench)
    slide(bench, "chunk-size", 120)
    bench.locator(".rd .view").nth(1).wait_for()
    ask(bench, "spare parts")
    cards(bench, "B, current").first.wait_for()
    settle(bench)
    assert cards(bench, "A, pinned").count() == 5
    moves = cards(bench, "B, current").evaluate_all("all => all.map((e) => e.getAttribute('aria-label'))")
    assert any(re.search(r", (up \d+|down \d+|new|same|unchanged)", label) for label in moves), moves
    facts = bench.locator(".facts:not(.score)")
    counts = facts.evaluate_all("all => all.map((e) => e.innerText.match(/([\\d,]+) chunks/)[1])")
    assert len(counts) == 2
    assert counts[0] != counts[1]
    bench.locator(".st-key-swap button").first.click()
    settle(bench)
    bench.wait_for_function(
        "was => document.querySelector('.facts').innerText.includes(`${was} chunks`)", arg=counts[1]
    )
    bench.locator(".st-key-unpin button").first.click()
    bench.locator(".rd .view").nth(1).wait_for(state="detached")


def test_the_address_brings_configuration_comparison_and_query_to_another_visitor(bench, browser):
    bench.locator(".st-key-pin button").first.click()
    bench.locator(".st-key-unpin").first.wait_for()
    settle(bench)
    nudge(bench, "chunk-size")
    chosen = until_cut(bench, "recursive 200/20 tokens")
    ask(bench, "spare parts")
    cards(bench, "B, current").first.wait_for()
    bench.wait_for_function("location.search.includes('q=spare') && location.search.includes('b=')")
    settle(bench)
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    other = context.new_page()
    open_app(other, bench.url)
    cards(other, "B, current").first.wait_for()
    settle(other)
    assert other.locator(".st-key-query-box input").input_value() == "spare parts"
    assert splitter(other) == chosen == "recursive 199/20 tokens"
    assert other.locator(".rd .view").count() == 2
    assert hits_of(other, "B, current") == hits_of(bench, "B, current")
    context.close()


def test_pages_keep_what_was_set(bench):
    slide(bench, "chunk-size", 150)
    chosen = until_cut(bench, "recursive 200/20 tokens")
    ask(bench, "spare parts")
    cards(bench, "BM25").first.wait_for()
    settle(bench)
    go(bench, "Models")
    assert chosen in status(bench)
    bench.get_by_text("wordllama-256").first.wait_for()
    go(bench, "Documents")
    bench.locator(".rd .view").wait_for()
    go(bench, "Bench")
    cards(bench, "BM25").first.wait_for()
    assert bench.locator(".st-key-query-box input").input_value() == "spare parts"
    assert chosen in status(bench)
    bench.reload()
    cards(bench, "BM25").first.wait_for()
    assert chosen in status(bench)


# --- looks


@pytest.mark.parametrize("width", [700, 1000, 1400])
def test_no_page_is_wider_than_its_window(bench, width):
    bench.set_viewport_size({"width": width, "height": 900})
    ask(bench, "spare parts")
    cards(bench, "BM25").first.wait_for()
    for name in ("Bench", "Documents", "Models"):
        if name != "Bench":
            bench.goto(bench.url.split("?")[0].rsplit("/", 1)[0] + f"/{name}?{bench.url.split('?')[1]}")
            bench.locator(".status").first.wait_for()
        settle(bench)
        wide = bench.evaluate(
            "() => Math.max(...['stMain', 'stAppViewContainer'].flatMap((id) =>"
            " [...document.querySelectorAll(`[data-testid=${id}]`)].map((e) => e.scrollWidth - e.clientWidth)),"
            " document.documentElement.scrollWidth - innerWidth)"
        )
        assert wide <= 0, name


def test_the_bench_fits_a_window_of_900(bench):
    ask(bench, "spare parts")
    cards(bench, "Hybrid").first.wait_for()
    settle(bench)
    for part in (".rd .view", ".hl", ".st-key-chunk-size", ".st-key-model"):
        box = bench.locator(part).first.bounding_box()
        assert box["y"] + box["height"] <= 900, part


def test_the_dark_theme(page, app, tmp_path):
    console = Console(page)
    page.emulate_media(color_scheme="dark")
    open_app(page, app)
    ask(page, "spare parts")
    cards(page, "Hybrid").first.wait_for()
    settle(page)
    page.locator(".hl.dark").wait_for()
    page.screenshot(path=tmp_path / "dark.png")
    for part in ("[data-testid=stApp]", ".rd", ".hl"):
        ground = page.locator(part).first.evaluate("e => getComputedStyle(e).backgroundColor")
        found = re.findall(r"[\d.]+", ground)
        assert len(found) == 4 or sum(map(float, found[:3])) < 3 * 80, (part, ground)
    ink = page.locator(".facts").first.evaluate("e => getComputedStyle(e).color")
    assert sum(map(float, re.findall(r"[\d.]+", ink)[:3])) > 3 * 150
    console.check()
