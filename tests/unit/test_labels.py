"""What kinds are called on the pages; a kind of another package, without a name here, shows as itself."""

from workbench.pipelines import REGISTRIES
from workbench.ui import forms


def test_a_kind_without_a_label_is_called_by_its_kind(monkeypatch) -> None:
    class Lead:
        kind = "lead"

    class Named(Lead):
        label = "The first chunks"

    monkeypatch.setitem(REGISTRIES["retriever"], "lead", Lead)
    monkeypatch.setitem(REGISTRIES["retriever"], "named", Named)
    assert forms.label("retriever", "lead") == "lead"
    assert forms.labels("retriever")["named"] == "The first chunks"
    assert forms.labels("retriever")["bm25"] == "BM25"
