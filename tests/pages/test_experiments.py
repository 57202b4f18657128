"""The page Experiments: the pipeline in hand taken apart, and a sweep started, stopped, gone on with and judged."""

import time
from html import escape

import pytest
from quick import FAST

from workbench.metrics import metric
from workbench.pipelines import to_mapping
from workbench.ui.experiments import sweep_jobs
from workbench.workspaces import open_workspace
from workbench.workspaces.experiments import experiments_folder, kept_runs


def whole(app) -> None:
    assert [e.message for e in app.exception] == []
    assert [e.value for e in app.error] == []


def markdown(app) -> str:
    return " ".join(m.value.replace("\\", "") for m in app.markdown)


def measured(app):
    """The page once the pipeline is measured, which takes longer than a run waits where the machine is busy."""
    end = time.monotonic() + 60
    while "lost recall" not in markdown(app) and "recall is lost" not in markdown(app):
        whole(app)
        assert time.monotonic() < end, "it is never measured"
        time.sleep(0.2)
        app.run()
    return app


def folder():
    workspace = open_workspace()
    corpus, _ = workspace.corpus()
    return experiments_folder(workspace, corpus, workspace.golden.read(corpus).questions)


def ended(task: sweep_jobs.Task) -> None:
    assert task.finished.wait(120)
    assert task.error == ""


def test_the_pipeline_in_hand_is_taken_apart(visit, few):
    app = measured(visit("Experiments"))
    whole(app)
    assert "recall@1000tok **0." in markdown(app), "the measure of all pages comes first"
    assert len(kept_runs(folder())) == 1
    run = kept_runs(folder())[0]
    assert run.fingerprint == FAST.fingerprint
    assert run.anatomy is not None


@pytest.mark.parametrize("budget", ["1", "500tok"])
def test_losses_are_told_within_another_budget_than_the_measure_and_why_they_differ(visit, few, budget):
    app = measured(visit("Experiments"))
    measured(app.selectbox(key="experiments-budget-5-1000tok").set_value(budget).run())
    whole(app)
    place = "at k = 1" if budget == "1" else "at 500 context tokens"
    told = " ".join(c.value.replace("\\", "") for c in app.caption)
    assert f"recall@{budget} (measured {place}) look at different parts of a ranking" in told


def test_one_measure_is_chosen_once_and_shown_on_every_page(visit, few):
    """On the Bench, where answers are lost, in a sweep and on Decision: the same name and the same figure."""
    measured(visit("Experiments"))
    run = kept_runs(folder())[0]
    for name in ("recall@1000tok", "mrr@5"):
        figure = run.column(name).mean()
        bench = visit("Bench", headline=name)
        line = next(h.value for h in reversed(bench.get("html")) if "score'" in h.value)
        assert f">{name}</span> <b>{figure:.2f}</b>" in line
        assert escape(metric(name).definition, quote=True) in line, "its definition stands on hover"
        assert f"{name} **{figure:.3f}" in markdown(measured(visit("Experiments", headline=name)))
        for page, view in (("Experiments", {"experiments-view": "Sweep"}), ("Decision", {})):
            app = visit(page, **{"headline": name, **view})
            whole(app)
            assert app.selectbox(key="judged-by").value == name
            assert name in markdown(app)


def test_questions_of_documents_that_are_not_here_are_said(visit, few):
    corpus, _ = few.corpus()
    gone = few.golden.read(corpus).questions[0].references[0].span.document
    few.golden.confirm(corpus)
    few.remove(next(s.id for s in few.sources if s.id == corpus.document(gone).source))
    app = visit("Experiments")
    whole(app)
    assert any("documents that are not here" in c.value for c in app.caption)


def test_without_questions_the_page_says_where_to_get_them(visit, few):
    corpus, _ = few.corpus()
    few.golden.keep((), corpus, "emptied")
    app = visit("Experiments")
    whole(app)
    assert [s.value for s in app.subheader] == ["No questions yet"]


def test_without_documents_the_page_says_what_to_do(visit, workspace):
    for source in workspace.sources:
        workspace.remove(source.id)
    app = visit("Experiments")
    whole(app)
    assert any(b.key == "load-sample" for b in app.button)


def sweep_view(visit):
    return visit("Experiments", **{"experiments-view": "Sweep"})


def test_a_sweep_is_counted_measured_and_judged(visit, few):
    app = sweep_view(visit)
    whole(app)
    assert "6 configurations" in markdown(app)
    app.button(key="sweep-start").click().run()
    ended(sweep_jobs.find(folder()))
    app.run()
    whole(app)
    assert len(kept_runs(folder())) >= 6
    assert "All 6 are measured" in [b.label for b in app.button]
    assert any(word in markdown(app) for word in ("Inconclusive", "is the best", "equivalent"))
    for view in ("Surface", "Cost", "Effects", "Questions", "Boundaries", "Table"):
        app.button_group(key="results-view").set_value(view).run()
        whole(app)


