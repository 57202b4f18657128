"""What a report is made of, once for every form that it is written in: sections of a few kinds of blocks."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of plain text; `strong` where it is what a reader must not miss."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """A list of plain lines."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain texts under a head. `numbers` are columns that stand flush right, `marked` a row to see first."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    marked: int | None = None

    @classmethod
    def of(cls, head: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[int] = ()) -> "Table":
        """A table of whatever values, as texts."""
        return cls(tuple(head), tuple(tuple(str(v) for v in row) for row in rows), frozenset(numbers))


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as inline SVG, whose every text is escaped already, with a caption; `data` says the same in words."""

    svg: str
    caption: str
    data: Table


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of a document and what is known of it: gold, hit, unseen; or an edge, "begins" or "ends", without text."""

    text: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """Text of a document under a line that says where it stands."""

    where: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Text that is typed or read as it stands."""

    text: str


Block = Text | Points | Table | Figure | Passage | Code


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it; `level` 2 for a part of a report, 3 within one."""

    title: str
    blocks: tuple[Block, ...]
    level: int = 2


@dataclass(frozen=True, slots=True)
class Report:
    """A report: a title, a line under it, and its sections."""

    title: str
    about: str
    sections: tuple[Section, ...]
