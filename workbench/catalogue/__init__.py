"""What was measured and decided, in SQL: runs with their tags and remarks, golden set versions, decisions.

    catalogue = open_catalogue(home, workspace="local")     # SQLite in `home`, or WORKBENCH_DATABASE_URL
    catalogue.record(run)
    catalogue.runs(text="recursive", metric="recall@1000tok", at_least=0.8)

A catalogue belongs to one workspace and shows nothing of another. The first copy of a sweep's runs are its files; here
they are found again after documents and questions have changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import RunError

if TYPE_CHECKING:
    from workbench.catalogue.queries import Catalogue

__all__ = ["Catalogue", "DecisionRecord", "Entry", "GoldenVersion", "Rejected", "Remark", "open_catalogue"]

LONGEST_TAG, LONGEST_NAME, LONGEST_TEXT = 60, 120, 4_000
"""Characters of a tag, of a person's name, of a remark or a reason."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run as lists show it. `means` is metric → mean over its questions, `at` is UTC.

    `measures` is the revision of the measures' definitions: means of different revisions do not compare.
    """

    id: int
    fingerprint: str
    label: str
    corpus: str
    golden: str
    at: str
    questions: int
    chunks: int
    index_bytes: int
    tokens_per_query: float
    means: Mapping[str, float]
    measures: int = 1
    tags: tuple[str, ...] = ()
    remarks: int = 0


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment on a run."""

    by: str
    at: str
    text: str


@dataclass(frozen=True, slots=True)
class GoldenVersion:
    """A state of the golden set: its identity, the change that led to it, and its JSON lines."""

    golden: str
    corpus: str
    label: str
    at: str
    questions: int
    lines: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A configuration that was not taken, and why, in words."""

    fingerprint: str
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """Which configuration was chosen, by whom, when (UTC) and why, on what evidence, and what was not taken.

    `pipeline` is the chosen one's YAML file, `verdict` the sentence that the leaderboard said at the time.

    Raises:
        RunError: nobody decided, no reason is given, or a text is too long.
    """

    chosen: str
    label: str
    by: str
    why: str
    corpus: str
    golden: str
    metric: str
    verdict: str
    pipeline: str
    rejected: tuple[Rejected, ...] = ()
    at: str = ""
    id: int = 0

    def __post_init__(self) -> None:
        said(self.by, "who decided", LONGEST_NAME)
        said(self.why, "the reason", LONGEST_TEXT)


def said(text: str, what: str, longest: int) -> str:
    """Return the text without blanks around it.

    Raises:
        RunError: there is none, or it is too long, or holds what a database cannot keep.
    """
    kept = text.strip()
    if not kept:
        raise RunError(f"{what} is missing: say it in a few words")
    if len(kept) > longest:
        raise RunError(f"{what} has {len(kept):,} characters; at most {longest:,} are kept")
    if "\0" in kept or (not kept.isascii() and any("\ud800" <= c <= "\udfff" for c in kept)):
        raise RunError(f"{what} holds a character that is no text")
    return kept


def open_catalogue(home: Path, workspace: str, url: str = "") -> "Catalogue":
    """Return the catalogue of a workspace, in the database of a WORKBENCH_HOME or at another URL.

    Raises:
        StoreError: the database cannot be used.
    """
    from workbench.catalogue.database import database_url, ready
    from workbench.catalogue.queries import Catalogue

    where = url or database_url(home)
    ready(where)
    return Catalogue(where, workspace)


def __getattr__(name: str) -> Any:
    """Import `Catalogue`, and SQLAlchemy with it, only where it is used: the records above are light."""
    if name != "Catalogue":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from workbench.catalogue.queries import Catalogue

    return Catalogue
