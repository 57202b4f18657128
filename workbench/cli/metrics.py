"""The flag `--metrics`: whose definitions, or which metrics."""

from workbench.errors import SpecError
from workbench.evaluations import CHROMA
from workbench.metrics import metric

METRICS = (
    "workbench (the default), chroma for the definitions of the chunking_evaluation code, or names with their budgets "
    "such as recall@5,ndcg@10,recall@1000tok"
)


def metrics_of(text: str) -> tuple[tuple[str, ...] | None, bool]:
    """The metrics that the flag names, None for the usual ones; and whether they are chroma's, to the letter.

    Raises:
        SpecError: a name is not known, or its budget is missing or outside the limits.
    """
    if text == "workbench":
        return None, False
    if text == "chroma":
        return CHROMA, True
    try:
        return tuple(dict.fromkeys(str(metric(name.strip())) for name in text.split(","))), False
    except SpecError as error:
        raise SpecError(f"--metrics: {error}; or say workbench or chroma") from None
