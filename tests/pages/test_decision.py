"""The page Decision: nothing to decide yet, a choice with its record, hand-over, pack, audit, history, prompts."""

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from quick import FAST

from workbench.evaluations import evaluate, run_of
from workbench.pipelines import Pipeline, from_mapping, to_mapping
from workbench.records import write_run
from workbench.retrievers import BM25
from workbench.splitters import Recursive
from workbench.sweeps import Decision
from workbench.ui.decision import export
from workbench.ui.experiments.evaluation import metrics
from workbench.workspaces.catalogues import catalogue_of, remember
from workbench.workspaces.experiments import experiments_folder

NEAR = Pipeline(splitter=Recursive(chunk_size=100, tokenizer="wordllama-256"), embedder=FAST.embedder, retriever=BM25())


def said(app) -> str:
    every = (*app.error, *app.warning, *app.success, *app.markdown, *app.caption, *app.subheader)
    return " ".join(e.value.replace("\\", "") for e in every)


def whole(app) -> None:
    assert [e.message for e in app.exception] == []
    assert "Something went wrong" not in said(app)


def look(app, view: str):
    app.session_state["decision-view"] = view
    app.run()
    whole(app)
    return app


@pytest.fixture
def measured(few):
    """The small workspace with two runs beside each other."""
    return measure(few)


def measure(workspace):
    corpus, _ = workspace.corpus()
    questions = workspace.golden.read(corpus).questions
    folder = experiments_folder(workspace, corpus, questions)
    for pipeline in (FAST, NEAR):
        found = evaluate(corpus, questions, pipeline, metrics([pipeline]), store=workspace.store)
        (folder / "runs").mkdir(parents=True, exist_ok=True)
        write_run(run_of(found, questions), folder / "runs" / f"{pipeline.fingerprint}.json")
    return workspace


def until(app, words: str, done: Sequence[object] = (), seconds: float = 60.0):
    """The app once it says so or something is `done`: work in the background is looked at by running it again."""
    end = time.monotonic() + seconds
    while words not in said(app) and not done:
        assert time.monotonic() < end, said(app)
        time.sleep(0.3)
        app.run()
        whole(app)
    return app


def test_without_runs_every_view_says_the_next_step(visit, few):
    app = visit("Decision")
    whole(app)
    assert "Nothing is measured yet" in said(app)
    assert "rule of thumb, to be tested" in said(app)
    for view in ("Review report", "History", "RAG, fine-tuning or both", "Prompts"):
        look(app, view)
    look(app, "History")
    assert "No run is recorded yet" in said(app)


def test_a_preset_is_taken_in_hand(visit, few):
    app = visit("Decision")
    app.button(key="preset-narrative").click().run()
    whole(app)
    splitter = app.session_state["pipeline"]["splitter"]
    assert (splitter["unit"], splitter["chunk_size"], splitter["chunk_overlap"]) == ("tokens", 512, 64)


def control(widgets, name: str):
    """The widget that has this name now: its key is the name and spaces for its turn."""
    return next(w for w in widgets if w.key and w.key.strip() == name)


def decide(app, pipeline: Pipeline) -> None:
    """Choose a configuration by hand and record it."""
    look(app, "Choose")
    control(app.selectbox, "decision-pick").select(pipeline.fingerprint).run()
    app.text_input(key="decision-by").set_value("Ana")
    control(app.text_area, "decision-why").set_value("<b>small</b> & *quick*").run()
    app.button(key="decision-keep").click().run()
    whole(app)


def keys(app) -> set[str]:
    return {b.key for b in app.button}


def test_nothing_is_preselected_while_nothing_is_settled(visit, measured):
    app = visit("Decision")
    whole(app)
    assert control(app.selectbox, "decision-pick").value is None
    assert "decision-keep" not in keys(app)
    assert "No configuration is chosen" in said(app)
    assert "questions do not settle" in said(app)
    assert app.button(key="first-step-go").label == "Add questions"
    look(app, "Review report")
    assert "Nothing is chosen yet" in said(app)
    assert "pack-build" not in keys(app)
    look(app, "Prompts")
    assert "which leads; nothing is chosen yet" in said(app)


