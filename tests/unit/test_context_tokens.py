"""Tokens of hits, counted from their documents' tokens, are those of the hits' texts alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.documents import Corpus, Document
from workbench.evaluations.retrieval import CONTEXT_TOKENIZER, Tokens, _tokenised
from workbench.parsers import paste
from workbench.pipelines import collection
from workbench.records import Hit
from workbench.spans import Span
from workbench.splitters import Fixed
from workbench.tokens import tokenizer

PARTS = ["foo", "it's", " ", "  ", "\n", " \n ", "12", "1234", ", ", ".", "é", "e\u0301", "日本", "🙂", "'", "S", "//"]
TEXTS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=40).map("".join)


@given(TEXTS, st.data())
def test_counts_are_those_of_the_text_alone(text: str, data: st.DataObject) -> None:
    a, b = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    rules = tokenizer(CONTEXT_TOKENIZER)
    whole = _tokenised(Document(source=text, id=text, name="a.txt", text=text))
    assert whole.counts(text, np.array([[a, b]])).tolist() == rules.counts([text[a:b]]).tolist()
    offsets = rules.offsets(text[a:b])
    for n in range(len(offsets)):
        if end := whole.end(text, Span("d", a, b), n):
            assert end == a + offsets[n, 0]


def test_a_document_is_tokenised_whole_once_its_hits_cost_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.evaluations import retrieval

    text = "one two three four five. " * 40
    corpus = Corpus((paste(text, "a.txt"),))
    seen: list[str] = []
    real = retrieval._tokenised
    monkeypatch.setattr(retrieval, "_tokenised", lambda document: seen.append(document.text) or real(document))
    tokens = Tokens(collection(corpus, Fixed(chunk_size=100, chunk_overlap=0, unit="characters")))
    id = corpus.documents[0].id
    hits = [Hit(Span(id, a, a + 300), 1.0, 1, 0) for a in (0, 10, 20, 30, 40)]
    for hit in hits:
        assert tokens.of(hit) == tokenizer(CONTEXT_TOKENIZER).counts([corpus[hit.span]])[0]
    assert len(seen) == 2
