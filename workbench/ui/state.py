"""What one visit works on: its workspace, the current and a pinned configuration, the query; and the URL of it.

Session state holds plain values. The current configuration is a mapping of the pipeline file's form; widgets are drawn
from it and change it by callbacks, so that it outlives page switches and is the same on every page.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from workbench import endpoints
from workbench.documents import Corpus
from workbench.errors import StoreError, WorkbenchError
from workbench.parsers import Auto
from workbench.pipelines import Pipeline, from_mapping, from_yaml, to_mapping, to_yaml
from workbench.records import Question
from workbench.specs import to_dict
from workbench.store import Store
from workbench.workspaces import Refusal, Workspace, expire, open_workspace, team_mode
from workbench.workspaces.experiments import remember
from workbench.workspaces.golden import Edit

URL_VERSION = "1"
UNUSED_DAYS = 30
KEPT = "pipeline"
"""The store's kind for pipelines that a link may name by fingerprint."""


def begin() -> None:
    """Read the URL on the first run of a visit."""
    _define_endpoints()
    if "visit" not in st.session_state:
        _read_url()
        if team_mode():
            _tidy(time.strftime("%F"))


@lru_cache(maxsize=1)
def _define_endpoints() -> None:
    """Define the remote models of Streamlit's secrets, beside those of the environment."""
    try:
        found = st.secrets.get("endpoints", {})
    except FileNotFoundError:  # StreamlitSecretNotFoundError is one: there is no secrets file
        return
    if found:
        endpoints.define(found.to_dict())


@lru_cache(maxsize=1)
def _tidy(day: str) -> int:
    """Return how many workspaces were given up today, because nobody had opened them for `UNUSED_DAYS`."""
    return expire(UNUSED_DAYS)


def visit() -> str:
    """Return what tells this visit from others among those that watch jobs."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    return context.session_id if context else "test"


def workspace() -> Workspace:
    """Return the workspace of this visit."""
    id = st.session_state.get("workspace") or None
    found = open_workspace(id)
    if id is None:
        st.session_state["workspace"] = found.id
    return found


def say(kind: str, text: str) -> None:
    """Show an error or warning at the top of the pages until it is dismissed."""
    st.session_state["messages"] = [*st.session_state.get("messages", []), [kind, text]]


def store() -> Store:
    """Return the cache of parsed documents, vectors and pipelines."""
    return workspace().store


def corpus(of: Pipeline | None = None) -> tuple[Corpus, tuple[Refusal, ...]]:
    """Return the workspace's documents by the parser of the current (or another) pipeline, and refused files."""
    chosen = (of or pipeline()).parser
    return workspace().corpus(None if chosen == Auto() else chosen)


def read_apart() -> list[str]:
    """Return the files that are read with settings of their own, while the pipeline's parser leaves each to its own."""
    if pipeline().parser != Auto():
        return []
    usual = ({"kind": "auto"}, to_dict(Auto()), to_dict(Auto(encoding="utf-8")))
    return [source.name for source in workspace().sources if source.parser not in usual]


def leave() -> None:
    """Let this visit go on in a workspace of its own."""
    for name in ("workspace", "document", "selected", "messages"):
        st.session_state.pop(name, None)


def questions(corpus: Corpus) -> tuple[Question, ...]:
    """Return the golden set, as far as it fits the corpus."""
    return workspace().golden_set(corpus)[0]


def attempt(action: Callable[[], object]) -> None:
    """Do it, as a callback; where it was refused, its reason is shown."""
    tried(action)


def tried(action: Callable[[], object]) -> bool:
    """Return whether the action went well; where it was refused, its reason is shown."""
    try:
        action()
    except WorkbenchError as error:
        say("error", str(error))
        return False
    return True


def change_golden(edit: Edit, corpus: Corpus, label: str = "") -> tuple[Question, ...] | None:
    """Return the questions after an edit of those that stand now; None where it was refused, which is said."""
    try:
        after = workspace().golden.change(edit, corpus, label)
    except WorkbenchError as error:
        say("error", str(error))
        return None
    remember(workspace(), [], corpus, after)
    return after


