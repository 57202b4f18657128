"""The risks of a decision: what was never tried, and which assumptions would change it if they were wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.pipelines import REGISTRIES
from workbench.records import Question, Run
from workbench.reports.blocks import count
from workbench.sweeps import Leaderboard, aligned, amount, costs_for, more_questions, names, settings

FEW = 60
"""Questions below which intervals are wide enough to be named as a gap."""

_TAGGED = 5  # questions of a tag from which its own winner is looked at
_AXES = {
    "splitter.chunk_size": "chunk size",
    "splitter.overlap_share": "overlap",
    "splitter.kind": "splitter",
    "splitter.header": "headers",
    "embedder.model": "embedding model",
    "index.kind": "index",
    "retriever.kind": "retriever",
    "parser.kind": "parser",
    "k": "k",
}


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something taken for granted, what happens if it is wrong, and by how much of the metric the choice would lose."""

    kind: str
    text: str
    loss: float


def untested(runs: Sequence[Run], questions: Sequence[Question], board: Leaderboard) -> list[str]:
    """Return what nobody knows after these runs, a line each, the axes first."""
    rows = [settings(run) for run in runs]
    out = []
    for path, word in _AXES.items():
        values = {repr(row[path]): row[path] for row in rows if path in row and row[path] is not None}
        if len(values) == 1:
            one = next(iter(values.values()))
            shown = f"{one} %" if path == "splitter.overlap_share" else f"{one}"
            out.append(f"Only one {word} was measured: {shown}.")
    for part in ("splitter", "retriever", "index"):
        used = {run.pipeline.get(part, {}).get("kind") for run in runs}
        missing = [kind for kind in REGISTRIES[part] if kind not in used]
        if missing and used:
            out.append(f"No run has the {part} {_listed(missing, 'or')}.")
    if not board.held_out:
        out.append("No question was held out: the winner was chosen by the questions that also say how good it is.")
    if board.n < FEW:
        out.append(f"Only {count(board.n, 'questions')} judged; intervals are wide below about {FEW}.")
    if all(q.answerable for q in questions):
        out.append("No question without an answer: whether the system would notice that it has none is not known.")
    if lost := sum(bool(q.lost) for q in questions):
        out.append(f"{lost} question{'s have' if lost != 1 else ' has'} a passage without a place in the parsed text.")
    out.append(
        "Only retrieval was measured. Whether a language model answers well from these passages, how people phrase "
        "their questions in production, and documents that are not in this collection were not."
    )
    return out


def assumptions(runs: Sequence[Run], board: Leaderboard, chosen: str) -> list[Assumption]:
    """Return what would change the decision if it were wrong, by falling loss, each kind once."""
    found = [
        *_budget(runs, board, chosen),
        *_rival(board, chosen),
        *_tags(runs, board, chosen),
        *_held_out(board, chosen),
    ]
    found.sort(key=lambda a: (-a.loss, a.kind))
    found += _cost(board, chosen)
    first: dict[str, Assumption] = {}
    for one in found:
        first.setdefault(one.kind, one)
    return list(first.values())


def _budget(runs: Sequence[Run], board: Leaderboard, chosen: str) -> list[Assumption]:
    """Find other budgets of context at which another configuration leads."""
    measure = board.metric.partition("@")[0]
    shared = set.intersection(*({*run.metrics} for run in runs))
    out = []
    called = dict(zip((run.fingerprint for run in runs), names(runs), strict=True))
    for metric in sorted(m for m in shared if m.partition("@")[0] == measure and m != board.metric):
        means = aligned(runs, metric, held_out=False).values.mean(axis=0)
        at = next(i for i, run in enumerate(runs) if run.fingerprint == chosen)
        best = int(means.argmax())
        if (loss := float(means[best] - means[at])) > 0:
            text = (
                f"That a question gets the context of {board.metric}. By {metric}, {called[runs[best].fingerprint]} "
                f"leads with {means[best]:.3f}; the choice has {means[at]:.3f}."
            )
            out.append(Assumption("budget", text, loss))
    return out


