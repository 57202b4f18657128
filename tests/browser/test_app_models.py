"""The page Models of the real app in a browser: models compared, a trade-off drawn, a chunk opened from the map."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from steps import Console, ask, choose, go, open_app, prepare, serving, settle, status

LONG = 120_000  # milliseconds: other suites may have the machine


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    query = prepare(home)
    with serving(home) as address:
        yield f"{address}/Models{query}"


@pytest.fixture
def models(page, app):
    """The page Models with the fast model and the sample corpus; at the end, nothing was logged as an error."""
    console = Console(page)
    open_app(page, app)
    yield page
    console.check()


def view(page, name: str) -> None:
    page.locator(".st-key-models-view").get_by_text(name, exact=True).click()
    settle(page)


def drawn(page, trace: str) -> None:
    """Returns once the map has a trace of this name."""
    page.wait_for_function(
        "name => [...document.querySelectorAll('[class*=st-key-map-PCA] .js-plotly-plot')].at(-1)?.data"
        "?.some(t => t.name === name)",
        arg=trace,
    )


def standing(page, trace: str) -> tuple[float, float]:
    """Where the lowest point of a trace is on the screen, once the map has stopped moving."""
    before = None
    while True:
        settle(page)
        at = page.evaluate(_LOWEST, trace)
        if at == before:
            return tuple(at)
        before = at
        page.wait_for_timeout(1_000)


_LOWEST = """(name) => {
    const plot = [...document.querySelectorAll('[class*=st-key-map-PCA] .js-plotly-plot')].at(-1)
    const trace = plot._fullData.find((t) => t.name === name)
    const box = plot.getBoundingClientRect(), area = plot._fullLayout
    const xs = Array.from(trace.x), ys = Array.from(trace.y), low = ys.indexOf(Math.min(...ys))
    return [box.x + area.xaxis._offset + area.xaxis.d2p(xs[low]), box.y + area.yaxis._offset + area.yaxis.d2p(ys[low])]
}"""


def test_two_models_are_compared_on_the_sample(models):
    """Two lengths of the static model: MiniLM takes minutes where several suites share two processors."""
    choose(models, "models-compared", "wordllama-256, 64 dimensions")
    models.keyboard.press("Escape")
    settle(models)
    table = models.locator("[data-testid=stDataFrame]", has=models.locator("canvas[aria-label='Models side by side']"))
    models.get_by_text("Do they agree?").wait_for(timeout=LONG)
    models.get_by_text(re.compile(r"wordllama-256, 64 dimensions is weakest on")).wait_for(timeout=LONG)
    assert table.count() <= 1
    divided = models.locator(".divided")
    assert divided.count() == 5
    divided.first.locator("summary").click()
    assert divided.first.locator(".sides p").count() == 6
    assert "in common" in divided.first.inner_text()
    models.get_by_role("button", name="Use this model: wordllama-256, 64 dimensions").click()
    settle(models)
    models.wait_for_function("() => document.querySelector('.status').textContent.includes('103 KB')")


def test_the_trade_off_of_the_indexes_is_drawn(models):
    view(models, "Index")
    plot = models.locator(".st-key-tradeoff .js-plotly-plot")
    plot.wait_for(timeout=LONG)
    assert plot.locator(".point").count() >= 9
    assert "recall@10" in plot.locator(".ytitle").text_content()
    models.get_by_text(re.compile("Exact at every size")).wait_for()
    models.get_by_text(re.compile("ivf-pq.* is not possible here|Recall@10 against exact")).first.wait_for()


def test_a_click_on_the_map_opens_the_chunk(models):
    view(models, "Map")
    ask(models, "error E-4417")
    plot = models.locator("[class*=st-key-map-PCA] .js-plotly-plot").last
    plot.wait_for(timeout=LONG)
    settle(models)
    models.locator(".rd .view").wait_for(timeout=LONG)
    drawn(models, "the query")
    before = models.locator(".rd .view").get_attribute("aria-label")
    reader = models.locator(".rd .view[aria-label='Text of state-of-the-union-2024.md']")
    at = standing(models, "state-of-the-union-2024.md")
    models.mouse.move(*at)
    models.wait_for_timeout(300)  # plotly finds the point under the mouse
    models.mouse.click(*at)
    reader.wait_for()
    assert before != reader.get_attribute("aria-label")
    models.locator(".rd .hit, .rd .badge, .rd [class*=hit]").first.wait_for()
    drawn(models, "looked at")


def test_a_hub_that_is_clicked_is_shown_in_its_document(models):
    view(models, "Map")
    models.get_by_text("Found without labels").wait_for(timeout=LONG)
    models.get_by_text(re.compile("Do hubs cause misses")).wait_for(timeout=LONG)


def test_what_is_set_on_a_view_is_the_pipelines_everywhere(models):
    view(models, "Retrievers")
    models.get_by_text(re.compile("Rerank is not measured")).wait_for(timeout=LONG)
    go(models, "Bench")
    assert "13 documents" in status(models)
