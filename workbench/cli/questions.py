"""The golden set that a command is given."""

from pathlib import Path

from workbench.cli import DONE, WRONG_INPUT
from workbench.cli.output import warn
from workbench.documents import Corpus
from workbench.errors import GoldenError
from workbench.golden import Anchor, present, reread_golden
from workbench.records import Question

GOLDEN = "the golden set: JSON lines, CSV, or a BEIR folder or ZIP"
_WORST = 1_000  # lines that are written out


def golden_of(given: str, corpus: Corpus) -> tuple[tuple[Question, ...], int]:
    """The questions of a golden set with their places in the corpus, and the exit status that its refused rows ask for.

    It is a file, or a BEIR folder or ZIP. Each row that cannot be taken is named on stderr, and each question that asks
    for a document which is not here; the others go on. A passage that the parsed text does not hold is named too, and
    counts as gold that no hit can hold, so that a parser is not rewarded for what it loses.

    Raises:
        GoldenError: there is no such file, or it cannot be read at all.
    """
    path = Path(given)
    if not path.exists():
        raise GoldenError(f"{path}: there is no such file")
    try:
        found = reread_golden(path, corpus)
    except GoldenError as error:
        raise GoldenError(f"{path}: {error}") from None
    here, away = present(found.questions)
    refused = [str(problem) for problem in found.problems]
    refused += [f"{q.id}: {next(lost.reason for lost in q.lost if lost.kind == 'gone')}" for q in away]
    refused += [_line(a) for a in found.anchors if a.how == "ambiguous"]
    _tell(path.name, "error", refused)
    _tell(path.name, "warning", [_line(a) for a in found.anchors if a.how in ("lost", "approximate")])
    return here, WRONG_INPUT if refused else DONE


def _line(anchor: Anchor) -> str:
    if anchor.how == "approximate":
        return f"{anchor.question}: its quote reads otherwise in {anchor.document} ({anchor.score:.0f} of 100 alike)"
    return f"{anchor.question}: {anchor.reason}; it counts as lost"


def _tell(name: str, how: str, lines: list[str]) -> None:
    for line in lines[:_WORST]:
        warn(f"{how}: {name}: {line}")
    if len(lines) > _WORST:
        warn(f"{how}: {name}: and {len(lines) - _WORST:,} more")
