"""Forms that a method's dataclass draws: one widget a field, in the order of the fields.

A widget shows the pipeline in hand and changes it by a callback; nothing else holds its value.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, fields
from typing import Any

import streamlit as st

from workbench import models
from workbench.errors import WorkbenchError
from workbench.pipelines import REGISTRIES
from workbench.specs import defaults, from_dict, to_dict
from workbench.splitters.pieces import CHARACTERS
from workbench.tokens import BPE_ENCODINGS
from workbench.ui import sessions
from workbench.ui.kinds import missing

CHARACTERS_A_TOKEN = 4  # about, in English; only to keep a size near what it was when the unit changes
SLIDERS = {"tokens": (16, 1024), CHARACTERS: (64, 6000)}


def kind_choice(part: str, label: str, names: Mapping[str, str] | None = None) -> str:
    """The kind that is chosen for a part of the pipeline. A new kind keeps the fields that both have."""

    def changed() -> None:
        sessions.attempt(lambda: take_kind(part, st.session_state[key]))

    def named(kind: str) -> str:
        return (names or {}).get(kind, kind) + (" (not installed)" if missing(registry[kind]) else "")

    key = f"{part}-kind"
    current: str = sessions.mapping()[part]["kind"]
    sessions.show(key, current)
    registry = REGISTRIES[part]
    st.selectbox(
        label,
        list(registry),
        key=key,
        on_change=changed,
        format_func=named,
        help="  \n".join(f"**{kind}**: {_first_line(cls)}" for kind, cls in registry.items()),
    )
    return current


def _first_line(cls: type) -> str:
    told = missing(cls)
    return (cls.__doc__ or "").strip().split("\n")[0] + (f" Here {told}." if told else "")


def take_kind(part: str, kind: str) -> None:
    """Nothing; another method for a part of the pipeline in hand, with the fields that both have."""
    before = sessions.mapping()[part]
    own = defaults(REGISTRIES[part][kind])
    shared = {name: value for name, value in before.items() if name in own and name != "header"}
    sessions.put(part, to_dict(from_dict(REGISTRIES[part], {"kind": kind, **shared}, part)))


def size_controls() -> None:
    """Sliders for chunk_size and chunk_overlap, and their unit. They fit each other whatever is moved."""
    splitter = sessions.mapping()["splitter"]
    size, overlap, unit = splitter["chunk_size"], splitter["chunk_overlap"], splitter["unit"]
    low, high = SLIDERS[unit]

    def resized() -> None:
        new = st.session_state["chunk-size"]
        sessions.change("splitter", chunk_size=new, chunk_overlap=min(overlap, new // 2))

    def overlapped() -> None:
        sessions.change("splitter", chunk_overlap=st.session_state["chunk-overlap"])

    def measured() -> None:
        chosen = st.session_state["chunk-unit"] or unit
        if chosen != unit:
            factor = CHARACTERS_A_TOKEN if chosen == CHARACTERS else 1 / CHARACTERS_A_TOKEN
            new = max(1, round(size * factor))
            sessions.change(
                "splitter", unit=chosen, chunk_size=new, chunk_overlap=min(round(overlap * factor), new - 1)
            )

    low, high, most = min(low, size), max(high, size), max(size // 2, overlap, 1)
    sessions.show("chunk-size", size, low, high)
    sessions.show("chunk-overlap", overlap, most)
    st.slider("Chunk size", low, high, key="chunk-size", on_change=resized)
    st.slider("Overlap", 0, most, key="chunk-overlap", on_change=overlapped)
    sessions.show("chunk-unit", unit)
    st.segmented_control(
        "Unit", list(SLIDERS), key="chunk-unit", on_change=measured, label_visibility="collapsed", width="stretch"
    )


def tokenizer_choice() -> None:
    """Whose tokens are counted; follows the model until another is chosen."""
    options = [*model_names(), *BPE_ENCODINGS]
    _choice(
        "splitter", "tokenizer", options, "Tokens of", "Sizes count this tokenizer's tokens, special ones left out."
    )


def model_choice(label: str = "Embedding model") -> None:
    """The model that embeds. The tokenizer of sizes follows, unless it was another than the model's."""

    def changed() -> None:
        take_model(st.session_state["model"])

    sessions.show("model", sessions.mapping()["embedder"]["model"], model_names())
    st.selectbox(
        label, model_names(), key="model", on_change=changed, help="More models, folders and settings: page Models."
    )


