"""Two parsers on one document side by side: what each keeps, loses and takes, and what it does to the score."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import Any

import streamlit as st

from workbench.anatomy import explain
from workbench.documents import Corpus, Document
from workbench.errors import DocumentError, WorkbenchError
from workbench.evaluations import evaluate
from workbench.parsers import PARSERS, Auto, Comparison, Parser, PdfPlumber, PyPdf, Unstructured, compare
from workbench.parsers.comparison import Change
from workbench.pipelines import Pipeline
from workbench.records import Question
from workbench.specs import to_dict
from workbench.statistics import Population
from workbench.store import Store
from workbench.tasks import Task
from workbench.ui import headline, jobs, state
from workbench.ui.documents import show
from workbench.ui.forms import control
from workbench.ui.layout import cells, plain, status_bar, training_note

A_PAGE = 40
"""Changes that are shown at once."""
LONGEST = 280
"""Characters of a change that are shown; the rest is counted."""
AROUND = 40
"""Characters of text before and after a change."""
WORDS = 40
"""Words of a kind, lost or gained, that are listed."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What two parsers made of a file: a document, or why there is none, and the seconds that reading took."""

    documents: tuple[Document | None, Document | None]
    reasons: tuple[str, str]
    seconds: tuple[float, float]
    comparison: Comparison | None


def parsers(corpus: Corpus, shown: Document) -> None:
    """Draw two parsers to choose, what they make of the document, and what to do about it."""
    first, second = _choices(shown)
    job = _reading(shown, CHOICES[first], CHOICES[second])
    asked = st.session_state.get(ASKED) == [corpus.id, first, second]
    measuring = started(corpus, first, second) if asked else None
    jobs.attend(state.visit(), {_key(shown, CHOICES[first], CHOICES[second]), key(corpus, first, second)})
    job.wait()
    if not job.finished.is_set():
        _waiting("Two parsers read the document", job)
    elif job.result is None:
        st.error(plain(job.error), icon=":material/error:")
    else:
        _shown(shown, job.result, first, second)
    on_golden(corpus, first, second, measuring)


def _choices(shown: Document) -> tuple[str, str]:
    """Return the names of two parsers; the second is another engine than the one in use, as long as nobody chose."""
    names = [*CHOICES] if shown.media_type == "application/pdf" else ["auto", "unstructured"]
    more = [f"**{kind}** could be compared too: {told}." for kind, cls in PARSERS.items() if (told := cls.missing())]
    left, right = st.columns(2, gap="small")
    chosen = []
    for column, key, default in (
        (left, "parser-a", "auto"),
        (right, "parser-b", names[-1] if len(names) == 2 else "pypdf"),
    ):
        wanted = st.session_state.get(f"{key}-chosen", default)
        current = wanted if wanted in names else default
        control(
            column.selectbox, "First parser" if key == "parser-a" else "Second parser", key, current,
            partial(_chose, key), options=names, help="  \n".join(more) or None,
        )  # fmt: skip
        chosen.append(current)
    return chosen[0], chosen[1]


def _chose(key: str, name: str) -> None:
    st.session_state[f"{key}-chosen"] = name
    st.session_state["parser-changes"] = 0


# --- one document


def _key(shown: Document, first: Parser, second: Parser) -> tuple[Any, ...]:
    return "parsers", shown.source, shown.name, first, second


def _reading(shown: Document, first: Parser, second: Parser) -> jobs.Job:
    workspace = state.workspace()
    source = next((s for s in workspace.sources if s.id == shown.source), None)
    if source is None:
        raise DocumentError(f"{shown.name} is no longer in the workspace; someone may have removed it")
    data = workspace.content(source)

    def work(task: Task) -> Read:
        documents: list[Document | None] = []
        reasons, seconds = [], []
        for done, parser in enumerate((first, second)):
            task.report(done, 2)
            begun = time.perf_counter()  # read anew, not from the store: its time is asked for
            try:
                documents.append(workspace.parse(source.name, data, parser))
                reasons.append("")
            except WorkbenchError as error:
                documents.append(None)
                reasons.append(str(error))
            seconds.append(time.perf_counter() - begun)
        a, b = documents
        both = compare(a, b, (seconds[0], seconds[1]), WORDS) if a is not None and b is not None else None
        return Read((a, b), (reasons[0], reasons[1]), (seconds[0], seconds[1]), both)

    return jobs.run(_key(shown, first, second), state.visit(), work)


