"""Models side by side on the same chunks: what they cost, what they find, where they lose."""

import math
from collections.abc import Sequence
from itertools import compress

import numpy as np
import streamlit as st

from workbench.anatomy import STEPS
from workbench.documents import Corpus
from workbench.metrics import bounds_of
from workbench.pipelines import Pipeline
from workbench.records import Question, judging
from workbench.statistics import Comparison, Interval, by_document, clusters, compare
from workbench.sweeps import METRIC
from workbench.ui import countings, headline, jobs, live, population
from workbench.ui.experiments.evaluation import Measured
from workbench.ui.modelling import agreeing, profiles, rivals, waiting
from workbench.ui.modelling.profiles import Profile
from workbench.ui.shell import plain, size_label, training_note

ROWS = 420
"""Pixels of a long table, whose rows scroll."""
FEWEST = 3
"""Questions that a tag needs for its recall to be told in words."""


def view(corpus: Corpus, pipeline: Pipeline, questions: tuple[Question, ...]) -> None:
    """The chips, the table of costs and quality, failures by tag and question, and how far the models agree."""
    head = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with head:
        some = rivals.chosen(pipeline)
        rivals.prices(some)
    if not some:
        st.caption("Choose the models to compare.")
        return
    jobs.attend(live.visit(), profiles.keys(corpus, questions, some) | agreeing.keys(corpus, some))
    own = pipeline.embedder.fingerprint
    found = [profiles.profile(corpus, questions, one, one.embedder.fingerprint == own) for one in some]
    place = st.container()
    table(corpus, found)
    for one in found:
        unsent = one.ready and rivals.questions_to_send(one.rival, questions)
        if unsent or ((one.embedding is None or one.embedding.finished.is_set()) and not one.ready):
            rivals.offer(corpus, one.rival, questions, one.embedding)
    _take(found, own)
    measured = [one for one in found if one.quality is not None]
    if measured:
        failures(measured)
    elif not any(q.answerable for q in questions):
        st.caption(
            "There is no golden set, so nothing says which model is right; how far they agree is told below. A dozen "
            "questions with marked passages would settle more."
        )
        st.page_link("pages/4_Golden_set.py", label="Open the golden set", icon=":material/fact_check:")
    waits = [w for one in found for w in one.waits] + agreeing.view(corpus, [one for one in found if one.ready])
    with place:
        waiting.bars(waits)


def _take(found: Sequence[Profile], own: str) -> None:
    others = [one.rival for one in found if one.rival.embedder.fingerprint != own]
    row = st.container(horizontal=True, gap="small")
    for rival in others:
        row.button(
            f"Use this model: {plain(rival.label)}", key=f"take-{rival.embedder.fingerprint}", on_click=rivals.take,
            args=(rival,), icon=":material/pan_tool:", type="tertiary", help="Every page then works with it.",
        )  # fmt: skip


def table(corpus: Corpus, found: Sequence[Profile]) -> None:
    """A column a model, a row a measure: quality first, then what it costs."""
    columns = {one.rival.label: _column(corpus, one, found[0]) for one in found}
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
    training_note(*(f"{one.rival.label}: {note}" for one in found if (note := _note(one))))
    k = found[0].rival.pipeline.k
    told = [f"Dense search, {k} hits, the chunks of the current configuration."]
    measured = [one.quality.evaluation for one in found if one.quality is not None]
    if measured:
        told.append(headline.differ([headline.measure(), *_others(k)]))
        told.append(
            "Brackets are 95 % CIs; questions that share a passage count as one. A difference whose interval holds 0 "
            f"is inconclusive. {population.said(measured[0].population(population.unit()))}"
        )
    told.append("Speeds are measured on these chunks, on this machine, one model at a time, while it does other work.")
    if any(countings.totals(corpus, one.rival.pipeline).sampled for one in found):
        told.append("What is about so much is estimated from a few documents.")
    st.caption(" ".join(told))


