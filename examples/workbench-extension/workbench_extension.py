"""An example of an extension: transcripts cut by speaker, phrases first, subtitles read, and a measure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from workbench.documents import Document
from workbench.metrics import Judgement
from workbench.parsers import Engine, Format, Parser, Writer
from workbench.retrievers import BM25, Collection, Mask, Ranking, best
from workbench.spans import Ranges
from workbench.specs import option
from workbench.splitters import Cut, Splitter, tree


@dataclass(frozen=True, slots=True)
class Speeches(Splitter):
    """Cuts a transcript where another speaker begins, then at lines and words; neighbours are merged up to the size."""

    kind: ClassVar[str] = "speeches"
    label: ClassVar[str] = "Speeches: a chunk keeps to its speaker"
    revision: ClassVar[int] = 1  # raise it with every change after which the same fields may give other chunks

    longest_name: int = option(40, "Longest name before a colon that counts as a speaker.", low=1, high=200)

    def spans(self, document: Document) -> Ranges:
        speaker = rf"\n(?=[A-Z][^\n:]{{0,{self.longest_name - 1}}}: )"
        rules = tuple(Cut(pattern) for pattern in (speaker, r"\n", " ", ""))
        return tree(document.text, rules, self.measure).chunks(self.chunk_size, self.chunk_overlap)


@dataclass(frozen=True, slots=True)
class Phrase(BM25):
    """BM25, with chunks first that hold the query word for word."""

    kind: ClassVar[str] = "phrase"
    label: ClassVar[str] = "BM25, phrases first"

    bonus: float = option(10.0, "Added to the score of a chunk that holds the query word for word.", low=0, high=100)
    depth: int = option(100, "Candidates of BM25, at least k.", low=1, high=1000, advanced=True)

    def rank(self, collection: Collection, query: str, k: int, mask: Mask | None) -> Ranking:
        rows, scores = BM25.rank(self, collection, query, max(self.depth, k), mask)
        wanted = query.casefold().strip()
        held = [bool(wanted) and wanted in collection.text(row).casefold() for row in rows.tolist()]
        return best(rows, scores + self.bonus * np.array(held, float), k)


def read_subtitles(data: bytes, writer: Writer) -> None:
    """Write the spoken lines of an .srt file; numbers and times are left out."""
    for cue in re.split(r"\r?\n\s*\r?\n", data.decode("utf-8-sig", "replace")):
        lines = [line.strip() for line in cue.splitlines() if line.strip()]
        spoken = [line for line in lines if "-->" not in line and not line.isdigit()]
        if spoken:
            writer.write("\n".join(spoken))
            writer.separate(1)


@dataclass(frozen=True, slots=True)
class Subtitles(Parser):
    """Subtitles (.srt) as their spoken lines; other files as `auto` reads them."""

    kind: ClassVar[str] = "subtitles"
    label: ClassVar[str] = "Subtitles"
    formats: ClassVar[Mapping[str, Format]] = {"srt": Format("subtitles", "application/x-subrip", ("srt",), text=True)}

    def engine(self, format: str) -> Engine:
        if format in self.formats:
            return Engine("subtitles", 1, read_subtitles)  # raise the 1 when its text changes
        return Parser.engine(self, format)


def first_share(of: Judgement) -> float:
    """Share of the passages' characters that the first hit alone holds."""
    return float(of.found[:1].sum() / of.gold)
