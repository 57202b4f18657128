"""Laws of the tokenizers, and of what is told from them about chunks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.diagnostics import chunk_tokens, unseen
from workbench.documents import Document
from workbench.splitters import Fixed, Recursive
from workbench.tokens import segments, token_offsets, tokenizer

names = pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "wordllama-256", "cl100k_base", "o200k_base"])
word = st.sampled_from(
    ["alpha ", "Überraschung ", "漢字", "\n", "\n\n", "e\u0301 ", "👩‍🔬", "x-1.5%", " ", "\u00a0", "don't "]
)
texts = st.one_of(st.lists(word, max_size=60).map("".join), st.text(max_size=80))


def document(text: str) -> Document:
    return Document(source="s", id=f"d{hash(text)}", name="d.txt", text=text)


@names
@settings(max_examples=100)
@given(text=texts)
def test_offsets_are_in_order_inside_the_text_and_as_many_as_are_counted(name: str, text: str) -> None:
    offsets = tokenizer(name).offsets(text)
    assert len(offsets) == tokenizer(name).counts([text])[0]
    assert ((offsets[:, 0] <= offsets[:, 1]) & (offsets[:, 0] >= 0) & (offsets[:, 1] <= len(text))).all()
    assert (offsets[1:, 0] >= offsets[:-1, 0]).all()


@names
def test_a_long_text_has_the_tokens_of_its_parts(name: str) -> None:
    text = "The valve E-4417 must be closed.\nThen open it again, slowly. " * 4000
    whole = tokenizer(name)._rules
    direct = (
        whole.encode_ordinary(text)
        if hasattr(whole, "encode_ordinary")
        else whole.encode(text, add_special_tokens=False)
    )
    assert len(tokenizer(name).offsets(text)) == len(direct)


@names
@settings(max_examples=100)
@given(text=texts, size=st.integers(1, 30), header=st.sampled_from(["none", "path"]))
def test_chunks_have_the_tokens_of_their_texts(name: str, text: str, size: int, header: str) -> None:
    for cls in (Recursive, Fixed):
        doc = document(text)
        chunks = cls(chunk_size=size, chunk_overlap=size // 3, unit="characters", header=header)(doc)
        assert chunk_tokens(doc, chunks, name).tolist() == tokenizer(name).counts(chunks.texts(doc)).tolist()


@names
@settings(max_examples=100)
@given(text=texts, limit=st.integers(1, 12))
def test_what_is_seen_is_the_first_tokens(name: str, text: str, limit: int) -> None:
    doc = document(text)
    chunks = Recursive(chunk_size=40, chunk_overlap=10, unit="characters")(doc)
    for chunk, (start, end) in zip(chunks, unseen(doc, chunks, name, limit).tolist(), strict=True):
        tokens = tokenizer(name).offsets(doc[chunk.span])
        assert end == chunk.span.end
        assert start == (chunk.span.start + tokens[limit, 0] if len(tokens) > limit else end)


def test_a_model_without_a_limit_sees_everything() -> None:
    doc = document("word " * 500)
    chunks = Recursive(chunk_size=400)(doc)
    assert (unseen(doc, chunks, "wordllama-256", None)[:, 0] == chunks.spans[:, 1]).all()


def test_offsets_are_kept_and_cannot_be_changed() -> None:
    kept = token_offsets("some words here", "all-MiniLM-L6-v2")
    assert kept is token_offsets("some words here", "all-MiniLM-L6-v2")
    with pytest.raises(ValueError, match="read-only"):
        kept[0, 0] = 5


def test_segments_are_cut_at_seams() -> None:
    import re

    parts = list(segments("one two three four five", 10, re.compile(r"(?<= )(?=\S)")))
    assert parts == ["one two ", "three ", "four five"]