def test_the_cost_follows_the_measure_until_one_is_chosen_by_hand(visit, measured):
    app = visit("Decision")
    cost = lambda: control(app.selectbox, "judged-cost")  # noqa: E731
    assert cost().value == "bytes"
    assert "tokens" not in str(cost().options)  # every configuration hands over 1,000
    app.selectbox(key="judged-by").select("recall@5").run()
    assert (cost().value, cost().options[0]) == ("tokens", "tokens in 5 hits")
    app.selectbox(key="judged-by").select("recall@1000tok").run()
    assert cost().value == "bytes"
    cost().select("chunks").run()
    app.selectbox(key="judged-by").select("recall@5").run()
    whole(app)
    assert cost().value == "chunks"


def test_what_is_settled_is_preselected(visit, measured, monkeypatch):
    monkeypatch.setattr(Decision, "settled", property(lambda self: NEAR.fingerprint))
    app = visit("Decision")
    whole(app)
    assert control(app.selectbox, "decision-pick").value == NEAR.fingerprint
    assert "decision-keep" in keys(app)


def test_a_decision_is_recorded_with_its_reason_and_what_was_not_taken(visit, measured):
    app = visit("Decision")
    whole(app)
    control(app.selectbox, "decision-pick").select(NEAR.fingerprint).run()
    app.button(key="decision-keep").click().run()
    assert "ho decided is missing" in said(app)
    assert catalogue_of(measured).decisions() == []
    decide(app, NEAR)
    assert "is missing" not in said(app)
    (record,) = catalogue_of(measured).decisions()
    assert (record.chosen, record.by, record.why) == (NEAR.fingerprint, "Ana", "<b>small</b> & *quick*")
    assert [r.fingerprint for r in record.rejected] == [FAST.fingerprint]
    assert "context" not in record.rejected[0].why  # within equal context nobody pays in tokens
    assert "kind: bm25" in record.pipeline
    assert any("\\<b\\>small\\</b\\> & \\*quick\\*" in m.value for m in app.markdown)  # shown as it is, nobody's markup
    again = visit("Decision")
    assert control(again.selectbox, "decision-pick").value == NEAR.fingerprint  # as decided


def test_export_asks_while_nothing_is_decided(visit, measured):
    app = look(visit("Decision"), "Export")
    assert "Nothing has been decided yet" in said(app)
    assert not keys(app) & {"handover-build", "handover-verify", "export-decided", "embed"}
    app.button(key="export-choose").click().run()
    assert app.session_state["decision-view"] == "Choose"
    look(app, "Export")
    app.button(key="export-current").click().run()
    whole(app)
    assert "Exports **the current configuration**" in said(app)
    assert "handover-build" in keys(app)
    app.button(key="export-ask").click().run()
    assert "Nothing has been decided yet" in said(app)


def test_export_is_of_what_was_decided_and_the_current_configuration_stays(visit, measured, monkeypatch):
    built = []
    monkeypatch.setattr(export, "export", lambda pipeline, *rest, **more: built.append(pipeline) or [])
    app = visit("Decision")
    decide(app, NEAR)
    look(app, "Export")
    assert "not the one that was decided" in said(app)
    assert not keys(app) & {"handover-build", "embed"}
    app.button(key="export-decided").click().run()
    whole(app)
    assert "Exports **what was decided**" in said(app)
    assert app.session_state["pipeline"] == to_mapping(FAST)
    app.button(key="handover-build").click().run()
    until(app, "zip", built)
    assert built == [NEAR]
    app.session_state["pipeline"] = to_mapping(Pipeline(embedder=FAST.embedder, k=3))
    app.run()
    whole(app)
    assert "not the one that was decided" in said(app)  # another pair: asked again
    app.button(key="export-current").click().run()
    assert "Exports **the current configuration**" in said(app)
    app.session_state["pipeline"] = to_mapping(NEAR)
    app.run()
    whole(app)
    assert "Exports **what was decided**" in said(app)  # they are the same: nothing to ask
    assert not keys(app) & {"export-ask", "export-decided"}


def test_a_newer_decision_is_the_one_that_is_exported(visit, measured):
    app = visit("Decision")
    decide(app, NEAR)
    app.button(key="next-export").click().run()
    whole(app)
    assert app.session_state["decision-view"] == "Export"
    assert f"Exports **what was decided**: {NEAR.label}" in said(app)
    assert app.segmented_control(key="handover-target").value == "langchain"
    decide(app, FAST)
    look(app, "Export")
    assert f"Exports **what was decided**: {FAST.label}" in said(app)  # it is the current configuration too
    look(app, "Choose")
    app.button(key="next-pack").click().run()
    whole(app)
    assert "No decision is recorded about it" not in said(app)
    assert app.button(key="pack-build")


