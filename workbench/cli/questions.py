"""The golden set that a command is given."""

from pathlib import Path

from workbench.cli import DONE, WRONG_INPUT
from workbench.cli.output import warn
from workbench.documents import Corpus
from workbench.errors import GoldenError
from workbench.golden import read_golden
from workbench.records import Question

_WORST = 1_000  # problems that are written out


def golden_of(given: str, corpus: Corpus) -> tuple[tuple[Question, ...], int]:
    """The questions of a file with their places in the corpus, and the exit status that its refused rows ask for.

    Each row that cannot be taken is named on stderr; the others go on.

    Raises:
        GoldenError: there is no such file, or it cannot be read at all.
    """
    path = Path(given)
    if not path.is_file():
        raise GoldenError(f"{path}: there is no such file")
    try:
        questions, problems = read_golden(path, corpus)
    except GoldenError as error:
        raise GoldenError(f"{path}: {error}") from None
    for problem in problems[:_WORST]:
        warn(f"error: {path.name}: {problem}")
    if len(problems) > _WORST:
        warn(f"error: {path.name}: and {len(problems) - _WORST:,} rows more")
    return questions, WRONG_INPUT if problems else DONE
