"""The surface of a race as tiles."""

import pytest

from workbench.embedders import Static
from workbench.pipelines import Pipeline
from workbench.splitters import Recursive
from workbench.sweeps import Cell
from workbench.ui.experiments import charts

LINES = tuple(Pipeline(splitter=Recursive(n, 0, tokenizer="wordllama-256"), embedder=Static()) for n in (50, 100, 200))
CELLS = (Cell("exact", exact=0.9), Cell("exact", exact=0.1), Cell("left out", preview=0.1))


@pytest.mark.parametrize("theme, page", [("light", "#111"), ("dark", "#fff")])
def test_a_tile_through_which_the_page_shines_is_written_in_the_ink_of_the_page(monkeypatch, theme, page):
    monkeypatch.setattr(charts.st, "context", type("Context", (), {"theme": type("Theme", (), {"type": theme})}))
    made = charts.figure(LINES, CELLS, (0, 1, 2), 0, (0.1, 0.9)).data[0]
    assert list(made.textfont.color) == ["#111", "#fff", page]
    assert list(made.text) == ["0.900", "0.100", "×0.100"]
