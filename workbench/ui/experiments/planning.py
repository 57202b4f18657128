"""A sweep planned from chips, then watched, paused, stopped and gone on with."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
import yaml

from workbench import models
from workbench.documents import Corpus
from workbench.embedders import embedder_for
from workbench.errors import SpecError, WorkbenchError
from workbench.parsers import Parser
from workbench.pipelines import REGISTRIES, Pipeline, from_mapping, read_yaml, to_mapping, write_yaml
from workbench.records import Question
from workbench.records.run_files import write_whole
from workbench.specs import to_dict
from workbench.splitters.pieces import CHARACTERS
from workbench.sweeps import Expansion, Grid, Progress, Results, expand, sweep
from workbench.ui import forms, state
from workbench.ui.experiments import background
from workbench.ui.experiments.evaluating import held_out_ids, metrics
from workbench.ui.experiments.pricing import duration, skipped_rows
from workbench.ui.layout import guarded, plain, size_label
from workbench.workspaces.catalogues import remember

SIZES = {"tokens": [100, 150, 200, 300, 400, 600, 800], CHARACTERS: [400, 600, 800, 1200, 1600, 2400, 3200]}
OVERLAPS = ["0%", "10%", "20%", "25%", "50%"]
MOST_RUNS = 1_000
PLAN = "plan.yaml"
"""The pipelines of the last sweep into a folder, by which it is gone on with after a restart."""


def axes(base: Pipeline) -> Grid | None:
    """The grid that the chips describe around the pipeline in hand; None where it cannot be, which is said."""
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
    """The size in hand, half and twice of it."""
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
    """Let the chips begin with what a planned sweep varies, and with the current configuration alone for the rest."""
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
    """Return what a chip begins with: what was proposed for this pipeline, or else its default."""
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
    """The pipelines of the last sweep into this folder; none where there was none, or its file is damaged."""
    try:
        data = yaml.safe_load((folder / PLAN).read_text("utf-8"))
        return tuple(from_mapping(one) for one in data)
    except (OSError, yaml.YAMLError, TypeError, WorkbenchError):
        return ()


def start(folder: Path, corpus: Corpus, questions: Sequence[Question], pipelines: Sequence[Pipeline]) -> None:
    """Nothing; the sweep runs in the background, and its plan is kept."""
    workspace, store = state.workspace(), state.store()
    folder.mkdir(parents=True, exist_ok=True)
    text = write_yaml([to_mapping(p) for p in pipelines])
    write_whole(folder / PLAN, text.encode())
    held_out = held_out_ids(questions)

    def corpus_for(parser: Parser) -> Corpus:
        return corpus if parser == pipelines[0].parser else workspace.corpus(parser)[0]

    def work(report: background.Report, cancelled: background.Asked, paused: background.Asked) -> Results:
        results = sweep(
            corpus,
            questions,
            pipelines,
            folder,
            store=store,
            metrics=metrics(pipelines),
            held_out=held_out,
            corpus_for=corpus_for if len({p.parser for p in pipelines}) > 1 else None,
            progress=report,
            cancelled=cancelled,
            paused=paused,
        )
        remember(workspace, results.runs, corpus, questions)
        return results

    background.start(folder, work)


def controls(
    folder: Path, corpus: Corpus, questions: Sequence[Question], expansion: Expansion | None, done: int
) -> None:
    """Start, pause, stop and resume, with how far it is."""
    if not state.workspace().writable:
        st.caption("This link only reads the workspace.")
        return
    task = background.find(folder)
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
def _running(folder: Path, task: background.Task) -> None:
    if task.finished.is_set():
        st.rerun()
    with guarded():
        left, right = st.columns([3, 1], gap="small", vertical_alignment="center")
        progress = task.progress
        share = progress.done / progress.total if progress and progress.total else 0.0
        left.progress(min(share, 1.0), text=_words(task, progress))
        row = right.container(horizontal=True, gap="small")
        if task.paused.is_set():
            row.button("Go on", key="sweep-go-on", on_click=task.paused.clear, icon=":material/play_arrow:")
        else:
            row.button("Pause", key="sweep-pause", on_click=task.paused.set, icon=":material/pause:")
        row.button(
            "Stop", key="sweep-stop", on_click=task.stopped.set, icon=":material/stop:", disabled=task.stopped.is_set()
        )


def _words(task: background.Task, progress: Progress | None) -> str:
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
    """The grid's pipelines, kept for the chips that were chosen last."""
    return _expanded(as_file(grid), models.team_mode())


@lru_cache(maxsize=16)
def _expanded(text: str, team: bool) -> Expansion:
    data = yaml.safe_load(text)
    return expand(Grid(data["base"], data["vary"]))