def _rival(board: Leaderboard, chosen: str) -> list[Assumption]:
    """Find a rival that is not significantly worse: other questions could put it first."""
    row = next(row for row in board.rows if row.run.fingerprint == chosen)
    rival = next((r for r in board.rows if r is not row and r.standing and r.standing.verdict != "ruled out"), None)
    if rival is None or row.standing is None or row.standing.low != row.standing.low:
        return []
    loss = max(0.0, -row.standing.low)
    if not loss:
        return []
    open = board.decision.verdict == "not settled"
    what = "development questions" if board.held_out else "questions"
    enough = f"; {more_questions(board.n, board.decision.more, what)}" if open else ""
    text = (
        f"That questions to come are like the {count(board.n, 'questions')} that judged. {rival.name} is not "
        f"significantly worse: the choice may be as much as {loss:.3f} of {board.metric} below the best of "
        f"the others{enough}."
    )
    return [Assumption("rival", text, loss)]


def _tags(runs: Sequence[Run], board: Leaderboard, chosen: str) -> list[Assumption]:
    """Find tags on which another configuration leads: were they more frequent, that one would be chosen."""
    tags = {q.id: q.tags for q in runs[0].questions}
    values = aligned(runs, board.metric, held_out=False)
    called = names(runs)
    at = next(i for i, run in enumerate(runs) if run.fingerprint == chosen)
    out = []
    for tag in sorted({tag for id in values.questions for tag in tags.get(id, ())}):
        some = np.array([tag in tags.get(id, ()) for id in values.questions])
        if some.sum() < _TAGGED or some.all():
            continue
        means = values.values[some].mean(axis=0)
        best = int(means.argmax())
        if (loss := float(means[best] - means[at])) > 0:
            text = (
                f"That questions tagged “{tag}” are {100 * some.mean():.0f} % of all, as here. On these {some.sum()} "
                f"alone {called[best]} leads with {means[best]:.3f}; the choice has {means[at]:.3f}."
            )
            out.append(Assumption("mix", text, loss))
    return out


def _held_out(board: Leaderboard, chosen: str) -> list[Assumption]:
    """Find another configuration that is better on the held-out questions."""
    row = next(row for row in board.rows if row.run.fingerprint == chosen)
    apart = [r for r in board.rows if r.held_out is not None]
    if row.held_out is None or not apart:
        return []
    best = max(apart, key=lambda r: r.held_out.mean if r.held_out else 0.0)
    if best.held_out is None or (loss := best.held_out.mean - row.held_out.mean) <= 0:
        return []
    text = (
        f"That the choice was not fitted to the questions it was chosen by. On the {board.held_out} held out, "
        f"{best.name} has {best.held_out.mean:.3f}; the choice has {row.held_out.mean:.3f}."
    )
    return [Assumption("held out", text, loss)]


def _cost(board: Leaderboard, chosen: str) -> list[Assumption]:
    """Find configurations that are not significantly worse and cost less."""
    row = next(row for row in board.rows if row.run.fingerprint == chosen)
    in_play = [r for r in board.rows if r.standing is None or r.standing.verdict != "ruled out"] or [row]
    out = []
    for name, (what, price) in costs_for(board.metric, [r.run for r in board.rows]).items():
        if name == "seconds":  # differs from one measurement to the next
            continue
        cheapest = min(in_play, key=lambda r: price(r.run))
        here, there = price(row.run), price(cheapest.run)
        if cheapest is row or here <= 0 or here - there < 0.005 * here:
            continue
        asked = "" if name == board.cost else ", which this choice was not made by,"
        text = (
            f"That {what}{asked} cost little. {cheapest.name} is not significantly worse and takes "
            f"{100 * (1 - there / here):.0f} % less ({amount(there)} instead of {amount(here)})."
        )
        out.append(Assumption("cost" if name == board.cost else "other cost", text, 0.0))
    return out


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
