"""Recursive splitting: the first cut of a text and a new size for one that is known, beside LangChain's."""

from collections.abc import Callable, Iterator
from functools import cache

from benchmarks.forgetting import forget
from benchmarks.tables import Table, ms, ratio, size
from benchmarks.texts import document
from benchmarks.timing import interleaved
from workbench import models
from workbench.documents import Chunks, Document
from workbench.splitters import Recursive
from workbench.tokens import tokenizer

SIZES = (120_000, 700_000, 5_000_000)
MEASURES = ("characters", models.DEFAULT, "cl100k_base")
NOTE = (
    "Ours gives spans, LangChain strings; both are compared in every round, at another chunk_size each. Cold: nothing "
    "of the text is known; warm: its pieces are measured, the size is new. LangChain keeps nothing. Ratios are of CPU. "
    "Wanted at 700 KB: in tokens warm 300 ×, cold 3 ×; in characters warm 10 ×, cold 1 ×."
)


def tables(tiny: bool) -> Iterator[Table]:
    """One table: a row per size and unit."""
    rows = []
    for characters in (4_000,) if tiny else SIZES:
        for measure in MEASURES:
            rows.append(_row(document(characters), measure, rounds=2 if tiny or characters > 1_000_000 else 5))
    columns = ("text, unit", "chunks", "cold", "CPU", "warm", "CPU", "LangChain", "CPU", "cold by", "warm by", "equal")
    yield Table("Cutting: recursive, overlap a tenth, ours beside langchain-text-splitters", columns, rows, NOTE)


def _row(text: Document, measure: str, rounds: int) -> list[str]:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    length, unit = _length(measure), "characters" if measure == "characters" else "tokens"
    found: dict[str, Chunks] = {}
    strings: list[list[str]] = [[]]
    counts, equal = [], []

    def ours(turn: int) -> None:
        splitter = Recursive(*_sizes(turn, unit), unit, "all-MiniLM-L6-v2" if unit == "characters" else measure)
        found["ours"] = splitter(text)

    def cold(turn: int) -> None:
        ours(turn)

    def theirs(turn: int) -> None:
        chunk_size, overlap = _sizes(turn, unit)
        splitter = RecursiveCharacterTextSplitter(chunk_size=chunk_size, chunk_overlap=overlap, length_function=length)
        strings[0] = splitter.split_text(text.text)

    def between(turn: int) -> None:  # not reported: checks, and makes the next cold round cold
        equal.append(found["ours"].texts(text) == strings[0])
        counts.append(len(found["ours"]))
        forget()

    tokenizer(models.DEFAULT if unit == "characters" else measure)
    forget()
    actions: dict[str, Callable[[int], None]] = {
        "cold": cold, "settle": lambda turn: ours(turn + 1), "warm": ours, "LangChain": theirs, "check": between,
    }  # fmt: skip
    times = interleaved(rounds, actions)
    first, again, them = times["cold"], times["warm"], times["LangChain"]
    return [
        f"{size(len(text.text))}, {measure}",
        f"{min(counts):,}–{max(counts):,}",
        *(ms(value) for each in (first, again, them) for value in (each.wall, each.cpu)),
        ratio(them.cpu, first.cpu),
        ratio(them.cpu, again.cpu),
        "yes" if all(equal) else "NO",
    ]


def _sizes(turn: int, unit: str) -> tuple[int, int]:
    chunk_size = (200, 120, 330, 90, 256)[turn % 5] * (4 if unit == "characters" else 1)
    return chunk_size, chunk_size // 10


@cache
def _length(measure: str) -> Callable[[str], int]:
    """The length function that a LangChain user writes: the library called directly, nothing of ours around it."""
    if measure == "characters":
        return len
    if measure in ("cl100k_base", "o200k_base"):
        import bpe_openai

        encoding = bpe_openai.get_encoding(measure)
        return lambda text: len(encoding.encode_ordinary(text))
    from tokenizers import Tokenizer

    rules = Tokenizer.from_file(str(models.find(measure).tokenizer))
    rules.no_truncation()
    rules.no_padding()
    return lambda text: len(rules.encode(text, add_special_tokens=False))
