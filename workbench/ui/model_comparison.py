"""Models side by side on the same chunks: speed and quality of each, where they lose, how far they agree."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations, compress
from typing import Any

import numpy as np
import streamlit as st

from workbench import pipelines
from workbench.anatomy import STEPS
from workbench.documents import Corpus
from workbench.embedders import Cancelled, Speed, load_seconds, speed
from workbench.indexes import Index
from workbench.metrics import bounds_of
from workbench.pipelines import Pipeline
from workbench.projection import Rows, sample
from workbench.records import Question, judging
from workbench.retrievers import Collection, agreement
from workbench.statistics import Comparison, Interval, by_document, clusters, compare
from workbench.sweeps import METRIC
from workbench.tasks import Task
from workbench.ui import compute, corpus_stats, headline, jobs, models, state
from workbench.ui.experiments import evaluation
from workbench.ui.experiments.evaluation import Measured
from workbench.ui.jobs import Awaited
from workbench.ui.layout import plain, size_label, snippet, training_note
from workbench.ui.models import Candidate

_turn = threading.Lock()  # one model at a time, or each would be timed with the other's load


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What is known of a model so far; None where it is not measured yet, or cannot be."""

    candidate: Candidate
    embedding: jobs.Job | None
    speed: Speed | None = None
    index: Index | None = None
    quality: Measured | None = None
    waits: tuple[Awaited, ...] = ()

    @property
    def ready(self) -> bool:
        """Return whether its vectors are there."""
        return self.index is not None

    @property
    def load_seconds(self) -> float | None:
        """What loading it took in this process."""
        return load_seconds(self.candidate.embedder.source)


def keys(corpus: Corpus, questions: tuple[Question, ...], some: Sequence[Candidate]) -> set[Any]:
    """Return the keys of the jobs that these models' profiles need."""
    out: set[Any] = set()
    for one in some:
        out |= {compute.key(corpus, one.pipeline), speed_key(corpus, one.pipeline)}
        out.add(evaluation.key(corpus, questions, one.pipeline, str(one.pipeline.k)))
    return out


def speed_key(corpus: Corpus, pipeline: Pipeline) -> tuple[Any, ...]:
    """Return what decides a speed: the same chunks and model, whatever index holds them."""
    return "speed", corpus, pipeline.splitter, pipeline.embedder.full


def profile(corpus: Corpus, questions: tuple[Question, ...], candidate: Candidate, in_hand: bool) -> Profile:
    """Return the model's figures as far as they are there; what is cheap begins at once, the rest waits for a click."""
    job = models.job_of(corpus, candidate, in_hand)
    if job is None or (job.finished.is_set() and job.result is None):
        return Profile(candidate, job)
    if candidate.embedder.kind == "static":
        job.finished.wait(evaluation.QUICK)
    else:
        job.wait()
    if job.result is None:
        return Profile(candidate, job, waits=((candidate.label, compute.key(corpus, candidate.pipeline), job),))
    waits: list[Awaited] = []
    quality = None
    if any(q.answerable for q in questions) and not models.questions_to_send(candidate, questions):
        measured = evaluation.measured(corpus, questions, candidate.pipeline, str(candidate.pipeline.k))
        measured.wait()
        quality = measured.result
        name = evaluation.key(corpus, questions, candidate.pipeline, str(candidate.pipeline.k))
        waits.append((f"{candidate.label} on the golden set", name, measured))
    timed = _timed(corpus, candidate.pipeline)
    waits.append((f"Speed of {candidate.label}", speed_key(corpus, candidate.pipeline), timed))
    found = timed.result if isinstance(timed.result, Speed) else None
    return Profile(candidate, job, found, job.result.index, quality, tuple(waits))


def _timed(corpus: Corpus, pipeline: Pipeline) -> jobs.Job:
    """Return the job that measures how quickly the model embeds these chunks; False where it cannot be told."""
    texts = compute.every_row(corpus, pipeline).texts()

    def work(task: Task) -> Speed | bool:
        while not _turn.acquire(timeout=0.2):
            if task.cancelled():
                raise Cancelled
        try:
            return speed(pipeline.embedder, texts) or False
        finally:
            _turn.release()

    return jobs.run(speed_key(corpus, pipeline), state.visit(), work)