def model_names() -> list[str]:
    """The packaged models, then those that the user named, then the one in use if it is neither."""
    named = sessions.workspace().settings.get("models", [])
    used = [sessions.mapping()["embedder"]["model"]]
    return list(dict.fromkeys([*(m.name for m in models.known()), *named, *used]))


def take_model(name: str) -> None:
    """Nothing; embeds with this model from now on, or says why that cannot be."""
    from workbench.embedders import embedder_for

    before = sessions.mapping()["embedder"]["model"]
    try:
        sessions.put("embedder", to_dict(embedder_for(name)))
    except WorkbenchError as error:
        sessions.say("error", str(error))
        return
    if sessions.mapping()["splitter"]["tokenizer"] == before:
        sessions.change("splitter", tokenizer=name)


def field_controls(part: str, *, leave_out: Iterable[str] = (), keep: Iterable[str] | None = None) -> None:
    """A widget for each field of a part's method, but those left out; or only for those to `keep`."""
    cls = REGISTRIES[part][sessions.mapping()[part]["kind"]]
    for f in fields(cls):
        if f.name in keep if keep is not None else f.name not in leave_out:
            _field(part, f)


def _field(part: str, f: "Field[Any]") -> None:
    value, metadata = sessions.mapping()[part][f.name], f.metadata
    label, about = f.name.replace("_", " ").capitalize(), metadata["help"]
    if metadata["choices"]:
        _choice(part, f.name, metadata["choices"], label, about)
    elif f.name in ("separator", "separators"):
        box, take = (st.text_area, _meant) if f.name == "separators" else (st.text_input, _meant_one)
        about += " One a line; a line break is written \\n, a tab \\t." if take is _meant else ""
        _control(part, f.name, box, label, about, show=_written, take=take)
    elif isinstance(value, bool):
        _control(part, f.name, st.toggle, label, about)
    elif isinstance(value, int):
        _control(part, f.name, st.number_input, label, about, min_value=metadata["low"], max_value=metadata["high"])
    elif isinstance(value, float):
        low, high = float(metadata["low"]), float(metadata["high"])
        _control(part, f.name, st.number_input, label, about, min_value=low, max_value=high, step=0.05)
    else:
        own = f.default is None  # a text that may be absent, and then is the model's own
        _control(
            part,
            f.name,
            st.text_input,
            label,
            about,
            show=lambda text: text or "",
            take=lambda text: text or (None if own else ""),
            placeholder="the model's own" if own else "",
        )


def _choice(part: str, name: str, options: Iterable[str], label: str, about: str) -> None:
    options = list(dict.fromkeys([*options, sessions.mapping()[part][name]]))
    _control(part, name, st.selectbox, label, about, options=options)


def _same(value: Any) -> Any:
    return value


def _control(
    part: str,
    name: str,
    widget: Callable[..., Any],
    label: str,
    about: str,
    *,
    show: Callable[[Any], Any] = _same,
    take: Callable[[Any], Any] = _same,
    **settings: Any,
) -> None:
    """A widget for one field. A value that the method refuses is said, and the one before stays."""
    key = f"{part}-{name}"

    def changed() -> None:
        wanted = {**sessions.mapping()[part], name: take(st.session_state[key])}
        try:
            sessions.put(part, to_dict(from_dict(REGISTRIES[part], wanted, part)))
        except WorkbenchError as error:
            sessions.say("error", str(error))

    sessions.show(key, show(sessions.mapping()[part][name]), settings)
    widget(label, key=key, on_change=changed, help=about, **settings)


_WRITTEN = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _written(separators: str | list[str]) -> str:
    lines = [separators] if isinstance(separators, str) else separators
    return "\n".join("".join(_WRITTEN.get(c, c) for c in line) for line in lines)


def _meant(text: str) -> list[str]:
    for meant, written in _WRITTEN.items():
        text = text.replace(written, f"\0{meant}")  # marked, so that it does not end a line
    return [line.replace("\0", "") for line in re.split(r"(?<!\0)\n", text)]


def _meant_one(text: str) -> str:
    return _meant(text)[0]
