"""A sweep: planned from chips, priced before it starts, then watched, paused, stopped and resumed."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
import yaml

from workbench.documents import Corpus
from workbench.embedders import Remote, embedder_for
from workbench.errors import SpecError, WorkbenchError
from workbench.parsers import Parser
from workbench.pipelines import REGISTRIES, Pipeline, from_mapping, read_yaml, to_mapping, write_yaml
from workbench.records import Question, Run
from workbench.records.runs import write_whole
from workbench.settings import team_mode
from workbench.specs import to_dict
from workbench.splitters.chunk_cache import is_large
from workbench.splitters.pieces import CHARACTERS
from workbench.store import Store
from workbench.sweeps import Cost, Expansion, Grid, Progress, Results, Skipped, cost, expand, sweep
from workbench.sweeps.embedding_cost import SECONDS_A_RUN
from workbench.tasks import Task
from workbench.ui import compute, corpus_stats, forms, state
from workbench.ui.experiments import sweep_jobs
from workbench.ui.experiments.evaluation import held_out_ids, metrics
from workbench.ui.layout import duration, guarded, plain, size_label
from workbench.workspaces.experiments import remember

_CHARACTERS_PER_CHUNK = 700.0  # turns chunks/s, which the app measures, into characters/s


@lru_cache(maxsize=8)
def _cost(corpus: Corpus, pipelines: tuple[Pipeline, ...], store: Store, filled: int) -> Cost:
    """Return the sweep's cost. `filled` changes when a sweep has filled the store; a large corpus is estimated."""
    if is_large(corpus):
        return _estimated(corpus, pipelines)
    embedders = {p.embedder.full.fingerprint: p.embedder for p in pipelines}
    rates = {
        key: speed * _CHARACTERS_PER_CHUNK for key, e in embedders.items() if (speed := compute.rate(e)) is not None
    }
    return cost(corpus, pipelines, store, rates)


def _estimated(corpus: Corpus, pipelines: Sequence[Pipeline]) -> Cost:
    """Estimate from some documents, as if nothing were embedded yet and no two configurations shared a chunk."""
    each = {(p.splitter, p.embedder.full): p for p in pipelines if p.retriever.needs_vectors}
    chunks = tokens = 0
    seconds: float | None = SECONDS_A_RUN * len(pipelines)
    for pipeline in each.values():
        found, speed = corpus_stats.totals(corpus, pipeline), compute.rate(pipeline.embedder)
        chunks, tokens = chunks + found.chunks, tokens + found.tokens
        seconds = seconds + found.chunks / speed if seconds is not None and speed else None
    return Cost(len(pipelines), chunks, tokens, seconds)


def estimate(
    corpus: Corpus,
    questions: Sequence[Question],
    expansion: Expansion,
    done: int,
    task: sweep_jobs.Task | None,
    runs: Sequence[Run],
) -> None:
    """Draw the number of runs, chunks to embed, the time, what leaves this machine, and what was skipped and why."""
    n = len(expansion.pipelines)
    filled = 0 if task is None else 1 + task.finished.is_set()
    found = _cost(corpus, expansion.pipelines, state.store(), filled)
    asked = sum(q.answerable for q in questions)
    parts = [f"**{n:,} configurations × {asked:,} questions**"]
    parts.append(f"{done:,} measured already" if done else "none measured yet")
    nearly = "at most about " if is_large(corpus) else ""
    new = f"{nearly}{found.chunks:,} chunks to embed, about {found.tokens:,} tokens"
    parts.append(new if found.chunks else "no chunk is new")
    if found.seconds is not None and done < n:
        parts.append(f"about {duration(found.seconds - SECONDS_A_RUN * n + _usual(runs) * (n - done))}")
    elif done < n:
        parts.append("time is known once the model has embedded some chunks here")
    if expansion.repeated:
        parts.append(f"{expansion.repeated:,} combinations came out the same")
    st.markdown(" · ".join(parts))
    hosts = {p.embedder.remote.endpoint.host for p in expansion.pipelines if isinstance(p.embedder, Remote)}
    if hosts and done < n:
        st.caption(f"Measuring sends chunks that are new, and the questions, to {plain(', '.join(sorted(hosts)))}.")
    if expansion.skipped:
        skipped_rows(expansion.skipped)