ROWS = 420
"""Pixels of a long table, whose rows scroll."""
FEWEST = 3
"""Questions that a tag needs for its recall to be told in words."""


def view(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...]) -> None:
    """Draw the chips, the table of costs and quality, failures by tag and question, and how far the models agree."""
    head = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with head:
        some = models.chosen(pipeline)
        models.prices(some)
    if not some:
        st.caption("Choose the models to compare.")
        return
    jobs.attend(state.visit(), keys(corpus, questions, some) | agreement_keys(corpus, some))
    own = pipeline.embedder.fingerprint
    found = [profile(corpus, questions, one, one.embedder.fingerprint == own) for one in some]
    place = st.container()
    table(corpus, found)
    for one in found:
        unsent = one.ready and models.questions_to_send(one.candidate, questions)
        if unsent or ((one.embedding is None or one.embedding.finished.is_set()) and not one.ready):
            models.offer(corpus, one.candidate, questions, one.embedding)
    _take(found, own)
    measured = [one for one in found if one.quality is not None]
    if measured:
        failures(measured)
    elif not any(q.answerable for q in questions):
        st.caption(
            "There is no golden set, so nothing says which model is right; how far they agree is shown below. A dozen "
            "questions with marked passages would settle more."
        )
        st.page_link("pages/4_Golden_set.py", label="Open the golden set", icon=":material/fact_check:")
    waits = [w for one in found for w in one.waits] + agreement_view(corpus, [one for one in found if one.ready])
    with place:
        jobs.bars(waits)


def _take(found: Sequence[Profile], own: str) -> None:
    others = [one.candidate for one in found if one.candidate.embedder.fingerprint != own]
    row = st.container(horizontal=True, gap="small")
    for candidate in others:
        row.button(
            f"Use this model: {plain(candidate.label)}", key=f"take-{candidate.embedder.fingerprint}",
            on_click=models.take,
            args=(candidate,), icon=":material/pan_tool:", type="tertiary", help="Every page then works with it.",
        )  # fmt: skip


def table(corpus: Corpus, found: Sequence[Profile]) -> None:
    """Draw a column a model, a row a measure: quality first, then what it costs."""
    columns = {one.candidate.label: _column(corpus, one, found[0]) for one in found}
    names = dict.fromkeys(name for column in columns.values() for name in column)
    rows = [{"Measure": name} | {label: column.get(name, "") for label, column in columns.items()} for name in names]
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        key=f"beside-{len(columns)}",
        column_config={"Measure": st.column_config.TextColumn(pinned=True, width=190)},
        alt="Models side by side",
    )
    training_note(*(f"{one.candidate.label}: {note}" for one in found if (note := _note(one))))
    k = found[0].candidate.pipeline.k
    told = [f"Dense search, {k} hits, the chunks of the current configuration."]
    measured = [one.quality.evaluation for one in found if one.quality is not None]
    if measured:
        told.append(headline.differ([headline.measure(), *_others(k)]))
        told.append(
            "Brackets are 95 % CIs; questions that share a passage count as one. A difference whose interval holds 0 "
            f"is inconclusive. {headline.said(measured[0].population(headline.unit()))}"
        )
    told.append("Speeds are measured on these chunks, on this machine, one model at a time, while it does other work.")
    if any(corpus_stats.totals(corpus, one.candidate.pipeline).sampled for one in found):
        told.append("What is about so much is estimated from a few documents.")
    st.caption(" ".join(told))


