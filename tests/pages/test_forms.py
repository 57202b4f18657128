"""What is moved or typed in a form reaches the pipeline, and what a method refuses does not."""

from dataclasses import replace

import pytest
from quick import FAST, control

from workbench.pipelines import from_mapping, to_mapping
from workbench.retrievers import BM25
from workbench.splitters import SPLITTERS


def pipeline(app):
    return from_mapping(app.session_state["pipeline"])


def said(app) -> list[str]:
    return [element.value.replace("\\", "") for element in (*app.error, *app.warning)]


@pytest.mark.parametrize("kind", list(SPLITTERS))
def test_a_chosen_splitter_is_the_pipelines_and_keeps_size_and_unit(visit, few, kind):
    app = visit()
    app.slider(key="chunk-size").set_value(90).run()
    app.selectbox(key="splitter-kind").set_value(kind).run()
    splitter = pipeline(app).splitter
    assert (splitter.kind, splitter.chunk_size, splitter.unit) == (kind, 90, "tokens")
    assert said(app) == []


def test_the_overlap_gives_way_to_a_smaller_size(visit, few):
    app = visit()
    app.slider(key="chunk-overlap").set_value(100).run()
    assert pipeline(app).splitter.chunk_overlap == 100
    app.slider(key="chunk-size").set_value(40).run()
    splitter = pipeline(app).splitter
    assert splitter.chunk_size == 40
    assert splitter.chunk_overlap < 40
    assert control(app, "slider", "chunk-overlap").max <= 40
    assert said(app) == []


@pytest.mark.parametrize("size", [0, -5, 10**9])
def test_a_size_beyond_the_slider_is_refused_or_clamped_and_the_page_goes_on(visit, few, size):
    app = visit()
    app.slider(key="chunk-size").set_value(size).run()
    assert [e.message for e in app.exception] == []
    assert not any("Something went wrong" in text for text in said(app))
    splitter = pipeline(app).splitter  # raises where the pipeline in hand has become one that cannot be
    assert splitter.chunk_size >= 1
    app.slider(key="chunk-size").set_value(64).run()
    assert pipeline(app).splitter.chunk_size == 64


def test_a_unit_is_converted_there_and_back(visit, few):
    app = visit()
    app.button_group(key="chunk-unit").set_value("characters").run()
    splitter = pipeline(app).splitter
    assert (splitter.unit, splitter.chunk_size, splitter.chunk_overlap) == ("characters", 800, 80)
    app.button_group(key="chunk-unit").set_value("tokens").run()
    assert pipeline(app) == FAST


def test_a_unit_that_is_clicked_again_stays(visit, few):
    app = visit()
    app.button_group(key="chunk-unit").set_value(None).run()
    assert pipeline(app) == FAST
    assert control(app, "button_group", "chunk-unit").value == "tokens"


def test_the_tokenizer_follows_the_model_until_another_is_chosen(visit, few):
    app = visit()
    app.selectbox(key="model").set_value("all-MiniLM-L6-v2").run()
    assert pipeline(app).splitter.tokenizer == "all-MiniLM-L6-v2"
    assert pipeline(app).embedder.kind == "sentence-transformer"
    control(app, "selectbox", "splitter-tokenizer").set_value("cl100k_base").run()
    app.selectbox(key="model").set_value("wordllama-256").run()
    assert pipeline(app).splitter.tokenizer == "cl100k_base"
    assert pipeline(app).embedder.kind == "static"


def test_k_and_retriever_reach_the_pipeline(visit, few):
    app = visit()
    app.number_input(key="k").set_value(12).run()
    app.button_group(key="retriever-choice").set_value("hybrid").run()
    assert pipeline(app).k == 12
    assert pipeline(app).retriever.kind == "hybrid"
    app.switch_page("pages/3_Models.py").run()
    assert pipeline(app).retriever.kind == "hybrid"


def test_an_index_and_its_fields_reach_the_pipeline(visit, few):
    app = visit("Models", **{"models-view": "Index"})
    app.selectbox(key="index-kind").set_value("hnsw").run()
    app.number_input(key="index-m").set_value(8).run()
    assert pipeline(app).index.kind == "hnsw"
    assert pipeline(app).index.m == 8