def _column(corpus: Corpus, one: Profile, first: Profile) -> dict[str, str]:
    """The measures of a model as they are written."""
    embedder, totals = one.rival.embedder, countings.totals(corpus, one.rival.pipeline)
    k = one.rival.pipeline.k
    out: dict[str, str] = {}
    if one.quality is not None:
        intervals = one.quality.evaluation.intervals(population.unit())
        headed = headline.shown(headline.measure(), intervals)[0]
        for name in dict.fromkeys([headed, *_others(k)]):
            if name in intervals:
                out[name] = interval(intervals[name])
        out[f"{headed} less the first model's"] = ""
        if one is not first and first.quality is not None:
            out[f"{headed} less the first model's"] = difference(paired(one.quality, first.quality, headed))
        out["Loses most at"] = _first_step(one.quality)
    out["Dimensions"] = f"{embedder.dimensions:,}"
    out["Tokens at most"] = f"{embedder.max_tokens:,}" if embedder.max_tokens else "no limit"
    out["Chunks truncated"] = f"{totals.about}{totals.truncated:,} of {totals.chunks:,}"
    out["Text never seen"] = f"{totals.about}{totals.unseen_share:.1%}"
    if one.speed is not None:
        out["Chunks a second"] = f"{one.speed.texts_a_second:,.0f}"
        out["Tokens a second"] = f"{one.speed.tokens_a_second:,.0f}"
    elif (rate := live.rate(embedder)) is not None:
        out["Chunks a second"] = f"{rate:,.0f}"
    if (seconds := one.load_seconds) is not None:
        out["Loading it took"] = f"{seconds:.1f} s"
    index = one.rival.pipeline.index
    if one.index is not None and len(one.index):
        out["Bytes a vector"] = f"{index.projected_bytes(len(one.index), embedder.dimensions) / len(one.index):,.0f}"
        out["Index"] = size_label(one.index.bytes)
    money = rivals.price(one.rival)
    out["US$ for a million tokens"] = "none given" if money is None else f"{money:,.4g}"
    out["US$ for these chunks"] = "" if money is None else f"{totals.about}{totals.tokens * money / 1e6:,.4f}"
    return out


def _note(one: Profile) -> str:
    return one.quality.evaluation.judging.note if one.quality is not None else ""


def _others(k: int) -> tuple[str, ...]:
    """The measures that stand beside the one of all pages."""
    return METRIC, f"recall@{k}", f"ndcg@{k}"


def interval(one: Interval) -> str:
    """`0.812 [0.731, 0.884]`."""
    return f"{one.mean:.3f}" + (f" [{one.low:.3f}, {one.high:.3f}]" if not math.isnan(one.low) else "")


def difference(found: Comparison) -> str:
    """`+0.031 [−0.012, +0.075], p 0.18`."""
    between = f" [{found.low:+.3f}, {found.high:+.3f}]" if not math.isnan(found.low) else ""
    p = "p < 0.001" if found.p < 0.001 else f"p {found.p:.3f}"
    return f"{found.difference:+.3f}{between}, {p}".replace("-", "−")


def paired(a: Measured, b: Measured, metric: str) -> Comparison:
    """Two measurements on the same questions, those that neither has seen in training: a less b."""
    some = a.evaluation, b.evaluation
    judges = judging([any(one) for one in zip(*(e.seen for e in some), strict=True)]).judges
    columns = [e.values[np.array(judges), e.metrics.index(metric)] for e in some]
    questions = list(compress(a.evaluation.questions, judges))
    ids = {document.name: document.id for document in a.evaluation.corpus}
    documents = by_document(questions, population.unit(), ids)
    return compare(columns[0], columns[1], clusters(questions), documents=documents, bounds=bounds_of(metric))


def _first_step(found: Measured) -> str:
    anatomy = found.anatomy.speaking(population.unit())
    first = anatomy.first()
    return " or ".join(f"{STEPS[step]} (−{anatomy.steps[step].mean:.3f})" for step in first) or "nothing is lost"


def failures(found: Sequence[Profile]) -> None:
    """Recall by tag with its number of questions, and the questions that fail, the worst first."""
    st.subheader("Where they fail")
    left, right = st.columns([1, 1.3], gap="medium")
    with left:
        _tags(found)
    with right:
        _questions(found)


def _tags(found: Sequence[Profile]) -> None:
    by_model = {one.rival.label: one.quality.anatomy.tags() for one in found if one.quality}
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
    qualities = {one.rival.label: one.quality.evaluation for one in found if one.quality}
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
