"""Law: a chunk's vector pooled from its document's tokens is that of its text alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.test_splitters import (  # the hostile texts on which splitters are tried
    document,
    sizes,
    splitter,
    texts,
    units,
)

from workbench.documents import Chunks, Document
from workbench.embedders import Static
from workbench.embedders.static import document_tokens, token_runs
from workbench.spans import ranges
from workbench.splitters import SPLITTERS
from workbench.tokens import inside_word, tokenizer, word_tokens
from workbench.vectors import gathered

TOKENIZERS = ("wordllama-256", "all-MiniLM-L6-v2")
kinds = pytest.mark.parametrize("kind", SPLITTERS)
words = "ab cd. 漢字 👩\u200d🔬 é \u2581 \u2581x x\u2581 I'll 3.14 <s> [CLS] </s".split(" ")
blanks = [" ", "  ", "\n", "\n\n", "\r\n", "\t", " \n", "\n ", "\x0c", "\x85", "\u00a0", "\u200d", "\ufeff"]
odd = st.lists(st.sampled_from([*words, *blanks, "e\u0301", "\ud800"]), max_size=40).map("".join)
headers = st.sampled_from(["", "Title", "a > b", "漢 ", "\u2581", "<s>"])


def assert_pooled(doc: Document, chunks: Chunks) -> None:
    static = Static()
    alone = static.encode_document(chunks.texts(doc))
    np.testing.assert_allclose(static.encode_spans(doc, chunks), alone, atol=1e-5)


@kinds
@settings(max_examples=40)
@given(text=texts, size=sizes, unit=units, headed=st.booleans())
def test_every_splitter(kind: str, text: str, size: tuple[int, int], unit: tuple[str, str], headed: bool) -> None:
    cut = splitter(kind, size, unit)
    doc = document(text)
    if headed:
        cut = type(cut)(chunk_size=size[0], chunk_overlap=size[1], unit=unit[0], tokenizer=unit[1], header="path")
    assert_pooled(doc, cut(doc))


@settings(max_examples=300)
@given(
    text=st.one_of(odd, texts), data=st.data(), header=st.sampled_from(["", "Title", "a > b", "漢 ", "\u2581", "<s>"])
)
@pytest.mark.parametrize("name", TOKENIZERS)
def test_any_span_of_any_text_has_the_tokens_of_its_text_alone(
    name: str, text: str, data: st.DataObject, header: str
) -> None:
    doc = document(text)
    pairs = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted).filter(lambda p: p[0] < p[1])
    spans = data.draw(st.lists(pairs, max_size=8)) if text else []
    chunks = Chunks(doc.id, ranges(spans), (header,) * len(spans) if header else ())
    runs = token_runs(doc, chunks, name)
    if runs is None:
        assert "\ud800" in text or (name == TOKENIZERS[0] and ("<s>" in text or "</s>" in text or "<unk>" in text))
        return
    alone = tokenizer(name).encoded(chunks.texts(doc))
    for bounds, (ids, _) in zip(runs.bounds, alone, strict=True):
        assert runs.ids[gathered(bounds)].tolist() == ids.tolist()


@pytest.mark.parametrize("name", TOKENIZERS)
def test_long_texts_are_tokenised_in_parts_as_in_one(name: str) -> None:
    from benchmarks.texts import prose

    text = prose(60_000)
    tokens = document_tokens(text, name)
    ((ids, _),) = tokenizer(name).encoded([text])
    assert tokens is not None
    assert tokens.ids.tolist() == ids.tolist()
    assert (np.diff(tokens.starts) >= 0).all()


@settings(max_examples=200)
@given(text=st.one_of(odd, texts), data=st.data())
def test_words_add_up_to_the_tokens_of_any_span_that_tears_none(text: str, data: st.DataObject) -> None:
    text = text.replace("\ud800", "x")  # no tokenizer takes it
    words = word_tokens(text, "all-MiniLM-L6-v2")
    assert words is not None
    assert word_tokens(text, "wordllama-256") is None
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    (count,), (torn,) = words.counts(np.array([start]), np.array([end]))
    assert torn == (inside_word(text, start) or inside_word(text, end))
    if not torn:
        assert count == tokenizer("all-MiniLM-L6-v2").counts([text[start:end]])[0]