def test_a_sweep_that_was_stopped_is_resumed_with_nothing_measured_again(visit, few, monkeypatch):
    from workbench.sweeps import running

    measured, real = [], running.measure

    def slow(task, *rest):
        measured.append(task.pipeline.fingerprint)
        time.sleep(0.2)
        return real(task, *rest)

    monkeypatch.setattr(running, "measure", slow)
    app = sweep_view(visit)
    app.button(key="sweep-start").click().run()
    task = sweep_jobs.find(folder())
    while not kept_runs(folder()) and not task.finished.is_set():
        time.sleep(0.05)
    task.stopped.set()
    ended(task)
    done = {run.fingerprint for run in kept_runs(folder())}
    assert 0 < len(done) < 6
    app.run()
    whole(app)
    before = len(measured)
    app.button(key="sweep-resume").click().run()
    ended(sweep_jobs.find(folder()))
    assert not done & set(measured[before:])
    assert len(kept_runs(folder())) == 6


def test_an_impossible_combination_is_listed_with_its_reason(visit, few):
    app = sweep_view(visit)
    app.multiselect(key="sweep-overlap").set_value(["0%", "100%"]).run()
    whole(app)
    assert any("cannot be" in e.label for e in app.expander)


def test_what_else_is_varied_is_checked(visit, few):
    app = sweep_view(visit)
    app.text_area(key="sweep-more").set_value("retriever.nonsense: [1]").run()
    assert [e.message for e in app.exception] == []
    assert any("nonsense" in e.value.replace("\\", "") for e in app.error)
    app.text_area(key="sweep-more").set_value("k: [3, 5]").run()
    whole(app)
    assert "12 configurations" in markdown(app)


def test_a_damaged_run_is_left_out(visit, few):
    visit("Experiments")
    assert len(kept_runs(folder())) == 1
    run = next((folder() / "runs").glob("*.json"))
    run.write_text("{")
    app = sweep_view(visit)
    whole(app)
    assert kept_runs(folder()) == ()


def test_a_pipeline_that_cannot_be_is_said(visit, few):
    app = visit("Experiments", pipeline=to_mapping(FAST) | {"k": 0})
    assert [e.message for e in app.exception] == []
    assert any("k (0)" in e.value.replace("\\", "") for e in app.error)


def test_a_surface_is_explored_and_judged(visit, few):
    app = visit("Experiments")
    app.segmented_control(key="experiments-view").set_value("Explore").run()
    app.multiselect(key="explore-sizes-tokens").set_value([100, 200, 400]).run()
    app.multiselect(key="explore-overlaps").set_value(["0%", "20%"]).run()
    assert app.button(key="explore-start").label == "Explore 6 configurations"
    app.button(key="explore-start").click().run()
    whole(app)
    task = sweep_jobs.find(folder() / "explore")
    ended(task)
    assert task.results.standing.finished
    app.run()
    whole(app)
    assert "leads with recall@1000tok" in markdown(app)
    assert app.button(key="explore-start").disabled
    assert {run.fingerprint for run in task.results.runs} <= {run.fingerprint for run in kept_runs(folder())}


def test_the_price_of_exploring_is_said_before():
    from workbench.ui.experiments.explore import EFFORTS

    assert EFFORTS["tenth"].price(60).startswith("Reads about 10 % of what embedding all 60 would")
    assert "100 %" in EFFORTS["tenth"].price(5)
    assert "25 %" in EFFORTS["quarter"].price(60)
    assert "as many of the 60 as it takes" in EFFORTS["best"].price(60)
    assert "%" not in EFFORTS["told"].price(60)


def small(chunk_size: int = 100, kind: str = "bm25"):
    """A pipeline whose chunks part answers from what they are about."""
    splitter = {"kind": "recursive", "chunk_size": chunk_size, "chunk_overlap": 0, "unit": "tokens"}
    splitter["tokenizer"] = "wordllama-256"
    return to_mapping(FAST) | {"splitter": splitter, "retriever": {"kind": kind}}


def test_a_finding_becomes_the_current_configuration(visit, workspace):
    """On the sample many `neighbour` questions are severed at 100 tokens; the finding's button tries a larger size."""
    app = measured(visit("Experiments", pipeline=small()))
    whole(app)
    assert "severed from its context" in markdown(app)
    run = kept_runs(folder())[0]
    severed = run.anatomy["causes"]["severed"]["questions"]
    corpus, _ = workspace.corpus()
    neighbour = {q.id for q in workspace.golden.read(corpus).questions if "neighbour" in q.tags}
    assert len(neighbour & set(severed)) >= 3
    step = app.button(key="next-severed")
    assert step.label == "Try 400 tokens"
    step.click().run()
    whole(app)
    assert app.session_state["pipeline"]["splitter"]["chunk_size"] == 400
    assert app.session_state["pipeline"]["splitter"]["chunk_overlap"] == 0


def test_a_finding_opens_the_planned_sweep(visit, few):
    app = measured(visit("Experiments", pipeline=small(300, "hybrid")))
    whole(app)
    sweeps = [b for b in app.button if b.label == "Sweep retrievers"]
    if not sweeps:  # nothing is lost to the ranking there: begin where something is
        app = measured(visit("Experiments", pipeline=small(40, "hybrid")))
        sweeps = [b for b in app.button if b.label == "Sweep retrievers"]
    sweeps[0].click().run()
    whole(app)
    assert app.multiselect(key="sweep-retriever").value == ["bm25", "dense", "hybrid", "mmr"]
    assert "4 configurations" in markdown(app)