def _column(corpus: Corpus, one: Profile, first: Profile) -> dict[str, str]:
    """Return the measures of a model as they are written."""
    embedder, totals = one.candidate.embedder, corpus_stats.totals(corpus, one.candidate.pipeline)
    k = one.candidate.pipeline.k
    out: dict[str, str] = {}
    if one.quality is not None:
        intervals = one.quality.evaluation.intervals(headline.unit())
        headed = headline.shown(headline.measure(), intervals)[0]
        for name in dict.fromkeys([headed, *_others(k)]):
            if name in intervals:
                out[name] = interval(intervals[name])
        out[f"{headed} less the first model's"] = ""
        if one is not first and first.quality is not None:
            out[f"{headed} less the first model's"] = difference(paired(one.quality, first.quality, headed))
        out["Loses most at"] = _first_step(one.quality)
    out["Dimensions"] = f"{embedder.dimensions:,}"
    out["Max tokens"] = f"{embedder.max_tokens:,}" if embedder.max_tokens else "no limit"
    out["Chunks truncated"] = f"{totals.about}{totals.truncated:,} of {totals.chunks:,}"
    out["Truncated text (not embedded)"] = f"{totals.about}{totals.unseen_share:.1%}"
    if one.speed is not None:
        out["Chunks/s"] = f"{one.speed.texts_a_second:,.0f}"
        out["Tokens/s"] = f"{one.speed.tokens_a_second:,.0f}"
    elif (rate := compute.rate(embedder)) is not None:
        out["Chunks/s"] = f"{rate:,.0f}"
    if (seconds := one.load_seconds) is not None:
        out["Load time"] = f"{seconds:.1f} s"
    index = one.candidate.pipeline.index
    if one.index is not None and len(one.index):
        out["Bytes per vector"] = f"{index.projected_bytes(len(one.index), embedder.dimensions) / len(one.index):,.0f}"
        out["Index"] = size_label(one.index.bytes)
    money = models.price(one.candidate)
    out["Price per 1M tokens, US$"] = "none given" if money is None else f"{money:,.4g}"
    out["Price of these chunks, US$"] = "" if money is None else f"{totals.about}{totals.tokens * money / 1e6:,.4f}"
    return out


def _note(one: Profile) -> str:
    return one.quality.evaluation.judging.note if one.quality is not None else ""


def _others(k: int) -> tuple[str, ...]:
    """Return the measures that stand beside the one of all pages."""
    return METRIC, f"recall@{k}", f"ndcg@{k}"


def interval(one: Interval) -> str:
    """Return `0.812 [0.731, 0.884]`."""
    return f"{one.mean:.3f}" + (f" [{one.low:.3f}, {one.high:.3f}]" if not math.isnan(one.low) else "")


def difference(found: Comparison) -> str:
    """Return `+0.031 [−0.012, +0.075], p 0.18`."""
    between = f" [{found.low:+.3f}, {found.high:+.3f}]" if not math.isnan(found.low) else ""
    p = "p < 0.001" if found.p < 0.001 else f"p {found.p:.3f}"
    return f"{found.difference:+.3f}{between}, {p}".replace("-", "−")


def paired(a: Measured, b: Measured, metric: str) -> Comparison:
    """Return two measurements on the same questions, those that neither has seen in training: a less b."""
    some = a.evaluation, b.evaluation
    judges = judging([any(one) for one in zip(*(e.seen for e in some), strict=True)]).judges
    columns = [e.values[np.array(judges), e.metrics.index(metric)] for e in some]
    questions = list(compress(a.evaluation.questions, judges))
    ids = {document.name: document.id for document in a.evaluation.corpus}
    documents = by_document(questions, headline.unit(), ids)
    return compare(columns[0], columns[1], clusters(questions), documents=documents, bounds=bounds_of(metric))


def _first_step(found: Measured) -> str:
    anatomy = found.anatomy.speaking(headline.unit())
    first = anatomy.first()
    return " or ".join(f"{STEPS[step]} (−{anatomy.steps[step].mean:.3f})" for step in first) or "nothing is lost"


def failures(found: Sequence[Profile]) -> None:
    """Draw recall by tag with its number of questions, and the questions that fail, the worst first."""
    st.subheader("Where they fail")
    left, right = st.columns([1, 1.3], gap="medium")
    with left:
        _tags(found)
    with right:
        _questions(found)


def _tags(found: Sequence[Profile]) -> None:
    by_model = {one.candidate.label: one.quality.anatomy.tags() for one in found if one.quality}
    tags = next(iter(by_model.values()))
    if not tags:
        st.caption("The questions bear no tags, such as negation or exact-code, by which failures could be told apart.")
        return
    rows = [
        {"Tag": tag, "Questions": tags[tag]["questions"]}
        | {label: some[tag]["recall"] for label, some in by_model.items()}
        for tag in tags
    ]
    rows.sort(key=lambda row: min(row[label] for label in by_model))
    st.dataframe(
        rows,
        hide_index=True,
        height=ROWS if len(rows) > 12 else "content",
        key=f"tags-{len(by_model)}",
        column_config={label: st.column_config.NumberColumn(format="%.2f") for label in by_model},
        alt="Recall by tag",
    )
    for label, some in by_model.items():
        known = {tag: one for tag, one in some.items() if one["questions"] >= FEWEST}
        if known:
            tag = min(known, key=lambda t: known[t]["recall"])
            st.caption(
                plain(f"{label} is weakest on {tag}: recall {known[tag]['recall']:.2f} of {known[tag]['questions']}.")
            )


