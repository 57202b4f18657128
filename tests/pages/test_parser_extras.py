"""A parser that is an extra on the page of documents: chosen where it is installed, and said where it is not."""

import time

import pytest
from quick import FAST, control
from test_pages import whole, words

from workbench.parsers import PdfPlumber
from workbench.parsers.pdf import pdfplumber
from workbench.parsers.pdf.pdfplumber import NEEDS
from workbench.pipelines import to_mapping
from workbench.specs import to_dict


@pytest.fixture
def absent(monkeypatch):
    monkeypatch.setattr(pdfplumber, "installed", lambda: False)


def chosen(app) -> str:
    return app.session_state["pipeline"]["parser"]["kind"]


def test_an_installed_extra_is_chosen_and_compared_like_any_parser(visit, workspace):
    manual = next(d for d in workspace.corpus()[0] if d.name == "hx-service-manual.pdf")
    app = visit(
        "Documents", document=manual.id, **{"document-view": "Compare parsers", "parser-b-chosen": "pdfplumber"}
    )
    for _ in range(80):
        if any("words alike" in h.value for h in app.get("html")):
            break
        time.sleep(0.25)
        app.run()
    whole(app)
    assert any("100.0% of words alike" in h.value for h in app.get("html"))
    assert "pdfplumber" in app.selectbox(key="parser-kind").options
    assert app.selectbox(key="parser-b").help == ""
    app.selectbox(key="parser-kind").set_value("pdfplumber").run()
    whole(app)
    assert chosen(app) == "pdfplumber"


def test_an_extra_that_is_missing_is_said_in_the_list_and_refused_when_chosen(visit, few, absent):
    app = visit("Documents")
    box = app.selectbox(key="parser-kind")
    assert box.options == ["auto", "pypdf", "pdfplumber (not installed)", "unstructured"]
    assert f"Here it is not installed; `pip install {NEEDS}` brings it." in box.help
    box.set_value("pdfplumber").run()
    whole(app)
    assert any(f"pip install {NEEDS}" in text.replace("\\", "") for text in words(app))
    assert (chosen(app), control(app, "selectbox", "parser-kind").value) == ("auto", "auto")


def test_the_comparison_says_what_else_could_be_compared(visit, few, absent):
    id = few.corpus()[0].documents[0].id
    app = visit("Documents", document=id, **{"document-view": "Compare parsers"})
    assert f"pip install {NEEDS}" in app.selectbox(key="parser-a").help


def test_what_was_chosen_while_it_was_installed_is_named_and_the_rest_stays(visit, few, monkeypatch):
    source = next(s for s in few.sources)
    few.choose_parser(source.id, PdfPlumber())
    pipeline = to_mapping(FAST) | {"parser": to_dict(PdfPlumber())}
    monkeypatch.setattr(pdfplumber, "installed", lambda: False)
    corpus, refusals = few.corpus()
    assert len(corpus) == len(few.sources) - 1
    assert [NEEDS in r.reason and r.reason.startswith(source.name) for r in refusals] == [True]
    app = visit("Documents", pipeline=pipeline)
    whole(app)
    assert any(f"pip install {NEEDS}" in text.replace("\\", "") for text in words(app))
    app.button(key="reset").click().run()
    whole(app)
    assert chosen(app) == "auto"
