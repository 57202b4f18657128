"""The views of the page Models: side by side, index, retrievers, map; with little, with nothing, without questions."""

import time
from dataclasses import replace

import numpy as np
import pytest
from quick import FAST

from workbench.indexes import HNSW
from workbench.pipelines import from_mapping, to_mapping
from workbench.retrievers import Rerank
from workbench.ui import jobs, map
from workbench.workspaces import Workspace

VIEWS = ("Side by side", "Index", "Retrievers", "Map", "Cache")
ASKED = {"v": "1", "q": "travel by rail"}
SHORT = "wordllama-256, 64 dimensions"


def whole(app) -> None:
    assert [e.message for e in app.exception] == []
    assert [e.value for e in app.error] == []


def said(app) -> str:
    """Markdown, captions, headings and HTML as one text, unescaped."""
    parts = [e.value for kind in (app.markdown, app.caption, app.subheader, app.warning) for e in kind]
    parts += [h.value for h in app.get("html")]
    return " ".join(parts).replace("\\", "")


def opened(visit, view: str, **state):
    return visit("Models", **{"models-view": view, **state})


def settled(app):
    """The page again, once what it waits for is done."""
    patience = time.monotonic() + 120
    while any(not job.finished.is_set() for job in list(jobs._jobs.values())):
        assert time.monotonic() < patience, "work in the background does not end"
        time.sleep(0.05)
    app.run()
    if any(not job.finished.is_set() for job in list(jobs._jobs.values())):
        return settled(app)
    whole(app)
    return app


def table(app, column: str):
    """The first table with this column, as a list of rows."""
    frame = next(d.value for d in app.dataframe if column in d.value.columns)
    return frame.to_dict("records")


def without_questions(workspace: Workspace) -> None:
    corpus, _ = workspace.corpus()
    workspace.golden.keep((), corpus, "emptied")


def one_chunk(workspace: Workspace) -> None:
    for source in workspace.sources:
        workspace.remove(source.id)
    workspace.paste("The spare impeller lies on shelf nine.", "shelf.txt")


# --- whatever there is


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_drawn_on_the_sample(visit, few, view):
    settled(opened(visit, view))


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_without_documents_is_drawn(visit, workspace, view):
    for source in workspace.sources:
        workspace.remove(source.id)
    whole(opened(visit, view))


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_of_one_chunk_is_drawn(visit, workspace, view):
    one_chunk(workspace)
    settled(opened(visit, view, **{"models-compared": ["wordllama-256", SHORT]}))


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_without_questions_is_drawn(visit, few, view):
    without_questions(few)
    settled(opened(visit, view, **{"models-compared": ["wordllama-256", SHORT]}))


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_of_a_reading_link_is_drawn(visit, few, monkeypatch, view):
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    from workbench.workspaces import open_workspace

    mine = open_workspace()
    for source in mine.sources:
        if not source.name.startswith("travel-policy"):
            mine.remove(source.id)
    settled(opened(visit, view, query_params={"v": "1", "w": mine.reader_id}))


# --- side by side


def test_models_are_compared_on_the_golden_set_with_intervals_and_a_paired_difference(visit, few):
    app = settled(opened(visit, "Side by side", **{"models-compared": ["wordllama-256", SHORT]}))
    rows = {row["Measure"]: row for row in table(app, "Measure")}
    assert set(rows["recall@1000tok"]) == {"Measure", "wordllama-256", SHORT}
    assert "[" in rows["recall@1000tok"]["wordllama-256"]
    assert rows["recall@1000tok less the first model's"]["wordllama-256"] == ""
    assert "p " in rows["recall@1000tok less the first model's"][SHORT]
    assert (rows["Dimensions"]["wordllama-256"], rows["Dimensions"][SHORT]) == ("256", "64")
    assert rows["Bytes per vector"] == {"Measure": "Bytes per vector", "wordllama-256": "1,024", SHORT: "256"}
    assert float(rows["Chunks/s"][SHORT].replace(",", "")) > 0
    assert "is weakest on" in said(app)
    tags = table(app, "Tag")
    assert {"Tag", "Questions", "wordllama-256", SHORT} == set(tags[0])
    assert all(row["Questions"] >= 1 and 0 <= row[SHORT] <= 1 for row in tags)