def _shown(shown: Document, read: Read, first: str, second: str) -> None:
    for column, name, document, reason, seconds in zip(
        st.columns(2, gap="small"), (first, second), read.documents, read.reasons, read.seconds, strict=True
    ):
        with column:
            if document is None:
                st.warning(plain(reason), icon=":material/block:")
                continue
            status_bar(f"{len(document.text):,} characters", f"{seconds:.2f} s", document.parser)
            _use(shown, name)
    found = read.comparison
    a, b = read.documents
    if found is None or a is None or b is None:
        return
    status_bar(
        f"{found.similarity:.1%} of words alike and in order",
        f"{found.words[0]:,} and {found.words[1]:,} words",
        f"{len(found.changes):,} places differ",
    )
    kinds = [
        {"Section": kind, first: counts[0], f"{second}{' ' if first == second else ''}": counts[1]}
        for kind, counts in found.sections.items()
    ]
    view = st.segmented_control(
        "Shown", ["Text", "Sections", "Tables", "Words"], default="Text", key="parser-view",
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    if view == "Sections":
        st.dataframe(kinds, hide_index=True, height="content", placeholder="", key="csv-parser-sections")
    elif view == "Tables":
        _tables(a, b)
    elif view == "Words":
        _words(found)
    else:
        _changes(a, b, found.changes)


def _use(shown: Document, name: str) -> None:
    if not state.workspace().writable:
        return
    row = st.container(horizontal=True, gap="small")
    row.button(
        "Use for this document", key=f"use-one-{name}", on_click=_use_one, args=(shown, name), type="tertiary",
        icon=":material/check:", help=None if state.pipeline().parser == Auto() else
        "Counts once the parser of all documents is auto, which leaves each to its own.",
    )  # fmt: skip
    row.button(
        "Use for all", key=f"use-all-{name}", on_click=_use_all, args=(name,), type="tertiary",
        icon=":material/done_all:", help="The parser of the current configuration; names files that it cannot read.",
    )  # fmt: skip


def _use_one(shown: Document, name: str) -> None:
    if state.tried(lambda: state.workspace().choose_parser(shown.source, CHOICES[name])):
        show(shown.source)


def _use_all(name: str) -> None:
    state.put("parser", to_dict(CHOICES[name]))


def _changes(a: Document, b: Document, changes: Sequence[Change]) -> None:
    """Draw the places where the texts differ, in their order: − what only the first has, + what only the second."""
    if not changes:
        st.caption("Word by word the texts are the same.")
        return
    first = min(st.session_state.get("parser-changes", 0), (len(changes) - 1) // A_PAGE * A_PAGE)
    some = changes[first : first + A_PAGE]
    st.html(f"<style>{_STYLE}</style><div class='diff'>{''.join(_change(a, b, one) for one in some)}</div>")
    row = st.container(horizontal=True, gap="small", vertical_alignment="center")

    def step(by: int) -> None:
        st.session_state["parser-changes"] = max(0, first + by)

    row.button("Earlier", key="changes-earlier", on_click=step, args=(-A_PAGE,), disabled=first == 0, type="tertiary")
    last = first + A_PAGE >= len(changes)
    row.button("Later", key="changes-later", on_click=step, args=(A_PAGE,), disabled=last, type="tertiary")
    row.caption(
        f"Places {first + 1:,} to {first + len(some):,} of {len(changes):,}; each cut after {LONGEST} characters."
    )


def _change(a: Document, b: Document, one: Change) -> str:
    (i, j), (k, m) = one.first, one.second
    page = a.page_at(i)
    before, after = a.text[max(0, i - AROUND) : i], a.text[j : j + AROUND]
    gone = f"<del><b>−</b>{_text(a.text[i:j])}</del>" if i < j else ""
    new = f"<ins><b>+</b>{_text(b.text[k:m])}</ins>" if k < m else ""
    where = f"page {page}, " if page else ""
    return (
        f"<p><small>{where}{i:,}</small> <span>{escape(' '.join(before.split()))}</span> {gone}{new} "
        f"<span>{escape(' '.join(after.split()))}</span></p>"
    )


def _text(text: str) -> str:
    shown = " ".join(text.split())
    more = f" … {len(shown) - LONGEST:,} more" if len(shown) > LONGEST else ""
    return escape(shown[:LONGEST]) + more


def _tables(a: Document, b: Document) -> None:
    columns = st.columns(2, gap="small")
    for column, document in zip(columns, (a, b), strict=True):
        tables = [s for s in document.sections if s.kind == "table"]
        with column:
            st.caption(f"{len(tables):,} tables" + (", the first 5" if len(tables) > 5 else ""))
            for table in tables[:5]:
                st.code(document[table.span][:2_000], language=None, wrap_lines=False, height=180)


def _words(found: Comparison) -> None:
    columns = st.columns(2, gap="small")
    for column, title, some in zip(
        columns, ("Only in the first", "Only in the second"), (found.missing, found.added), strict=True
    ):
        with column:
            st.caption(f"{title}, the {WORDS} most frequent; words that moved are in neither")
            rows = cells({"Word": word, "Times": times} for word, times in some)
            st.dataframe(rows, hide_index=True, height=300, key=f"csv-words-{title}")


_STYLE = """
.diff { max-height: 560px; overflow: auto; border: 1px solid color-mix(in srgb, currentColor 16%, transparent);
  border-radius: 6px; padding: .3rem .7rem; font-size: .85rem; line-height: 1.5 }
.diff p { margin: .25rem 0; overflow-wrap: anywhere }
.diff span { opacity: .65 }
.diff small { opacity: .65; font-variant-numeric: tabular-nums; margin-right: .4rem }
.diff del, .diff ins { border-radius: 3px; padding: 0 .2rem; margin-right: .25rem }
.diff del { background: rgba(213, 94, 0, .16); text-decoration: line-through }
.diff ins { background: rgba(0, 114, 178, .16); text-decoration: underline }
.diff b { margin-right: .25rem; text-decoration: none; display: inline-block }
"""


CHOICES: dict[str, Parser] = {
    "auto": Auto(),
    "auto, headers and footers dropped": Auto(furniture="drop"),
    "pypdf": PyPdf(),
    "pypdf, as placed on the page": PyPdf(mode="layout"),
    **({} if PdfPlumber.missing() else {"pdfplumber": PdfPlumber()}),
    "unstructured": Unstructured(),
}
ASKED = "parsers-scored"
"""Session state: the corpus and the two parsers that were last asked to be measured."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A parser on the golden set: the measure of all pages with its interval, and recall lost by the parser."""

    name: str
    documents: int
    characters: int
    metric: str
    mean: float
    low: float
    high: float
    parse_loss: float
    lost: int
    passages: int
    seconds: float
    speaks: Population
    note: str = ""


def key(corpus: Corpus, first: str, second: str) -> tuple[Any, ...]:
    """Return what decides a measurement of two parsers."""
    golden = state.workspace().golden.history.current
    return "parsers-golden", corpus, first, second, state.pipeline(), golden, headline.measure(), headline.unit()


def on_golden(corpus: Corpus, first: str, second: str, job: jobs.Job | None) -> None:
    """Draw recall and the parser's own loss under both, on every document that has questions."""
    questions = [q for q in state.questions(corpus) if q.answerable]
    if not questions:
        st.caption("With a golden set, both parsers can be measured by what they let be found.")
        return
    if job is None:
        st.button(
            f"Measure both on {len(questions):,} golden questions", key="score-parsers", icon=":material/science:",
            on_click=_ask_scores, args=(corpus.id, first, second),
            help="Reads every document with both parsers, finds the golden passages again, embeds and searches.",
        )  # fmt: skip
        return
    job.wait()
    if not job.finished.is_set():
        _waiting("Measuring both parsers", job)
    elif job.result is None:
        st.error(plain(job.error), icon=":material/error:")
    else:
        _scores(job.result)


def _ask_scores(corpus: str, first: str, second: str) -> None:
    st.session_state[ASKED] = [corpus, first, second]


def started(corpus: Corpus, first: str, second: str) -> jobs.Job:
    """Return the job that measures both, one after the other."""
    workspace, store, pipeline = state.workspace(), state.store(), state.pipeline()
    metric, unit = headline.measure(), headline.unit()  # the job's thread has no session

    def work(task: Task) -> list[Scored]:
        out = []
        for done, name in enumerate(dict.fromkeys((first, second))):
            task.report(done, 2)
            parser = CHOICES[name]
            begun = time.perf_counter()
            read, _ = workspace.corpus(parser)
            anchored = workspace.golden.read(read)
            own = replace(pipeline, parser=parser)
            out.append(_scored(name, own, read, anchored.questions, metric, unit, store, begun))
        return out

    return jobs.run(key(corpus, first, second), state.visit(), work)


def _scored(
    name: str,
    pipeline: Pipeline,
    corpus: Corpus,
    questions: Sequence[Question],
    metric: str,
    unit: str | None,
    store: Store,
    begun: float,
) -> Scored:
    found = evaluate(corpus, questions, pipeline, [metric], store=store)
    anatomy = explain(found, store)
    one = found.intervals(unit)[metric]
    lost = sum(len(q.lost) for q in found.questions)
    return Scored(
        name=name,
        documents=len(corpus),
        characters=corpus.characters,
        metric=metric,
        mean=one.mean,
        low=one.low,
        high=one.high,
        parse_loss=anatomy.steps["parse"].mean,
        lost=lost,
        passages=lost + sum(len(q.references) for q in found.questions),
        seconds=time.perf_counter() - begun,
        speaks=found.population(unit),
        note=found.judging.note,
    )


def _scores(found: Sequence[Scored]) -> None:
    metric = found[0].metric
    rows = [
        {
            "Parser": one.name,
            metric: f"{one.mean:.3f}",
            "95 % CI": f"{one.low:.3f} to {one.high:.3f}" if one.low == one.low else "",
            "Lost by the parser": f"{one.parse_loss:.3f}",
            "Passages without a place": f"{one.lost:,} of {one.passages:,}",
            "Documents read": one.documents,
            "Characters": one.characters,
            "Seconds": round(one.seconds, 1),
        }
        for one in found
    ]
    st.dataframe(
        rows, hide_index=True, height="content", key="csv-parser-scores",
        column_config={
            metric: st.column_config.TextColumn(help=headline.definition(metric)),
            "Characters": st.column_config.NumberColumn(format="localized"),
        },
    )  # fmt: skip
    st.caption(
        "Lost by the parser: recall that no chunk can bring back, because the parsed text does not hold the passage. "
        "Seconds hold reading, embedding and searching; what the store held cost nothing. "
        f"{headline.said(found[0].speaks)} Whether a difference is real, a sweep over parsers tells on Experiments."
    )
    training_note(*(one.note for one in found))


def _waiting(what: str, job: jobs.Job) -> None:
    """Draw how far work on two parsers is, and the page again when it is done."""
    jobs.watch([(what, what, job)], lambda label, job: f"{label}: {min(job.done + 1, 2)} of 2", "")
