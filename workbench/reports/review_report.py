"""The review report: what a design review needs in order to agree, or to know what to ask for."""

from dataclasses import dataclass, field

from workbench.anatomy import STEPS, Anatomy, findings, picture_of
from workbench.catalogue import DecisionRecord
from workbench.errors import RunError
from workbench.evaluations import Evaluation
from workbench.pipelines import Pipeline, collection, to_yaml
from workbench.records import Question, Run
from workbench.reports import drawings
from workbench.reports.blocks import (
    Block,
    Code,
    Figure,
    Passage,
    Piece,
    Points,
    Report,
    Section,
    Table,
    Text,
    count,
    ends,
    of_picture,
    span,
    where,
)
from workbench.reports.production import Load, project
from workbench.reports.production import section as production
from workbench.reports.risks import assumptions, untested
from workbench.specs import fingerprint
from workbench.statistics import MARGIN, WORDS
from workbench.sweeps import (
    METRIC,
    Leaderboard,
    Row,
    RunCost,
    amount,
    cost_for,
    leaderboard,
    pareto,
    settings,
    surface,
    varied,
)
from workbench.tokens import tokenizer

RIVALS = 12
"""Rows of the table."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a report is made of: the runs, the chosen one measured again with its anatomy, and the team's words.

    `questions` is the golden set as given, also those without an answer. `command` remakes the report. Without a
    `cost`, the first that fits the metric and the runs; `unit` is that of the figures' population, as of `leaderboard`.

    Raises:
        RunError: the chosen run is not among them, or the evaluation is of another pipeline or other documents.
    """

    runs: tuple[Run, ...]
    evaluation: Evaluation
    anatomy: Anatomy
    questions: tuple[Question, ...]
    question: str = "How should these documents be cut, embedded and searched?"
    metric: str = METRIC
    margin: float = MARGIN
    cost: str | None = None
    unit: str | None = None
    load: Load = field(default_factory=Load)
    record: DecisionRecord | None = None
    command: str = ""

    def __post_init__(self) -> None:
        run = self.chosen
        if run.corpus != self.evaluation.corpus.id:
            raise RunError(f"{run.label} was measured on other documents than these; measure it again, or name those")
        if self.record and self.record.chosen != run.fingerprint:
            raise RunError("the decision record is about another configuration than the report")

    @property
    def chosen(self) -> Run:
        """The run of the chosen configuration."""
        wanted = self.evaluation.pipeline.fingerprint
        for run in self.runs:
            if run.fingerprint == wanted:
                return run
        raise RunError(f"the chosen configuration {wanted} is not among the {len(self.runs)} runs")

    @property
    def priced(self) -> tuple[str, RunCost]:
        """The cost that decides between equals, with its name."""
        return cost_for(self.metric, self.runs, self.cost)


def review_pack(evidence: Evidence) -> Report:
    """Return the report of this evidence. The same evidence gives the same bytes."""
    board = leaderboard(evidence.runs, evidence.metric, evidence.margin, evidence.cost, evidence.unit)
    sections = [
        _question(evidence, board),
        _choice(evidence, board),
        *_comparison(evidence, board),
        losses(evidence.anatomy, evidence.evaluation.pipeline),
        *worst(evidence.evaluation, evidence.anatomy),
        samples(evidence.evaluation),
        Section("What was not tested", (Points(tuple(untested(evidence.runs, evidence.questions, board))),)),
        _assumptions(evidence, board),
        production(
            project(evidence.chosen, evidence.evaluation.pipeline, evidence.evaluation.corpus, evidence.load),
            evidence.load,
            evidence.chosen,
        ),
        _reproduction(evidence),
    ]
    about = (
        f"{count(len(evidence.evaluation.corpus), 'documents')}, {count(len(evidence.questions), 'questions')}, "
        f"{count(len(evidence.runs), 'configurations')} measured · manifest {manifest(evidence)}"
    )
    return Report("Design review: chunking and retrieval", about, tuple(sections))