def _usual(runs: Sequence[Run]) -> float:
    """Return the seconds of evaluating one configuration here without embedding: the median of the kept runs."""
    own = sorted(run.seconds_in_all - run.seconds.get("embed", 0.0) for run in runs)
    return own[len(own) // 2] if own else SECONDS_A_RUN


def skipped_rows(skipped: Sequence[Skipped]) -> None:
    """Draw the combinations that cannot be, each with the reason."""
    with st.expander(f"{len(skipped):,} combinations cannot be", icon=":material/block:"):
        rows = [{"Combination": ", ".join(f"{k} {v}" for k, v in s.settings.items()), "Why": s.reason} for s in skipped]
        st.dataframe(rows[:200], hide_index=True, key="sweep-skipped")


SIZES = {"tokens": [100, 150, 200, 300, 400, 600, 800], CHARACTERS: [400, 600, 800, 1200, 1600, 2400, 3200]}
OVERLAPS = ["0%", "10%", "20%", "25%", "50%"]
MOST_RUNS = 1_000
PLAN = "plan.yaml"
"""The pipelines of the last sweep into a folder, with which it resumes after a restart."""


def axes(base: Pipeline) -> Grid | None:
    """Return the grid that the chips describe around the current configuration; None, and an error, if invalid."""
    unit = base.splitter.unit
    sizes = [str(n) for n in dict.fromkeys([*SIZES[unit], base.splitter.chunk_size])]
    left, middle, right = st.columns([1.2, 1, 1], gap="small")
    with left:
        some = _begin(base, "size", _some_sizes(base))
        chosen = _chips(f"Chunk size, {unit}", sorted({*sizes, *some}, key=int), some, "size", new=True)
        overlaps = _chips("Overlap", OVERLAPS, _begin(base, "overlap", ["0%", "25%"]), "overlap", new=True)
    with middle:
        kinds = _chips("Splitter", list(REGISTRIES["splitter"]), [base.splitter.kind], "kind", forms.labels("splitter"))
        some = _begin(base, "retriever", [base.retriever.kind])
        retrievers = _chips("Retriever", list(REGISTRIES["retriever"]), some, "retriever", forms.labels("retriever"))
    with right:
        embedders = _chips("Model", forms.model_names(), [base.embedder.source.name], "model")
        with st.popover("Anything else", icon=":material/tune:", width="stretch"):
            st.caption(
                "More paths with their values, as YAML: any field of any part, such as "
                "`splitter.header: [none, path]`, `embedder.dtype: [float32, bfloat16]`, `parser: [auto, pypdf]`, "
                "`index: [flat, hnsw]`, `k: [3, 5, 10]`."
            )
            given = _begin(base, "more", "")
            more = st.text_area("Vary also", given, key="sweep-more", height=110, persist_state="session")
    try:
        vary: dict[str, Any] = {
            "splitter.kind": kinds,
            "splitter.chunk_size": [_whole(text) for text in chosen],
            "splitter.chunk_overlap": [int(text) if text.isdigit() else text for text in overlaps],
            "embedder": [to_dict(embedder_for(name)) for name in embedders],
            "retriever": retrievers,
            **_more(more),
        }
        return Grid(to_mapping(base), {path: values for path, values in vary.items() if values})
    except WorkbenchError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def _some_sizes(base: Pipeline) -> list[str]:
    """Return the current chunk size, half of it and twice it."""
    size = base.splitter.chunk_size
    return [str(n) for n in dict.fromkeys([max(16, size // 2), size, size * 2])]


PROPOSED = "sweep-proposed"
"""Session state: what the chips begin with, by name, where a finding has opened the sweep; and for which pipeline."""

_CHIPS = {
    "splitter.chunk_size": "size",
    "splitter.chunk_overlap": "overlap",
    "splitter.kind": "kind",
    "embedder": "model",
    "retriever": "retriever",
}


def propose(vary: Mapping[str, Any]) -> None:
    """Let the chips start from what a planned sweep varies, and from the current configuration for the rest."""
    base = state.pipeline()
    more = {path: values for path, values in vary.items() if path not in _CHIPS}
    begin: dict[str, Any] = {
        "size": [str(base.splitter.chunk_size)],
        "overlap": [str(base.splitter.chunk_overlap)],
        **{_CHIPS[path]: [str(value) for value in values] for path, values in vary.items() if path in _CHIPS},
        "more": yaml.safe_dump(more, default_flow_style=None) if more else "",
    }
    for name in (*_CHIPS.values(), "more"):
        st.session_state.pop(f"sweep-{name}", None)
    st.session_state[PROPOSED] = {"pipeline": base.fingerprint, **begin}


def _begin(base: Pipeline, name: str, default: Any) -> Any:
    """Return what a chip starts from: what was proposed for this pipeline, or else its default."""
    proposed = st.session_state.get(PROPOSED, {})
    return proposed.get(name, default) if proposed.get("pipeline") == base.fingerprint else default


def _chips(
    label: str, options: Sequence[str], default: Sequence[str], name: str, names: Any = None, new: bool = False
) -> list[str]:
    return list(
        st.multiselect(
            label,
            list(dict.fromkeys([*options, *default])),
            default=list(default),
            key=f"sweep-{name}",
            accept_new_options=new,
            format_func=lambda value: (names or {}).get(value, value),
            persist_state="session",
        )
    )


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SpecError(f"chunk size ({text!r}) must be a whole number") from None


def _more(text: str) -> dict[str, Any]:
    data = read_yaml(text, "what else is varied") if text.strip() else {}
    if not isinstance(data, dict) or not all(isinstance(v, list) for v in data.values()):
        raise SpecError("what else is varied must be paths with lists of values, such as `k: [3, 5]`")
    return {str(path): values for path, values in data.items()}


# --- running


def plan(folder: Path) -> tuple[Pipeline, ...]:
    """Return the pipelines of the last sweep into this folder; () if there was none or its file is damaged."""
    try:
        data = yaml.safe_load((folder / PLAN).read_text("utf-8"))
        return tuple(from_mapping(one) for one in data)
    except (OSError, yaml.YAMLError, TypeError, WorkbenchError):
        return ()


def start(folder: Path, corpus: Corpus, questions: Sequence[Question], pipelines: Sequence[Pipeline]) -> None:
    """Start the sweep in the background, and store its plan."""
    workspace, store = state.workspace(), state.store()
    folder.mkdir(parents=True, exist_ok=True)
    text = write_yaml([to_mapping(p) for p in pipelines])
    write_whole(folder / PLAN, text.encode())
    held_out = held_out_ids(questions)

    def corpus_for(parser: Parser) -> Corpus:
        return corpus if parser == pipelines[0].parser else workspace.corpus(parser)[0]

    def work(report: sweep_jobs.Report, cancelled: sweep_jobs.Asked, paused: sweep_jobs.Asked) -> Results:
        results = sweep(
            corpus,
            questions,
            pipelines,
            folder,
            store=store,
            metrics=metrics(pipelines),
            held_out=held_out,
            corpus_for=corpus_for if len({p.parser for p in pipelines}) > 1 else None,
            task=Task(lambda done, total, step: report(step), cancelled, paused),
        )
        remember(workspace, results.runs, corpus, questions)
        return results

    sweep_jobs.start(folder, work)


def controls(
    folder: Path, corpus: Corpus, questions: Sequence[Question], expansion: Expansion | None, done: int
) -> None:
    """Draw start, pause, stop and resume, with the progress."""
    if not state.workspace().writable:
        st.caption("This link only reads the workspace.")
        return
    task = sweep_jobs.find(folder)
    if task is not None and not task.finished.is_set():
        _running(folder, task)
        return
    if task is not None and task.error:
        st.error(plain(task.error), icon=":material/error:")
    left = [p for p in plan(folder) if not (folder / "runs" / f"{p.fingerprint}.json").exists()]
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    if expansion is not None and expansion.pipelines:
        n = len(expansion.pipelines)
        if n > MOST_RUNS:
            st.error(f"{n:,} configurations are more than the {MOST_RUNS:,} that a page runs; use the command `sweep`.")
        row.button(
            f"Measure {size_label(n - done, 'configurations')}" if done < n else f"All {n:,} are measured",
            key="sweep-start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=done >= n or n > MOST_RUNS,
            on_click=_started,
            args=(folder, corpus, questions, expansion.pipelines),
        )
    if left:
        row.button(
            f"Resume the last sweep, {len(left):,} to go",
            key="sweep-resume",
            icon=":material/resume:",
            on_click=_started,
            args=(folder, corpus, questions, plan(folder)),
            help="What was finished is not measured again.",
        )
    if task is not None and task.results is not None and task.results.warnings:
        st.caption("  \n".join(plain(w) for w in task.results.warnings[:5]))
    if task is not None and task.results is not None and task.results.skipped:
        skipped_rows(task.results.skipped)


def _started(folder: Path, corpus: Corpus, questions: Sequence[Question], pipelines: Sequence[Pipeline]) -> None:
    with guarded():
        start(folder, corpus, questions, pipelines)


@st.fragment(run_every=0.7)
def _running(folder: Path, task: sweep_jobs.Task) -> None:
    if task.finished.is_set():
        st.rerun()
    with guarded():
        left, right = st.columns([3, 1], gap="small", vertical_alignment="center")
        progress = task.progress
        share = progress.done / progress.total if progress and progress.total else 0.0
        left.progress(min(share, 1.0), text=_words(task, progress))
        row = right.container(horizontal=True, gap="small")
        if task.paused.is_set():
            row.button("Resume", key="sweep-go-on", on_click=task.paused.clear, icon=":material/play_arrow:")
        else:
            row.button("Pause", key="sweep-pause", on_click=task.paused.set, icon=":material/pause:")
        row.button(
            "Stop", key="sweep-stop", on_click=task.stopped.set, icon=":material/stop:", disabled=task.stopped.is_set()
        )


def _words(task: sweep_jobs.Task, progress: Progress | None) -> str:
    if task.stopped.is_set():
        return "Stopping; what is finished is kept"
    if task.paused.is_set():
        return "Paused"
    if task.waiting:
        return "Waits for another sweep on this server"
    if progress is None:
        return "Looking for what is measured already"
    runs = f"{progress.finished:,} of {progress.runs:,} configurations measured"
    if progress.stage == "embedding":
        runs += f"; embedding {progress.done:,} of {progress.total:,} new chunks"
    return runs + (f", about {duration(progress.left)} left" if progress.left is not None else "")


def as_file(grid: Grid) -> str:
    """Return the grid as the command `sweep` reads it."""
    return write_yaml({"base": dict(grid.base), "vary": {k: list(v) for k, v in grid.vary.items()}})


def expanded(grid: Grid) -> Expansion:
    """Return the grid's pipelines, cached for the chips that were chosen last."""
    return _expanded(as_file(grid), team_mode())


@lru_cache(maxsize=16)
def _expanded(text: str, team: bool) -> Expansion:
    data = yaml.safe_load(text)
    return expand(Grid(data["base"], data["vary"]))