def pipeline() -> Pipeline:
    """Return the current configuration.

    Raises:
        WorkbenchError: a setting is not valid, or its model is not here.
    """
    return from_mapping(mapping())


def mapping() -> dict[str, Any]:
    """Return the current configuration as plain values; kept and changed here only."""
    if "pipeline" not in st.session_state:
        st.session_state["pipeline"] = to_mapping(Pipeline())
    found: dict[str, Any] = st.session_state["pipeline"]
    return found


def take(pipeline: Pipeline) -> None:
    """Make this pipeline the current configuration."""
    st.session_state["pipeline"] = to_mapping(pipeline)


def reset() -> None:
    """Make the default pipeline the current configuration, and unpin what is pinned."""
    take(Pipeline())
    pin(None)


def put(part: str, value: Any) -> None:
    """Set one part of the current configuration: a method as a mapping, or k."""
    st.session_state["pipeline"] = {**mapping(), part: value}


def change(part: str, **values: Any) -> None:
    """Set fields of one part of the current configuration."""
    put(part, {**mapping()[part], **values})


def pinned() -> Pipeline | None:
    """Return the pipeline that the current one is compared with."""
    text = st.session_state.get("pinned", "")
    return from_yaml(text) if text else None


def pin(pipeline: Pipeline | None) -> None:
    """Compare with this pipeline from now on; None: with none."""
    st.session_state["pinned"] = to_yaml(pipeline) if pipeline else ""


def share(*pipelines: Pipeline | None) -> None:
    """Keep these pipelines in the store, where a link finds them by fingerprint."""
    texts = {p.fingerprint: to_yaml(p).encode() for p in pipelines if p}
    store().put_many(KEPT, texts)


def link() -> str:
    """Return the address of what is on the screen."""
    return _address(_wanted())


def reader_link() -> str:
    """Return the same for somebody who may change nothing; "" where there is no such link."""
    here = workspace()
    if not team_mode() or not here.writable:
        return ""
    return _address({**_wanted(), "w": here.reader_id})


def _address(wanted: dict[str, str]) -> str:
    scheme, host, path, *_ = urlsplit(st.context.url or "")
    return urlunsplit((scheme, host, path or "/", urlencode(wanted), ""))


def _read_url() -> None:
    st.session_state["visit"] = True
    asked = st.query_params
    if asked.get("v", URL_VERSION) != URL_VERSION:
        st.toast("This link is of another version of the workbench; it opens with the defaults.")
        return
    if id := asked.get("w"):
        try:
            st.session_state["workspace"] = open_workspace(id).id
        except StoreError as error:
            say("error", f"{error}. A workspace of your own is open instead.")
    st.session_state["query"] = asked.get("q", "")[:500]
    in_hand, pinned = ("b", "a") if "b" in asked else ("a", "b")  # B is compared with the pinned A
    for name, key in ((in_hand, "pipeline"), (pinned, "pinned")):
        if wanted := asked.get(name):
            _take_kept(wanted, key)


def _take_kept(fingerprint: str, key: str) -> None:
    text = store().get(KEPT, fingerprint)
    try:
        found = from_yaml(text.decode()) if text else None
    except WorkbenchError:
        found = None
    if found is None:
        say("warning", "The configuration that this link names is not kept here any more; the default is shown.")
    else:
        st.session_state[key] = to_mapping(found) if key == "pipeline" else to_yaml(found)


def write_url() -> None:
    """Write what is on the screen into the URL, and keep what it names where another visit finds it."""
    try:
        wanted = _wanted()
    except WorkbenchError:
        return  # a page shows what is wrong; the last good link stays
    if wanted != st.query_params.to_dict():
        share(pipeline(), pinned())
        st.query_params.from_dict(wanted)


def _wanted() -> dict[str, str]:
    in_hand, kept = pipeline(), pinned()
    wanted = {
        "v": URL_VERSION,
        "w": workspace().id if team_mode() else "",
        "a": (kept or in_hand).fingerprint,
        "b": in_hand.fingerprint if kept else "",
        "q": st.session_state.get("query", "")[:500],
    }
    return {name: value for name, value in wanted.items() if value}