def manifest(evidence: Evidence) -> str:
    """Return the hash of all evidence but its times: the same evidence, the same hash."""
    runs = sorted((run.fingerprint, run.corpus, run.golden, _values(run)) for run in evidence.runs)
    return fingerprint(
        [
            runs,
            evidence.evaluation.pipeline.fingerprint,
            evidence.metric,
            evidence.margin,
            evidence.priced[0],
            evidence.unit,
        ]
    )


def _values(run: Run) -> str:
    return fingerprint([list(run.metrics), [list(row) for row in run.values], run.seed])


def _question(evidence: Evidence, board: Leaderboard) -> Section:
    held = f"; {board.held_out} more were held out and had no say" if board.held_out else ""
    return Section(
        "The question",
        (
            Text(evidence.question),
            Text(
                f"Judged by {board.metric} on {count(board.n, 'questions')}{held}. A difference below "
                f"{board.margin:g} does not matter; equals are told apart by cost: fewer "
                f"{evidence.priced[1].label} is better."
            ),
            *trained(board),
        ),
    )


def trained(board: Leaderboard) -> list[Text]:
    """Return what was seen in training, to be read beside figures; [] where nothing was."""
    note = board.training_note
    return [Text(f"{note[:1].upper()}{note[1:]}.", strong=True)] if note else []


def _choice(evidence: Evidence, board: Leaderboard) -> Section:
    run, record = evidence.chosen, evidence.record
    row = _row_of(board, run)
    decision, cost = board.decision, evidence.priced[1]
    role = {decision.leader: "It leads the table.", decision.cheapest: "It is the cheapest of those that may be best."}
    place = role.get(run.fingerprint, f"It is number {1 + board.rows.index(row)} of {len(board.rows)} in the table.")
    blocks: list[Block] = [
        Text(f"Chosen: {row.name}", strong=True),
        Text(
            f"{place} {board.metric} {span(row.interval)}, at a cost of {amount(cost.of(run))} {cost.label}; its "
            f"{run.pipeline.get('k')} hits hand over {run.tokens_per_query:,.0f} tokens of context."
        ),
        Text(f"Verdict of the figures: {decision.sentence}."),
        *trained(board),
    ]
    if row.standing and row.standing.verdict == "ruled out":
        rival = next(r for r in board.rows if r is not row)
        why = f"This choice is significantly worse: {rival.name} is better by more than chance."
        blocks.append(Text(why, strong=True))
    if record:
        blocks.append(Text(f"Decided by {record.by} on {record.at[:10]}: {record.why}"))
        blocks.append(
            Table.of(("Not taken", "Why"), [(one.label, one.why) for one in record.rejected])
            if record.rejected
            else Text("No other configuration was named as rejected.")
        )
    else:
        blocks.append(Text("Nobody has recorded a decision yet."))
    blocks.append(Code(to_yaml(evidence.evaluation.pipeline).rstrip("\n")))
    return Section("The choice", tuple(blocks))


def _comparison(evidence: Evidence, board: Leaderboard) -> list[Section]:
    run = evidence.chosen
    shown = list(board.rows[:RIVALS])
    if all(row.run is not run for row in shown):
        shown.append(_row_of(board, run))
    at = next(i for i, row in enumerate(shown) if row.run.fingerprint == run.fingerprint)
    what, price = evidence.priced[1]
    cost = f"{what[:1].upper()}{what[1:]}"
    head = ("Configuration", board.metric, "95 % CI", "Against the best other", "Verdict", cost, "Held out")
    rows = [
        (
            row.name,
            f"{row.interval.mean:.3f}",
            ends(row.interval.low, row.interval.high),
            f"{drawings.signed(row.standing.difference)} {ends(row.standing.low, row.standing.high)}"
            if row.standing
            else "",
            _verdict(row) or "only one",
            amount(price(row.run)),
            f"{row.held_out.mean:.3f}" if row.held_out else "–",
        )
        for row in shown
    ]
    table = Table(head, tuple(rows), frozenset({1, 5, 6}), at)
    lines = [(r.name, r.interval.mean, r.interval.low, r.interval.high, _verdict(r)) for r in shown]
    left = len(board.rows) - len(shown)
    rivals: list[Block] = [Figure(drawings.intervals(lines, board.metric, at), "Means with their intervals.", table)]
    if left:
        rivals.append(Text(f"Below these: {count(left, 'more configurations')}."))
    out = [Section("The choice and its rivals", (table, *rivals))]
    if (heat := _surface(evidence)) is not None:
        out.append(heat)
    out.append(_cost(evidence, board))
    return out