def test_a_decision_on_other_documents_or_questions_is_said_to_be_one(visit, measured):
    decide(visit("Decision"), NEAR)
    corpus, _ = measured.corpus()
    measured.keep_golden_set(measured.golden.read(corpus).questions[:5], corpus, "fewer")
    app = look(visit("Decision"), "Export")
    assert "decided by other questions than those here now" in said(app)
    look(app, "Choose")
    assert "Nothing is measured yet" in said(app)
    measured.remove(measured.sources[0].id)
    app = look(visit("Decision"), "Export")
    assert "decided on other documents than those here now" in said(app)
    assert not keys(app) & {"handover-build", "embed"}


def test_a_decision_under_another_parser_is_still_on_these_documents(visit, few):
    few.add("umlaut.txt", "Größe und Gewicht".encode())
    measured = measure(few)
    decide(visit("Decision"), NEAR)
    by_another = {**to_mapping(FAST), "parser": {"kind": "auto", "encoding": "latin-1"}}
    current = from_mapping(by_another).parser
    assert measured.corpus(current)[0].id != measured.corpus()[0].id  # another parser's texts are other documents
    app = look(visit("Decision", pipeline=by_another), "Export")
    assert "not the one that was decided" in said(app)
    assert "other documents" not in said(app)
    assert "parser.encoding" in str(app.table[0].value.to_dict())


def test_a_decision_whose_file_cannot_be_read_here_is_not_replaced_in_silence(visit, measured):
    app = visit("Decision")
    decide(app, NEAR)
    catalogue = catalogue_of(measured)
    (record,) = catalogue.decisions()
    catalogue.decide(replace(record, id=0, at="", pipeline=record.pipeline.replace("kind: bm25", "kind: gone")))
    app = look(visit("Decision", pipeline=to_mapping(NEAR)), "Export")
    assert "cannot be built here" in said(app)
    assert "gone" in said(app)
    assert not keys(app) & {"handover-build", "export-decided"}
    assert "export-current" in keys(app)


def test_a_reader_is_asked_too_and_can_decide_nothing(visit, measured, monkeypatch):
    monkeypatch.setattr(type(measured), "writable", property(lambda self: False))
    app = visit("Decision")
    whole(app)
    assert "only reads the workspace" in said(app)
    control(app.selectbox, "decision-pick").select(NEAR.fingerprint).run()
    assert "decision-keep" not in keys(app)
    look(app, "Export")
    assert "Nothing has been decided yet" in said(app)
    app.button(key="export-current").click().run()
    whole(app)
    assert "handover-build" in keys(app)


def test_an_export_is_built_and_verified(visit, measured):
    app = look(visit("Decision", pipeline=to_mapping(NEAR)), "Export")
    app.button(key="export-current").click().run()
    app.session_state["handover-target"] = "python"
    app.run()
    whole(app)
    app.button(key="handover-build").click().run()
    app.button(key="handover-verify").click().run()
    until(app, "Verified: reproduces")
    assert any("python.zip" in d.label for d in app.get("download_button"))


def test_what_a_target_cannot_do_is_said_before_it_is_built(visit, measured):
    app = look(visit("Decision", pipeline=to_mapping(NEAR)), "Export")
    app.button(key="export-current").click().run()
    app.session_state["handover-target"] = "bundle"
    app.run()
    whole(app)
    assert "choose another target" in said(app)
    assert not [b for b in app.button if b.key == "handover-build"]


def test_the_pack_is_built_and_shown(visit, measured):
    app = visit("Decision")
    control(app.selectbox, "decision-pick").select(NEAR.fingerprint).run()
    look(app, "Review report")
    app.button(key="pack-build").click().run()
    end = time.monotonic() + 60
    while not app.get("iframe"):
        assert time.monotonic() < end, said(app)
        time.sleep(0.3)
        app.run()
        whole(app)
    assert {d.label for d in app.get("download_button")} >= {"pack.html", "pack.md", "rows.csv"}
    assert "No decision is recorded about it" in said(app)