def test_models_that_agree_are_told_and_the_chunks_that_divide_them_shown(visit, few):
    without_questions(few)
    app = settled(opened(visit, "Side by side", **{"models-compared": ["wordllama-256", SHORT]}))
    row = table(app, "Overlap@10")[0]
    assert 0 < row["Overlap@10"] < 1
    assert 0 < row["Rank-biased overlap"] < 1
    assert said(app).count("in common") == 5
    assert "no golden set" in said(app)
    assert "recall@1000tok" not in {r["Measure"] for r in table(app, "Measure")}


def test_texts_of_documents_are_escaped_where_models_disagree(visit, workspace):
    for source in workspace.sources:
        workspace.remove(source.id)
    for i in range(6):
        workspace.paste(f"<img src=x onerror=alert({i})> number {i} of <b>six</b> texts.", f"<i>{i}.txt")
    app = settled(opened(visit, "Side by side", **{"models-compared": ["wordllama-256", SHORT]}))
    html = next(h.value for h in app.get("html") if "divided" in h.value)
    assert "<img" not in html
    assert "&lt;img" in html


def test_a_transformer_waits_for_a_click_and_says_what_it_will_cost(visit, few):
    app = settled(opened(visit, "Side by side", **{"models-compared": ["wordllama-256", "all-MiniLM-L6-v2"]}))
    assert any(b.key.startswith("measure-") and "MiniLM" in b.label for b in app.button)
    assert "chunks to embed" in said(app)
    rows = {row["Measure"]: row for row in table(app, "Measure")}
    assert rows["recall@1000tok"]["all-MiniLM-L6-v2"] == ""
    assert rows["Max tokens"]["all-MiniLM-L6-v2"] == "254"


def test_a_model_of_the_comparison_is_taken_in_hand(visit, few):
    app = settled(opened(visit, "Side by side", **{"models-compared": ["wordllama-256", SHORT]}))
    next(b for b in app.button if b.key.startswith("take-")).click().run()
    whole(app)
    assert from_mapping(app.session_state["pipeline"]).embedder.truncate_dim == 64
    assert "wordllama-256, 64 dimensions" in app.multiselect(key="models-compared").value


def test_a_price_is_kept_and_reckoned(visit, few):
    app = opened(visit, "Side by side", **{"models-compared": ["wordllama-256"]})
    app.number_input(key="price-wordllama-256").set_value(20.0).run()
    whole(app)
    assert few.settings["prices"] == {"wordllama-256": 20.0} or open_again().settings["prices"]
    rows = {row["Measure"]: row for row in table(app, "Measure")}
    assert rows["Price per 1M tokens, US$"]["wordllama-256"] == "20"
    assert float(rows["Price of these chunks, US$"]["wordllama-256"]) > 0


def open_again() -> Workspace:
    from workbench.workspaces import open_workspace

    return open_workspace()


def test_a_chosen_model_that_is_gone_is_left_out(visit, few):
    app = opened(visit, "Side by side", **{"models-compared": ["nobody/none", "wordllama-256"]})
    whole(app)
    assert app.multiselect(key="models-compared").value == ["wordllama-256"]


# --- index


def test_what_cannot_work_for_so_few_vectors_is_said_with_the_number_that_would(visit, few):
    app = opened(visit, "Index")
    app.selectbox(key="index-kind").set_value("ivf-pq").run()
    text = " ".join(e.value.replace("\\", "") for e in app.error)
    assert "needs 256 vectors" in text
    assert [e.message for e in app.exception] == []
    app.number_input(key="index-m").set_value(7).run()
    assert "must divide the 256 dimensions" in " ".join(e.value.replace("\\", "") for e in app.error)