def _questions(found: Sequence[Profile]) -> None:
    qualities = {one.candidate.label: one.quality.evaluation for one in found if one.quality}
    first = next(iter(qualities.values()))
    k = first.pipeline.k
    rows = []
    for i, question in enumerate(first.questions):
        ranks = {label: e.ranks[i] for label, e in qualities.items()}
        missed = sum(rank is None or rank > k for rank in ranks.values())
        deepest = sum(rank or 10_000 for rank in ranks.values())
        if missed:
            cells = {label: "miss" if rank is None else str(rank) for label, rank in ranks.items()}
            rows.append((-missed, -deepest, {"Question": question.text, **cells, "Tags": ", ".join(question.tags)}))
    rows.sort(key=lambda row: row[:2])
    if not rows:
        st.caption(f"Each model finds a relevant chunk within {k} hits for every question.")
        return
    st.dataframe(
        [row for _, _, row in rows],
        hide_index=True,
        height=ROWS if len(rows) > 12 else "content",
        key=f"failing-{len(qualities)}",
        column_config={"Question": st.column_config.TextColumn(width="large")},
        alt="Questions that fail",
    )
    st.caption(
        f"{len(rows):,} of {len(first.questions):,} questions have no relevant chunk within {k} hits with some model. "
        "A cell is the rank of the first relevant chunk; miss: none among those looked at."
    )


MOST = 5_000
"""Chunks whose neighbours are compared; of more, as many drawn at random."""
NEIGHBOURS = 10
DIVIDED = 5
"""Chunks that are shown as text."""
SHOWN = 3
"""Neighbours of each that are shown."""
TEXT = 220


@dataclass(frozen=True, slots=True)
class Agreed:
    """Two models' neighbours of the same chunks: mean overlap and rank-biased overlap, and the chunks that divide them.

    `divided` holds (row, its overlap, its nearest rows by the one, by the other).
    """

    k: int
    n: int
    overlap: float
    rank_biased: float
    divided: tuple[tuple[int, float, tuple[int, ...], tuple[int, ...]], ...]


def agreement_key(corpus: Corpus, a: Candidate, b: Candidate) -> tuple[Any, ...]:
    """Return what decides how far two models agree."""
    return "agreement", corpus, a.pipeline.splitter, a.embedder, b.embedder


def agreement_keys(corpus: Corpus, some: Sequence[Candidate]) -> set[Any]:
    """Return the keys of all pairs."""
    return {agreement_key(corpus, a, b) for a, b in combinations(some, 2)}


def agreement_view(corpus: Corpus, found: Sequence[Profile]) -> list[Awaited]:
    """Draw the pairs in a table, and the chunks that divide the clicked pair; return what is still awaited."""
    if len(found) < 2:
        return []
    pairs = [(a.candidate, b.candidate) for a, b in combinations(found, 2)]
    work = [_compared(corpus, a, b) for a, b in pairs]
    for job in work:
        job.wait()
    done = [(a, b, job.result) for (a, b), job in zip(pairs, work, strict=True) if isinstance(job.result, Agreed)]
    if done:
        st.subheader("Do they agree?", help="No labels are needed: each chunk is asked for its nearest others.")
        _table_and_text(corpus, done)
    return [
        (f"Agreement of {a.label} and {b.label}", agreement_key(corpus, a, b), job)
        for (a, b), job in zip(pairs, work, strict=True)
    ]


def _compared(corpus: Corpus, a: Candidate, b: Candidate) -> jobs.Job:
    store = state.store()
    rows = compute.every_row(corpus, a.pipeline)

    def work(task: Task) -> Agreed:
        vectors = [pipelines.embedded(rows, one.embedder, store) for one in (a, b)]
        drawn = sample(len(rows), MOST)
        return agreed(vectors[0][drawn], vectors[1][drawn], drawn)

    return jobs.run(agreement_key(corpus, a, b), state.visit(), work)


