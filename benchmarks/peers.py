"""Recursive chunking beside other libraries, by size of text, in characters and in a model's tokens."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks.forgetting import forget
from benchmarks.tables import Table, ms, size
from benchmarks.texts import document
from benchmarks.timing import Times
from workbench import models
from workbench.documents import Document
from workbench.splitters import Recursive
from workbench.tokens import tokenizer

SIZES = (50_000, 700_000, 7_000_000, 70_000_000)
BUDGET = 12.0
"""Seconds of CPU that a cell may take, by the next smaller size; what would take longer is left out."""
NOTE = (
    "CPU, medians of interleaved rounds (5, 3, 1, 1 by size), no overlap; chunks of 800 characters, or of 200 tokens "
    f"of {models.DEFAULT}. Ours as spans; cold: nothing of the text is known, warm: a new size on a known text. The "
    "others give strings and keep nothing. They cut by rules of their own, except LangChain, whose chunks ours are; "
    f"chonkie estimates lengths before it counts them. Left out (–): more than {BUDGET:.0f} s by the size before."
)

Chunker = Callable[[str], int]


def tables(tiny: bool) -> Iterator[Table]:
    """One table for each unit: a row per library."""
    sizes = (2_000, 4_000) if tiny else SIZES
    for unit in ("characters", "tokens"):
        rows = _cells(unit, sizes, tiny)
        columns = ("", *(size(n) for n in sizes), "chunks of the first")
        yield Table(f"Chunking beside peers, in {unit}", columns, rows, NOTE)


def _cells(unit: str, sizes: tuple[int, ...], tiny: bool) -> list[list[str]]:
    peers = _peers(unit)
    names = ["ours, cold", "ours, warm", *peers]
    rows: dict[str, list[str]] = {name: [name] for name in names}
    last: dict[str, float] = dict.fromkeys(names, 0.0)
    counts: dict[str, int] = {}
    tokenizer(models.DEFAULT)
    for step, n in enumerate(sizes):
        text = document(n)
        grown = n / sizes[max(step - 1, 0)]
        going = [name for name in names if last[name] * grown <= BUDGET]
        times = {name: Times() for name in going}
        for turn in range(1 if tiny else (5, 3, 1, 1)[step]):
            for name in going:
                if name == "ours, cold":
                    forget()
                size_of = 200 if name != "ours, warm" else 180 + turn
                call = partial(_ours, text, unit, size_of) if name in names[:2] else partial(peers[name], text.text)
                counts.setdefault(name, times[name].measure(call))
        for name in names:
            last[name] = times[name].cpu if name in going else float("inf")
            rows[name].append(ms(last[name]) if name in going else "–")
    return [[*rows[name], f"{counts[name]:,}"] for name in names]


def _ours(text: Document, unit: str, chunk_size: int) -> int:
    return len(Recursive(chunk_size if unit == "tokens" else 4 * chunk_size, 0, unit)(text))


def _peers(unit: str) -> dict[str, Chunker]:
    """Library → how many chunks it makes of a text; as their documentation shows, with the same tokenizer."""
    from importlib.metadata import version

    import semchunk
    from chonkie import RecursiveChunker
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from semantic_text_splitter import TextSplitter
    from tokenizers import Tokenizer

    rules: Any = Tokenizer.from_file(str(models.find(models.DEFAULT).tokenizer))
    rules.no_truncation()
    rules.no_padding()

    def tokens(text: str) -> int:
        return len(rules.encode(text, add_special_tokens=False))

    if unit == "characters":
        langchain = RecursiveCharacterTextSplitter(chunk_size=800, chunk_overlap=0)
        chonkie, semantic = RecursiveChunker("character", 800), TextSplitter(800)
        by_meaning = semchunk.chunkerify(len, 800, memoize=False)
    else:
        langchain = RecursiveCharacterTextSplitter(chunk_size=200, chunk_overlap=0, length_function=tokens)
        chonkie = RecursiveChunker(rules, 200)
        semantic = TextSplitter.from_huggingface_tokenizer(rules, 200)
        by_meaning = semchunk.chunkerify(tokens, 200, memoize=False)
    found: dict[str, Chunker] = {
        "langchain-text-splitters": lambda text: len(langchain.split_text(text)),
        "chonkie": lambda text: len(chonkie(text)),
        "semantic-text-splitter": lambda text: len(semantic.chunks(text)),
        "semchunk": lambda text: len(by_meaning(text)),
    }
    return {f"{name} {version(name)}": call for name, call in found.items()}
