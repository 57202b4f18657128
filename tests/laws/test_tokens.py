"""Laws of the tokenizers, and of what is told from them about chunks."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.diagnostics import chunk_tokens, unseen
from workbench.documents import Document, Section
from workbench.spans import Span
from workbench.splitters import Fixed, Recursive
from workbench.tokens import _SEAM, _SPACE, BPE_ENCODINGS, segments, token_offsets, tokenizer

names = pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "wordllama-256", "cl100k_base", "o200k_base"])
word = st.sampled_from(
    [
        "alpha ",
        "Überraschung ",
        "漢字",
        "gastro",
        "\x0c",
        "\x1c",
        "\x85",
        "\n",
        "\n\n",
        "e\u0301 ",
        "👩‍🔬",
        "x-1.5%",
        " ",
        "\u00a0",
        "don't ",
    ]
)
seams = st.sampled_from(
    [
        *"a Bc é e\u0301 1 234 's _ - ; // / { 、 。 漢 ² 👩‍🔬 \u0600".split(" "),
        " ",
        "  ",
        *"\n\t\u00a0\u2028\x0b\x0c\x1c\x85",
        "\r\n",
    ]
)
texts = st.one_of(st.lists(word, max_size=60).map("".join), st.text(max_size=80))


def document(text: str) -> Document:
    """The text with its first character as a heading, so that headers are not empty."""
    id = f"d{hash(text)}"
    headings = (Section("heading", 1, Span(id, 0, 1), "Über uns"),) if text else ()
    return Document(source="s", id=id, name="d.txt", text=text, sections=headings)


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


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "cl100k_base", "o200k_base"])
@settings(max_examples=400)
@given(text=st.lists(seams, max_size=30).map("".join))
@example(text="x = 1;\n// note")
@example(text="the gastro\x0cnomy of things")
def test_no_token_reaches_over_a_seam(name: str, text: str) -> None:
    rules = tokenizer(name)._rules
    seam, encode = (_SEAM, rules.encode_ordinary) if name in BPE_ENCODINGS else (_SPACE, lambda t: _pieces(rules, t))
    ends = [*(m.start() for m in seam.finditer(text)), len(text)]
    parts = [text[a:b] for a, b in pairwise([0, *ends])]
    assert [token for part in parts for token in encode(part)] == encode(text)


def _pieces(rules, text: str) -> list[int]:
    return rules.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("name", BPE_ENCODINGS)
@pytest.mark.parametrize("line", ["7,12,340\n", "漢字かな、交じり。", "𒀀", "x = 1;\n// note\n", "😀\n", "- "])
def test_a_long_text_is_never_refused_and_counts_as_its_lines(name: str, line: str) -> None:
    times = 420_000 // len(line.encode())
    alone, found = int(tokenizer(name).counts([line * 40])[0]), tokenizer(name).offsets(line * times)
    assert found[-1].tolist()[1] == len(line) * times
    assert len(found) == pytest.approx(alone * times / 40, rel=0.03)  # the encoder alone refuses 200,000 tokens


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

    seam = re.compile(r"(?<= )(?=\S)")
    assert list(segments("one two three four five", 10, seam)) == ["one two ", "three ", "four five"]
    assert list(segments("one twothreefour five", 10, seam)) == ["one ", "twothreefo", "ur five"]