def test_the_audit_says_what_would_turn_it(visit, measured):
    app = look(visit("Decision"), "RAG, fine-tuning or both")
    assert "RAG: " in said(app)
    assert "8 of 8 answers are assumed" in said(app)
    assert "are no such examples" in said(app)
    assert app.selectbox(key="audit-examples").value is None  # however many questions the golden set has
    app.selectbox(key="audit-documents").select("general").run()
    assert "contradict" not in said(app)  # an assumption contradicts nobody
    assert "neither: the prompt does it" in said(app).lower()
    app.selectbox(key="audit-documents").select("own")
    app.selectbox(key="audit-behaviour").select("some").run()
    assert "RAG for consistent style" in said(app)
    for name, answer in (
        ("documents", "general"),
        ("behaviour", "much"),
        ("change", "never"),
        ("examples", "thousands"),
    ):
        app.selectbox(key=f"audit-{name}").select(answer)
    app.run()
    whole(app)
    assert "Fine-tuning: " in said(app)
    assert "4 of 8 answers are assumed" in said(app)
    assert "The two answers that carry it" in said(app)
    assert "contradict" not in said(app)
    app.selectbox(key="audit-citations").select("must").run()
    assert "What is to be cited, if not documents of your own?" in said(app)
    app.selectbox(key="audit-citations").select("no").run()
    for detail in ("Rules", "Twelve months' cost", "Two weeks' proof", "Training data", "By evidence", "Compared"):
        app.session_state["audit-detail"] = detail
        app.run()
        whole(app)


def test_the_history_finds_tags_and_restores(visit, measured):
    app = look(visit("Decision"), "History")
    catalogue = catalogue_of(measured)
    assert {e.label for e in catalogue.runs()} == {FAST.label, NEAR.label}
    assert len(app.dataframe[0].value) == 2
    app.text_input(key="history-find").set_value("bm25").run()
    whole(app)
    assert len(app.dataframe[0].value) == 1
    app.text_input(key="history-find").set_value("nothing").run()
    assert "No run is like this" in said(app)


def test_the_history_filters_by_no_mean_of_an_earlier_revision(visit, measured):
    corpus, _ = measured.corpus()
    questions = measured.golden.read(corpus).questions
    old = replace(run_of(evaluate(corpus, questions, NEAR, metrics([NEAR])), questions), measures=1, label="old one")
    catalogue_of(measured).record(old)
    app = look(visit("Decision"), "History")
    assert "old one" in set(app.dataframe[0].value["Configuration"])
    app.number_input(key="history-least").set_value(0.05).run()
    whole(app)
    assert "old one" not in set(app.dataframe[0].value["Configuration"])


def test_ten_prompts_hold_the_figures(visit, measured):
    app = look(visit("Decision"), "Prompts")
    radio = app.radio(key="prompt")
    assert len(radio.options) == 10
    assert "recall@1000tok = " in app.code[-1].value
    radio.set_value("blueprint").run()
    whole(app)
    assert "The audit has not been answered yet" in app.code[-1].value
    look(app, "RAG, fine-tuning or both")
    app.selectbox(key="audit-documents").select("own").run()
    look(app, "Prompts")
    assert "Result by the stated rules" in app.code[-1].value
    assert "Yes, only from them\n" in app.code[-1].value
    assert "(assumed)" in app.code[-1].value


def test_a_catalogue_that_cannot_be_used_costs_no_run(visit, measured, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", "postgresql+psycopg://u:secret@/x?host=/nowhere")
    corpus, _ = measured.corpus()
    assert remember(measured, [], corpus, measured.golden.read(corpus).questions) is False
    app = visit("Decision")
    whole(app)
    assert "cannot be used" in said(app)
    assert "secret" not in said(app)
    assert not [b for b in app.button if b.key == "decision-keep"]
    look(app, "History")
    look(app, "Export")  # goes on without it
    app.button(key="export-current").click().run()
    assert "handover-build" in keys(app)


def test_a_learning_curve_is_measured_only_when_it_is_asked_for(visit, measured):
    app = look(visit("Decision"), "Export")
    app.button(key="export-current").click().run()  # embeds
    look(app, "RAG, fine-tuning or both")
    app.session_state["audit-detail"] = "By evidence"
    app.run()
    whole(app)
    app.button(key="adapter-measure").click().run()
    until(app, "example")
    whole(app)