def _surface(evidence: Evidence) -> Section | None:
    """Draw size × overlap among runs that equal the chosen one in all else; None where only one was measured."""
    run, changing = evidence.chosen, varied(evidence.runs)
    own = settings(run)
    apart = ("splitter.chunk_size", "splitter.chunk_overlap", "splitter.overlap_share")
    same = {path: own.get(path) for path in changing if path not in apart}
    found = surface(evidence.runs, evidence.metric, where=same)
    if sum(v is not None for line in found.means for v in line) < 2:
        return None
    x, y = f"size ({own.get('splitter.unit')})", "overlap (% of size)"
    rows = [
        (f"{b} %", *(f"{v:.3f}" if v is not None else "–" for v in line))
        for b, line in zip(found.ys, found.means, strict=True)
    ]
    data = Table.of(("Overlap", *(f"{a:,}" for a in found.xs)), rows, range(1, len(found.xs) + 1))
    caption = "Means over the questions that judge; all else as chosen. The frame is the choice."
    svg = drawings.heat(found, x, y, evidence.metric, run.fingerprint)
    return Section("Size and overlap", (Figure(svg, caption, data),), 3)


def _cost(evidence: Evidence, board: Leaderboard) -> Section:
    runs = [row.run for row in board.rows]
    what, price = evidence.priced[1]
    points = pareto(runs, [price(run) for run in runs], evidence.metric)
    drawn = [(row.name, p.cost, p.quality, p.best) for row, p in zip(board.rows, points, strict=True)]
    at = next(i for i, run in enumerate(runs) if run.fingerprint == evidence.chosen.fingerprint)
    best = sorted((p for p in drawn if p[3]), key=lambda p: p[1])
    front = [(n, name, f"{q:.3f}", amount(c)) for n, (name, c, q, _) in enumerate(best, 1)]
    data = Table.of(("", "Not beaten at their cost", evidence.metric, what.capitalize()), front, (2, 3))
    caption = f"Quality against {what}: what is numbered is beaten by nothing at its cost. The ring is the choice."
    return Section(
        "Quality and cost", (Figure(drawings.tradeoff(drawn, what, evidence.metric, at), caption, data), data), 3
    )


def _assumptions(evidence: Evidence, board: Leaderboard) -> Section:
    found = assumptions(evidence.runs, board, evidence.chosen.fingerprint)
    if not found:
        text = "No assumption that can be tested with these runs would change the decision; see what was not tested."
        return Section("What would change the decision", (Text(text),))
    lead = "Two assumptions" if len(found) > 1 else "One assumption"
    return Section(
        "What would change the decision",
        (Text(f"{lead} would change it if wrong, by these runs:"), Points(tuple(one.text for one in found[:2]))),
    )


def _reproduction(evidence: Evidence) -> Section:
    run = evidence.chosen
    facts = [
        ("Manifest", manifest(evidence)),
        ("Configuration", run.fingerprint),
        ("Documents", run.corpus),
        ("Golden set", run.golden),
        *((name, value) for name, value in run.environment.items() if name not in ("cpus", "platform")),
    ]
    blocks: list[Block] = [
        Text("The manifest is a hash of every run's figures, of the choice and of how it was judged.")
    ]
    blocks.append(Table.of(("What", "Identity"), facts))
    if evidence.command:
        blocks += [Text("This report, made again:"), Code(evidence.command)]
    return Section("How to reproduce this", tuple(blocks))


def _verdict(row: Row) -> str:
    return WORDS[row.standing.verdict] if row.standing else ""


def _row_of(board: Leaderboard, run: Run) -> Row:
    return next(row for row in board.rows if row.run.fingerprint == run.fingerprint)


WORST, SAMPLES = 5, 5
"""Questions that are taken apart, chunks that are shown."""


