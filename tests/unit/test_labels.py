"""What kinds are called on the pages; a kind of another package, without a name here, shows as itself."""

from workbench.pipelines import REGISTRIES
from workbench.ui import forms


def test_a_kind_without_a_label_is_called_by_its_kind(monkeypatch) -> None:
    class Lead:
        kind = "lead"

    class Named(Lead):
        kind = "named"
        label = "The first chunks"

    known = {**REGISTRIES["retriever"], "lead": Lead, "named": Named}
    monkeypatch.setattr(forms, "REGISTRIES", {**REGISTRIES, "retriever": known})
    assert forms.label("retriever", "lead") == "Lead"
    assert forms.label("retriever", "gone") == "gone"
    assert forms.labels("retriever")["named"] == "The first chunks"
    assert forms.labels("retriever")["bm25"] == "BM25"
