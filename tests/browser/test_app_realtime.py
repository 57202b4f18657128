"""What follows the slider: hits and the golden set's score; with a transformer a preview, marked, then exact hits."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from steps import (
    ROOT,
    Console,
    ask,
    cards,
    hits_of,
    open_app,
    prepare,
    press,
    serving,
    settle,
    slide,
    splitter,
    until_cut,
)

SCORE = re.compile(
    r"golden set: recall@1000tok \d\.\d\d( \([+−]?\d\.\d\d, 95 % CI [+−]?\d\.\d\d to [+−]?\d\.\d\d\))?, "
    r"[\d,]+ tokens per query( \([+−]?[\d,]+\))?, 64 questions"
)


def score(page) -> str:
    return page.locator(".score").first.inner_text()


def until_scored(page, before: str) -> str:
    """The score line once it is another than before, and of the settings in hand."""
    page.wait_for_function(
        "was => { const line = document.querySelector('.score'); "
        "return line && line.innerText !== was && !/stale|being|waits|reads/.test(line.innerText) }",
        arg=before,
        timeout=60_000,
    )
    settle(page)
    return score(page)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    query = prepare(home)
    with serving(home) as address:
        yield f"{address}/{query}"


@pytest.fixture
def bench(page, app):
    console = Console(page)
    open_app(page, app)
    page.locator(".rd .blk").first.wait_for()
    yield page
    console.check()


def drag(page, share: float) -> None:
    """The size slider dragged with the mouse to this share of its track."""
    thumb = page.locator(".st-key-chunk-size").get_by_role("slider").bounding_box()
    track = page.locator(".st-key-chunk-size [data-testid=stSlider]").bounding_box()
    y = thumb["y"] + thumb["height"] / 2
    page.mouse.move(thumb["x"] + thumb["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(track["x"] + share * track["width"], y, steps=5)
    page.mouse.up()


def test_hits_and_the_score_of_the_golden_set_follow_a_drag(bench):
    ask(bench, "What does the travel policy say about hotels?")
    cards(bench, "Dense").first.wait_for()
    settle(bench)
    first, hits = until_scored(bench, ""), hits_of(bench, "Dense")
    assert SCORE.fullmatch(first), first
    bench.wait_for_timeout(1_700)  # so long, and the settings count as ones that somebody stopped at
    drag(bench, 0.6)
    second = until_scored(bench, first)
    assert SCORE.match(second), second
    assert "against recursive 200/20 tokens" in second
    assert hits_of(bench, "Dense") != hits
    press(bench, "pin")
    slide(bench, "chunk-size", 120)
    third = until_scored(bench, second)
    assert third.endswith("against A"), third


# --- a transformer: previews, then exact hits

_SHORT = """
import os
from workbench.embedders import SentenceTransformer
from workbench.pipelines import Pipeline, to_yaml
from workbench.splitters import Recursive
from workbench.workspaces import open_workspace
here = open_workspace()
for source in here.sources:
    here.remove(source.id)
here.add("pumps.md", TEXT.encode())
here.corpus()
line = Pipeline(splitter=Recursive(chunk_size=60, chunk_overlap=0), k=3)
here.store.put_many("pipeline", {line.fingerprint: to_yaml(line).encode()})
print(line.fingerprint)
"""
TEXT = "# Pumps\n\n" + "\n\n".join(
    f"Pump {n} moves {10 * n} litres a minute at {n} bar. Its seal lasts {n} years and is changed by the installer, "
    f"who first shuts valve {n} and lets the pressure off. The motor draws {n}00 watts and must be earthed."
    for n in range(1, 9)
)


@pytest.fixture(scope="module")
def short_app(tmp_path_factory):
    home = tmp_path_factory.mktemp("short")
    variables = {**os.environ, "WORKBENCH_HOME": str(home), "PYTHONPATH": str(ROOT)}
    code = f"TEXT = {TEXT!r}\n{_SHORT}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with serving(home) as address:
        yield f"{address}/?v=1&a={done.stdout.strip()}"


def test_with_a_transformer_a_preview_then_exact_hits(page, short_app):
    page.set_default_timeout(120_000)  # PyTorch loads
    console = Console(page)
    open_app(page, short_app)
    ask(page, "How long does a seal last?")
    cards(page, "Dense").first.wait_for()
    settle(page)
    page.evaluate(
        "() => { window.said = []; new MutationObserver(() => window.said.push(...[...document.querySelectorAll("
        "'.facts.preview')].map(e => e.innerText))).observe(document.body, { subtree: true, childList: true }) }"
    )
    page.wait_for_timeout(3_000)  # the token states of a page of text
    before = splitter(page)
    slide(page, "chunk-size", 110)
    until_cut(page, before)
    cards(page, "Dense, preview").first.wait_for()
    cards(page, "Dense").first.wait_for()
    assert cards(page, "Dense, preview").count() == 0
    page.get_by_text("agreement@").wait_for()
    assert re.search(r"^exact; the preview had named \d+ ?% of the \d nearest", page.locator(".preview").inner_text())
    assert any(text.startswith("preview: pooled") for text in page.evaluate("window.said"))
    console.check()
