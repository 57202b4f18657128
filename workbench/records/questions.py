"""Questions with their gold passages, and hits: plain values that every layer may pass on."""

from dataclasses import dataclass

from workbench.spans import Span


@dataclass(frozen=True, slots=True)
class Reference:
    """A gold passage: its place, and its text, by which it is found again when a document is parsed again."""

    span: Span
    quote: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A gold passage without a place: its quote is not in its document now, or in several places.

    `document` is its label, `source` the file's sha256 where it is known, `reason` a line for people. `kind` is "lost",
    "ambiguous" (several places fit as well) or "gone" (the corpus does not hold the document). `start` and `end` are
    its former offsets, if known.
    """

    document: str
    quote: str
    reason: str
    source: str = ""
    kind: str = "lost"
    start: int | None = None
    end: int | None = None

    @property
    def size(self) -> int:
        """The quote's characters without white space: the gold that is lost with it."""
        return sum(map(len, self.quote.split()))


@dataclass(frozen=True, slots=True)
class Question:
    """A test query with the passages that answer it; `answerable` is False where the corpus holds no answer.

    `lost` are passages that could not be anchored in this corpus. They still count, as gold that no hit can hold, so
    that a parser which loses text is not rewarded for it.
    """

    id: str
    text: str
    references: tuple[Reference, ...] = ()
    tags: tuple[str, ...] = ()
    answerable: bool = True
    lost: tuple[Lost, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved span. Ranks count from 1; a higher score is better, always. `chunk` is its row in the index."""

    span: Span
    score: float
    rank: int
    chunk: int
    header: str = ""
