"""The rules of the page Decision: what is preselected, what an unsettled table asks for, what is exported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.catalogue import DecisionRecord
from workbench.sweeps import Leaderboard, Row, more_questions

Exported = Literal["decided", "current"]


def looked_at(board: Leaderboard, picked: str, records: Sequence[DecisionRecord]) -> Row | None:
    """Return the row picked by hand, else that of the newest decision on these runs, else the settled one.

    None where nothing is settled: then only the user may choose. A decision on other documents or another golden set
    does not count, even if it chose one of these pipelines.
    """
    rows = {row.run.fingerprint: row for row in board.rows}
    measured = evidence(board)
    decided = next((r.chosen for r in records if (r.chosen, r.corpus, r.golden) in measured), "")
    return next((rows[one] for one in (picked, decided, board.decision.settled) if one in rows), None)


def evidence(board: Leaderboard) -> set[tuple[str, str, str]]:
    """Return (pipeline, documents, golden set) of each run in the table: what a decision about it must name."""
    return {(row.run.fingerprint, row.run.corpus, row.run.golden) for row in board.rows}


@dataclass(frozen=True, slots=True)
class Step:
    """The first step where nothing is settled: a sentence, the name of its button and the page that it opens."""

    text: str
    button: str
    page: str


def first_step(board: Leaderboard) -> Step | None:
    """Return the first step: more questions, or more configurations where there is one; None where settled."""
    if board.decision.settled:
        return None
    if board.decision.verdict == "only one":
        text = "One configuration is measured: there is nothing to choose from yet."
        return Step(text, "Measure more configurations", "pages/5_Experiments.py")
    what = "development questions" if board.held_out else "questions"
    enough = more_questions(board.n, board.decision.more, what)
    text = f"These questions do not settle which configuration is best: {enough}."
    return Step(text, "Add questions", "pages/4_Golden_set.py")


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported; "" while the user is asked: `question` says why, `answers` what may be answered.

    `notes` say what to know about the decision that is exported.
    """

    exported: Exported | Literal[""]
    question: str = ""
    answers: tuple[Exported, ...] = ()
    notes: tuple[str, ...] = ()


def export_of(
    record: DecisionRecord | None,
    decided: str,
    current: str,
    corpus: str,
    golden: str,
    answer: Exported | None = None,
) -> Export:
    """Return what to export: what was decided if that is the current configuration, else what the user answers.

    `decided` is the fingerprint that the decision's pipeline file has here, "" if it cannot be read here; `corpus` and
    `golden` identify the documents, as that pipeline parses them, and the present questions. Nothing is exported before
    there is an answer.
    """
    if record is None:
        return _asked("Nothing has been decided yet.", ("current",), answer)
    if not decided:
        return _asked("What was decided cannot be built here.", ("current",), answer)
    notes = []
    if decided != record.chosen:
        notes.append(
            f"Its file has another fingerprint here ({decided}) than when it was decided ({record.chosen}): a model or "
            "a method has changed since, so its figures may not hold."
        )
    if record.corpus != corpus:
        notes.append("It was decided on other documents than those here now.")
    elif record.golden != golden:
        notes.append("It was decided by other questions than those here now.")
    if decided == current:
        return Export("decided", notes=tuple(notes))
    return _asked("The current configuration is not the one that was decided.", ("decided", "current"), answer, notes)


def _asked(question: str, answers: tuple[Exported, ...], answer: Exported | None, notes: Sequence[str] = ()) -> Export:
    return Export(answer if answer in answers else "", question, answers, tuple(notes))


def newest(records: Sequence[DecisionRecord], corpora: Sequence[str]) -> DecisionRecord | None:
    """Return the newest decision on one of these states of the documents, else the newest of all."""
    return next((r for r in records if r.corpus in corpora), records[0] if records else None)


def differences(decided: Mapping[str, Any], current: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (setting, decided, current) of each setting that differs; "–" where a pipeline has none."""
    a, b = _flat(decided), _flat(current)
    return [(path, a.get(path, "–"), b.get(path, "–")) for path in {**a, **b} if a.get(path) != b.get(path)]


def _flat(mapping: Mapping[str, Any]) -> dict[str, str]:
    out = {}
    for part, value in mapping.items():
        for name, one in value.items() if isinstance(value, Mapping) else [("", value)]:
            out[f"{part}.{name}" if name else part] = one if isinstance(one, str) else repr(one)
    return out
