"""What a configuration says otherwise than its defaults, in words; each field once, with the value that undoes it."""

import pytest

from workbench.embedders import Static
from workbench.errors import WorkbenchError
from workbench.pipelines import REGISTRIES, Pipeline, from_mapping, to_mapping
from workbench.retrievers import BM25, RETRIEVERS, Hybrid
from workbench.specs import from_dict, to_dict
from workbench.splitters import SPLITTERS, Recursive
from workbench.ui.forms import Difference, differences

KINDS = [("splitter", kind) for kind in SPLITTERS] + [("retriever", kind) for kind in RETRIEVERS]


def said(pipeline: Pipeline, part: str) -> list[str]:
    return [d.words for d in differences(to_mapping(pipeline), part)]


@pytest.mark.parametrize("part, kind", KINDS)
def test_a_default_differs_in_nothing(part, kind):
    assert said(Pipeline(**{part: from_dict(REGISTRIES[part], {"kind": kind}, part)}), part) == []


def test_what_differs_is_said_in_the_order_of_the_fields():
    pipeline = Pipeline(
        splitter=Recursive(chunk_size=90, separators=("\n", " ")), retriever=BM25(k1=0.9, stemmer="german", merge=True)
    )
    assert said(pipeline, "splitter") == ["chunk size 90", "separators changed"]
    assert said(pipeline, "retriever") == ["k1 0.9", "stemmer german", "merge on"]


def test_the_tokenizer_differs_only_where_it_is_not_the_models_and_counts():
    model = "wordllama-256"
    assert said(Pipeline(splitter=Recursive(tokenizer=model), embedder=Static()), "splitter") == []
    assert said(Pipeline(embedder=Static()), "splitter") == ["tokenizer all-MiniLM-L6-v2"]
    assert said(Pipeline(splitter=Recursive(unit="characters"), embedder=Static()), "splitter") == ["unit characters"]
    (found,) = differences(to_mapping(Pipeline(embedder=Static())), "splitter")
    assert found == Difference("tokenizer", "tokenizer all-MiniLM-L6-v2", model)


@pytest.mark.parametrize("value", ["", " ", "a\nb", "x" * 100])
def test_a_text_that_cannot_be_read_at_a_glance_is_changed(value):
    mapping = to_mapping(Pipeline(retriever=Hybrid()))
    mapping["retriever"]["stemmer"] = value
    assert [d.words for d in differences(mapping, "retriever")] == ["stemmer changed"]


@pytest.mark.parametrize("part, kind", KINDS)
def test_each_undo_takes_back_its_own_difference_only(part, kind):
    mapping = to_mapping(Pipeline(**{part: from_dict(REGISTRIES[part], {"kind": kind}, part)}))
    for name, value in to_dict(from_dict(REGISTRIES[part], {"kind": kind}, part)).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        try:
            other = from_mapping({**mapping, part: {**mapping[part], name: value + type(value)(1)}})
        except WorkbenchError:
            continue
        (found,) = differences(to_mapping(other), part)
        assert found.field == name
        again = to_mapping(other)
        again[part][name] = found.usual
        assert again == mapping