def losses(anatomy: Anatomy, pipeline: Pipeline) -> Section:
    """Return the waterfall of lost recall, why it was lost, and what to try next."""
    bars, unit = anatomy.waterfall(), "tokens" if anatomy.budget.tokens else "hits"
    rows = [(b["word"], f"{b['loss']:.3f}", ends(b["low"], b["high"]), b["questions"]) for b in bars]
    data = Table.of(("Lost at", "Recall", "95 % interval", "Questions"), rows, (1, 3))
    causes = [
        (one.words, f"{one.loss:.3f}", one.questions, one.remedy.line if one.remedy else "–")
        for one in findings(anatomy.causes(), pipeline, str(anatomy.budget))
    ]
    blocks: list[Block] = [Text(f"{anatomy.sentence()[:1].upper()}{anatomy.sentence()[1:]}.", strong=True)]
    blocks.append(
        Figure(
            drawings.waterfall(bars, anatomy.recall),
            f"What each step loses of recall within {anatomy.budget.amount:,} {unit}.",
            data,
        )
    )
    if causes:
        blocks.append(Table.of(("Why it was lost", "Recall", "Questions", "What to try next"), causes, (1, 2)))
    return Section("Where the choice loses answers", tuple(blocks))


def worst(found: Evaluation, anatomy: Anatomy) -> list[Section]:
    """Return the questions that lose most, each with its passages, its chunks and what came back instead."""
    order = sorted(range(len(anatomy.questions)), key=lambda i: (anatomy.questions[i].ladder.recalls[-1], i))
    lost = [i for i in order if anatomy.questions[i].ladder.recalls[-1] < 1][:WORST]
    if not lost:
        return [Section("The worst questions", (Text("No question loses anything."),))]
    legend = (
        "Outlined text is the gold passage (between ⟦ ⟧ in Markdown), ▸ and ◂ are where chunks begin and end, "
        "underlined text with #1 is the first hit, and struck text was never seen by the embedder."
    )
    out = [Section(f"The {len(lost)} worst questions", (Text(legend),))]
    for n, i in enumerate(lost, 1):
        one = anatomy.questions[i]
        step, loss = max(one.ladder.losses.items(), key=lambda item: item[1])
        words = f"Recall {one.ladder.recalls[-1]:.2f}. It loses {loss:.2f} at the step “{STEPS[step]}”. {one.why}."
        blocks: list[Block] = [Text(words), *of_picture(picture_of(found, anatomy, i), found.corpus)]
        blocks += [Text(f"Without a place in the text: {o.lost.quote[:200]}") for o in one.origins[:2]]
        hits = [
            (hit.rank, where(found.corpus.document(hit.span.document), hit.span), _line(found.corpus[hit.span]))
            for hit in found.hits[i][:3]
        ]
        blocks.append(Table.of(("Rank", "What came back", "Its beginning"), hits, (0,)))
        out.append(Section(f"{n}. {one.question.text}", tuple(blocks), 3))
    return out


def samples(found: Evaluation) -> Section:
    """Return chunks at even distances, as they are embedded."""
    rows = collection(found.corpus, found.pipeline.splitter)
    n = len(rows)
    some = sorted({round((i + 0.5) * n / SAMPLES - 0.5) for i in range(SAMPLES)} & set(range(n)))
    counts = tokenizer(found.pipeline.embedder.tokenizer).counts(rows.texts())
    blocks: list[Block] = [
        Text(
            f"{n:,} chunks, median {int(sorted(counts.tolist())[n // 2]) if n else 0:,} tokens of "
            f"{found.pipeline.embedder.source.name}. {len(some)} at even distances:"
        )
    ]
    for i in some:
        span = rows.span(i)
        document = found.corpus.document(span.document)
        text = found.corpus[span]
        cut = f"{text[:600]} …" if len(text) > 600 else text
        header = rows.headers[i]
        pieces = (Piece(f"{header}\n\n"),) if header else ()
        blocks.append(Passage(f"{where(document, span)}, {int(counts[i]):,} tokens", (*pieces, Piece(cut))))
    return Section("What chunks look like", tuple(blocks))


def _line(text: str, longest: int = 140) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest]}…"