def test_separators_are_written_one_a_line(visit, few):
    app = visit()
    app.text_area(key="splitter-separators").set_value("\\n\\n\n. \n ").run()
    assert list(pipeline(app).splitter.separators) == ["\n\n", ". ", " "]
    assert app.text_area(key="splitter-separators").value == "\\n\\n\n. \n "


def test_what_differs_from_the_default_is_undone_one_by_one(visit, few):
    splitter = replace(FAST.splitter, separators=("\n", " "))
    app = visit(pipeline=to_mapping(replace(FAST, splitter=splitter, retriever=BM25(k1=0.9))))
    assert [b.label for b in app.button if b.key.startswith("undo-")] == ["separators changed", "k1 0\\.9"]
    app.button(key="undo-splitter-separators").click().run()
    assert pipeline(app) == replace(FAST, retriever=BM25(k1=0.9))
    app.button(key="undo-retriever-k1").click().run()
    assert pipeline(app) == replace(FAST, retriever=BM25())
    assert control(app, "number_input", "retriever-k1").value == BM25().k1
    assert not [b for b in app.button if b.key.startswith("undo-")]


def test_a_field_that_is_refused_says_its_line_and_keeps_the_value_before(visit, few):
    app = visit()
    app.selectbox(key="splitter-kind").set_value("separator").run()
    before = pipeline(app)
    app.text_input(key="splitter-separator").set_value("").run()
    assert pipeline(app) == before
    assert len(said(app)) == 1
    assert "separator" in said(app)[0]
    assert control(app, "text_input", "splitter-separator").value != ""


@pytest.mark.parametrize("name", ["nobody/no-such-model", "/nowhere/at/all", "../../etc", "a b c", "<b>x</b>"])
def test_a_model_that_cannot_be_had_is_said_and_the_one_before_stays(visit, few, name):
    app = visit("Models")
    app.text_input(key="model-name").set_value(name).run()
    assert pipeline(app) == FAST
    assert len(said(app)) == 1
    assert name in said(app)[0]


def test_a_model_of_the_settings_that_is_gone_is_a_line_in_the_table(visit, few):
    few.keep_settings(models=["nobody/no-such-model"])
    app = visit("Models")
    assert [e.message for e in app.exception] == []
    table = app.dataframe[0].value
    assert table.loc[table["Model"] == "nobody/no-such-model", "State"].item().startswith("not available")
    app.switch_page("pages/1_Bench.py").run()
    app.selectbox(key="model").set_value("nobody/no-such-model").run()
    assert pipeline(app) == FAST
    assert len(said(app)) == 1


def test_a_run_sends_no_value_that_the_browser_has_already(visit, few):
    # A value that is sent overwrites what the user has chosen since; the next poll would bring the old one back.
    app = visit()
    app.slider(key="chunk-size").set_value(90).run()
    app.run()
    drawn = [*app.selectbox, *app.slider, *app.text_input, *app.number_input, *app.button_group]
    keys = {"splitter-kind", "chunk-size", "chunk-overlap", "chunk-unit", "model", "bench-document", "query-box", "k"}
    shown = {widget.key.rstrip(): widget.proto.set_value for widget in drawn if widget.key}
    assert set(shown) >= keys | {"retriever-choice"}
    assert not any(shown.values()), shown


def test_every_control_shows_the_pipeline_in_hand_after_each_step(visit, few):
    # A slider with other bounds is a new widget to Streamlit, and would begin at its lowest value.
    app = visit()
    for size, kind in ((400, "sentences"), (60, "fixed"), (1000, "separator"), (200, "recursive")):
        app.slider(key="chunk-size").set_value(size).run()
        for _ in range(2):
            splitter = pipeline(app).splitter
            assert app.slider(key="chunk-size").value == splitter.chunk_size == size
            assert control(app, "slider", "chunk-overlap").value == splitter.chunk_overlap > 0
            app.run()
        app.selectbox(key="splitter-kind").set_value(kind).run()
        assert app.selectbox(key="splitter-kind").value == pipeline(app).splitter.kind == kind
        assert control(app, "slider", "chunk-overlap").value == pipeline(app).splitter.chunk_overlap