def test_every_kind_is_measured_or_refused_and_projected(visit, few):
    app = settled(opened(visit, "Index"))
    found = {row["Index"]: row for row in table(app, "Build s")}
    assert found["flat"]["Recall@10"] == 1.0
    assert {"flat", "hnsw, ef_search 16", "binary", "sq8, rerank float32", "ivf-flat"} <= set(found)
    assert "ivf-pq is not possible here" in said(app)
    projected = {row["Index"]: row for row in table(app, "10,000,000 chunks")}
    assert projected["flat"]["10,000,000 chunks"] == "10.2 GB"
    assert "Exact at every size" in said(app)


def test_an_approximate_index_has_a_curve_that_ends_where_it_was_measured(visit, few):
    app = settled(opened(visit, "Index", pipeline=to_mapping(replace(FAST, index=HNSW()))))
    assert "not measured beyond" in said(app)


# --- retrievers


def test_retrievers_stand_beside_each_other_with_paired_differences(visit, few):
    app = settled(opened(visit, "Retrievers"))
    rows = {row["Retriever"]: row for row in table(app, "Less the current one")}
    assert {"Dense, current", "BM25", "Hybrid (rrf)", "Hybrid (weighted)", "MMR", "Rerank"} == set(rows)
    assert rows["Dense, current"]["Less the current one"] == ""
    assert "p " in rows["BM25"]["Less the current one"]
    assert "Fusing the ranks of dense and BM25, untuned," in said(app)
    assert rows["Rerank"]["recall@1000tok"] == "its model is not here"
    assert "hf download" in said(app)


def test_rerank_without_its_model_stays_visible_and_says_how_to_have_it(visit, few):
    app = settled(opened(visit, "Retrievers"))
    app.selectbox(key="retriever-kind").set_value("rerank").run()
    whole(app)
    assert any("hf download" in w.value.replace("\\", "") for w in app.warning)
    assert app.selectbox(key="retriever-kind").value == "rerank"


# --- map


def test_hubs_are_tested_against_the_misses_of_the_golden_set(visit, few):
    app = settled(opened(visit, "Map"))
    assert "Do hubs cause misses?" in said(app)
    assert "skew" in said(app)


@pytest.mark.parametrize("colour", ["Section", "Cluster", "Length", "Truncation", "Score", "Hubs and orphans"])
def test_the_map_is_coloured_by(visit, few, colour):
    app = settled(opened(visit, "Map", query_params=ASKED))
    app.selectbox(key="map-colour").set_value(colour).run()
    whole(settled(app))


def test_umap_comes_in_the_background(visit, few, monkeypatch):
    """Its own work is tested in test_projection: here it is taken for one that is there after a moment."""
    asked = []

    def umap(vectors, store):
        time.sleep(0.4)
        asked.append(len(vectors))
        return np.ascontiguousarray(vectors[:, :2])

    monkeypatch.setattr(map, "umap", umap)
    app = settled(opened(visit, "Map", query_params=ASKED))
    assert asked == []
    app.button_group(key="map-way").set_value("UMAP").run()
    assert "PCA is shown until" in said(app)
    app = settled(app)
    assert "PCA is shown until" not in said(app)
    assert len(asked) == 1


def test_the_best_hit_is_read_beside_the_map_until_a_point_is_clicked(visit, few):
    app = settled(opened(visit, "Map", query_params=ASKED))
    assert any("characters" in m.value and "travel" in m.value.replace("\\", "") for m in app.markdown)


def test_the_bench_goes_on_where_the_reranker_is_not_here(visit, few):
    app = visit(query_params=ASKED, pipeline=to_mapping(replace(FAST, retriever=Rerank())))
    whole(app)
    assert any("hf download" in w.value.replace("\\", "") for w in app.warning)
    assert app.button_group(key="retriever-choice").value == "rerank"
