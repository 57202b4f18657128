"""Chunk health on the Bench: examined when it is opened, each example a click from its place in the source."""

from dataclasses import replace

import pytest
from quick import FAST

from workbench.pipelines import to_mapping
from workbench.splitters import Recursive
from workbench.ui import health
from workbench.workspaces import Workspace

SMALL = replace(FAST, splitter=Recursive(chunk_size=24, chunk_overlap=0, tokenizer="wordllama-256"))
"""Cuts through sentences and tables."""


def whole(app) -> None:
    assert [e.message for e in app.exception] == []
    assert [e.value for e in app.error] == []


def rows(app):
    frame = next(d.value for d in app.dataframe if "Finding" in d.value.columns)
    return {row["Finding"]: row for row in frame.to_dict("records")}


def test_nothing_is_examined_before_it_is_opened(visit, few, monkeypatch):
    asked = []
    monkeypatch.setattr(health, "findings", lambda *given: asked.append(given) or [])
    whole(visit())
    assert asked == []
    whole(visit(health=True))
    assert len(asked) == 1


def test_every_finding_is_counted_with_the_field_to_turn(visit, few):
    app = visit(health=True, pipeline=to_mapping(SMALL))
    whole(app)
    found = rows(app)
    assert {"cut sentences", "tiny chunks", "truncated chunks", "duplicates", "split answers"} <= set(found)
    examined = {f.kind: f for f in health._examined(*_key(few))}
    assert any(f.count for f in examined.values())
    for kind, one in examined.items():
        assert not one.of or found[kind]["Count"] == f"{one.count:,} of {one.of:,}"
    assert found["cut sentences"]["Turn"] == "Splitter"
    assert set(health.FIELDS) >= {f.field for f in examined.values()}


def _key(workspace: Workspace):
    corpus, _ = workspace.corpus()
    return corpus, SMALL.splitter, SMALL.embedder.tokenizer, SMALL.embedder.max_tokens


def test_an_example_that_is_clicked_is_the_document_that_is_shown(visit, few):
    app = visit(health=True, pipeline=to_mapping(SMALL))
    corpus = _key(few)[0]
    finding = next(f for f in health._examined(*_key(few)) if f.examples)
    app.session_state[health.LOOK] = finding.kind
    app.run()
    span = finding.examples[0]
    app.session_state["document"] = next(d.id for d in corpus if d.id != span.document)
    app.button(key="health-example-0").click().run()
    whole(app)
    assert app.session_state["document"] == span.document
    assert app.session_state["reader-goto"]["bench-reader"][:3] == [span.document, span.start, span.end]


@pytest.mark.parametrize("text", [" . ", "The spare impeller lies on shelf nine."])
def test_of_hardly_any_text_it_says_so(visit, workspace, text):
    for source in workspace.sources:
        workspace.remove(source.id)
    workspace.paste(text, "one.txt")
    whole(visit(health=True))


def test_names_and_texts_are_nobodys_markup(visit, workspace):
    for source in workspace.sources:
        workspace.remove(source.id)
    workspace.paste("**Bold** [link](x) " * 3, "*a*.txt")
    app = visit(health=True)
    whole(app)
    labels = [b.label for b in app.button if b.key and b.key.startswith("health-example")]
    assert all("**Bold**" not in label for label in labels)
    assert labels