def agreed(a: Any, b: Any, drawn: Rows) -> Agreed:
    """Return two models' vectors of the rows that were drawn, compared."""
    found = agreement(a, b, NEIGHBOURS)
    if not found.k:
        return Agreed(0, len(drawn), 1.0, 1.0, ())
    divided = tuple(
        (
            int(drawn[i]),
            float(found.overlap[i]),
            tuple(drawn[found.first[i, :SHOWN]].tolist()),
            tuple(drawn[found.second[i, :SHOWN]].tolist()),
        )
        for i in found.disagreements(DIVIDED).tolist()
    )
    return Agreed(found.k, len(drawn), float(np.mean(found.overlap)), float(np.mean(found.rank_biased)), divided)


def _table_and_text(corpus: Corpus, done: Sequence[tuple[Candidate, Candidate, Agreed]]) -> None:
    rows = [
        {"Models": f"{a.label} and {b.label}", "Overlap@10": found.overlap, "Rank-biased overlap": found.rank_biased}
        for a, b, found in done
    ]
    k, n = done[0][2].k, done[0][2].n
    chosen = 0
    left, right = st.columns([1, 1.8], gap="medium")
    with left:
        if k == 0:
            st.caption("One chunk alone has no neighbours to compare.")
            return
        event = st.dataframe(
            rows,
            hide_index=True,
            height="content",
            key=f"agreement-{len(rows)}",
            on_select="rerun",
            selection_mode="single-row",
            column_config={
                "Models": st.column_config.TextColumn(width="large"),
                "Overlap@10": st.column_config.NumberColumn(format="%.2f"),
                "Rank-biased overlap": st.column_config.NumberColumn(format="%.2f"),
            },
            alt="Agreement of each two models",
        )
        if event.selection.rows and event.selection.rows[0] < len(done):
            chosen = event.selection.rows[0]
        whole = len(compute.every_row(corpus, done[0][0].pipeline))
        drawn = f"{n:,} of {whole:,} chunks, drawn at random" if n < whole else f"{n:,} chunks"
        st.caption(
            f"Shares of each chunk's {k} nearest others that both models name, 0 to 1, mean of {drawn}; rank-biased "
            "overlap (p 0.9) weighs the first ranks more. Agreement says not who is right: where it is low, look."
        )
    a, b, found = done[chosen]
    with right:
        st.html(f"<style>{STYLE}</style>{_divided(corpus, a, b, found)}")


def _divided(corpus: Corpus, a: Candidate, b: Candidate, found: Agreed) -> str:
    """Return HTML: the chunks on which two models agree least, each with its nearest by either."""
    rows = compute.every_row(corpus, a.pipeline)
    parts = [
        f"<div class='facts'>The chunks that divide <b>{escape(a.label)}</b> and <b>{escape(b.label)}</b> most</div>"
    ]
    for row, overlap, first, second in found.divided:
        sides = "".join(
            f"<div><i>nearest by {escape(label)}</i>{''.join(_text(corpus, rows, r) for r in near)}</div>"
            for label, near in ((a.label, first), (b.label, second))
        )
        parts.append(
            f"<details class='divided'><summary>{_text(corpus, rows, row)}"
            f"<span>{overlap:.0%} in common</span></summary>"
            f"<div class='sides'>{sides}</div></details>"
        )
    return "".join(parts)


def _text(corpus: Corpus, rows: Collection, row: int) -> str:
    span = rows.span(row)
    return f"<p><b>{escape(corpus.document(span.document).name)}</b> {escape(snippet(corpus[span], TEXT))}</p>"


STYLE = """
.divided { border-top: 1px solid rgba(128, 128, 128, .25); padding: .3rem 0; font-size: .85rem; line-height: 1.45 }
.divided summary { cursor: pointer; display: flex; gap: .8rem; justify-content: space-between; align-items: baseline }
.divided summary span { opacity: .75; white-space: nowrap; font-variant-numeric: tabular-nums }
.divided p { margin: .15rem 0; overflow-wrap: anywhere; white-space: normal }
.divided .sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; padding: .3rem 0 .3rem 1rem; opacity: .9 }
.divided i { font-style: normal; opacity: .7 }
"""
