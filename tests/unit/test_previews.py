"""Previews on a page: there once token states and rows are, and not made before."""

import pytest

from workbench import pipelines
from workbench.documents import Corpus
from workbench.embedders import SentenceTransformer, prepare_preview
from workbench.parsers import parse
from workbench.pipelines import Pipeline
from workbench.splitters import Recursive, chunk_cache
from workbench.store import Store
from workbench.ui import compute, jobs


def test_a_preview_waits_for_rows_and_states(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus((parse("a.txt", b"The pump hums. Close the valve before the seal is changed. " * 4),))
    pipeline, store = Pipeline(splitter=Recursive(20, 0), embedder=SentenceTransformer()), Store(None)
    assert compute.preview(corpus, pipeline, store) is None
    assert isinstance(pipeline.embedder, SentenceTransformer)
    prepare_preview(corpus, pipeline.embedder, store)
    job = jobs.run(compute.states_key(corpus, pipeline), "test", lambda task: True)
    assert job.finished.wait(20)
    pipelines.collected.cache_clear()
    monkeypatch.setattr(chunk_cache, "MANY_CHARACTERS", 10)
    assert compute.preview(corpus, pipeline, store) is None  # it is large now, and nobody has cut it
    monkeypatch.undo()
    found = compute.preview(corpus, pipeline, store)
    assert found is not None
    assert found.has_vectors
    assert compute.preview(corpus, pipeline, store) is found is compute.preview_seen(corpus, pipeline)
