"""Forms that a method's dataclass draws: one control a field, in the order of the fields.

A control shows the current configuration and changes it; nothing else holds its value.
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
from workbench.ui.controls import control
from workbench.ui.kinds import missing

CHARACTERS_A_TOKEN = 4  # about, in English; only to keep a size near what it was when the unit changes
SLIDERS = {"tokens": (16, 1024), CHARACTERS: (64, 6000)}


def kind_choice(part: str, label: str, names: Mapping[str, str] | None = None) -> str:
    """Draw the choice of a part's kind, and return the kind. A new kind keeps the fields that both have."""

    def named(kind: str) -> str:
        return (names or {}).get(kind, kind) + (" (not installed)" if missing(registry[kind]) else "")

    current: str = sessions.mapping()[part]["kind"]
    registry = REGISTRIES[part]
    control(
        st.selectbox,
        label,
        f"{part}-kind",
        current,
        lambda kind: sessions.attempt(lambda: take_kind(part, kind)),
        options=list(registry),
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
    """Draw sliders for chunk_size and chunk_overlap, and their unit. They fit each other whatever is moved."""
    splitter = sessions.mapping()["splitter"]
    size, overlap, unit = splitter["chunk_size"], splitter["chunk_overlap"], splitter["unit"]
    low, high, most = slider_ends(size, overlap, unit)
    control(st.slider, "Chunk size", "chunk-size", size, take_size, min_value=low, max_value=high)
    control(st.slider, "Overlap", "chunk-overlap", overlap, take_overlap, min_value=0, max_value=most)
    control(
        st.segmented_control,
        "Unit",
        "chunk-unit",
        unit,
        take_unit,
        options=list(SLIDERS),
        label_visibility="collapsed",
        width="stretch",
    )


def slider_ends(size: int, overlap: int, unit: str) -> tuple[int, int, int]:
    """Return the least and the largest size, and the largest overlap, that the sliders offer.

    A value beyond the usual ends widens them to round ones that hold while it is stepped: a slider with other ends is
    another one to the browser, and the keyboard would lose it.
    """
    low, high = SLIDERS[unit]
    most = max(size // 2, 1)
    return (
        low if size >= low else 1,
        high if size <= high else 1 << (size - 1).bit_length(),
        most if overlap <= most else size - 1,
    )


def take_size(size: int) -> None:
    """Cut into chunks of this size from now on; the overlap gives way to half of it, unless it was more before."""
    overlap = _splitter("chunk_overlap")
    most = size // 2 if overlap <= _splitter("chunk_size") // 2 else size - 1
    sessions.change("splitter", chunk_size=size, chunk_overlap=min(overlap, most))


def take_overlap(overlap: int) -> None:
    """Let chunks overlap by this much from now on, as far as their size allows."""
    sessions.change("splitter", chunk_overlap=min(overlap, _splitter("chunk_size") - 1))


def take_unit(unit: str | None) -> None:
    """Measure sizes in this unit from now on; they stay about what they were."""
    if unit is None or unit == _splitter("unit"):
        return
    factor = CHARACTERS_A_TOKEN if unit == CHARACTERS else 1 / CHARACTERS_A_TOKEN
    size = max(1, round(_splitter("chunk_size") * factor))
    overlap = min(round(_splitter("chunk_overlap") * factor), size - 1)
    sessions.change("splitter", unit=unit, chunk_size=size, chunk_overlap=overlap)


def _splitter(field: str) -> Any:
    return sessions.mapping()["splitter"][field]


def tokenizer_choice() -> None:
    """Whose tokens are counted; follows the model until another is chosen."""
    options = [*model_names(), *BPE_ENCODINGS]
    _choice(
        "splitter", "tokenizer", options, "Tokens of", "Sizes count this tokenizer's tokens, special ones left out."
    )


def model_choice(label: str = "Embedding model") -> None:
    """Draw the choice of the embedding model. The tokenizer of sizes follows, unless it was another than its own."""
    current = sessions.mapping()["embedder"]["model"]
    help = "More models, folders and settings: page Models."
    control(st.selectbox, label, "model", current, take_model, options=model_names(), help=help)


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
    """Draw a control for each field of a part's method, but those left out; or only for those to `keep`."""
    cls = REGISTRIES[part][sessions.mapping()[part]["kind"]]
    for f in fields(cls):
        if f.name in keep if keep is not None else f.name not in leave_out:
            _field(part, f)


def _field(part: str, f: "Field[Any]") -> None:
    value, metadata = sessions.mapping()[part][f.name], f.metadata
    about = metadata["help"]
    if metadata["choices"]:
        _choice(part, f.name, metadata["choices"], _label(f.name), about)
    elif f.name in ("separator", "separators"):
        box, take = (st.text_area, _meant) if f.name == "separators" else (st.text_input, _meant_one)
        about += " One a line; a line break is written \\n, a tab \\t." if take is _meant else ""
        _control(part, f.name, box, about, show=_written, take=take)
    elif isinstance(value, bool):
        _control(part, f.name, st.toggle, about)
    elif isinstance(value, int):
        _control(part, f.name, st.number_input, about, min_value=metadata["low"], max_value=metadata["high"])
    elif isinstance(value, float):
        low, high = float(metadata["low"]), float(metadata["high"])
        # %g: as many decimals as the value has; two would show 1.375 as 1.38
        _control(part, f.name, st.number_input, about, min_value=low, max_value=high, step=0.05, format="%g")
    else:
        own = f.default is None  # a text that may be absent, and then is the model's own
        _control(
            part,
            f.name,
            st.text_input,
            about,
            show=lambda text: text or "",
            take=lambda text: text or (None if own else ""),
            placeholder="the model's own" if own else "",
        )


def _label(field: str) -> str:
    return field.replace("_", " ").capitalize()


def _choice(part: str, name: str, options: Iterable[str], label: str, about: str) -> None:
    options = list(dict.fromkeys([*options, sessions.mapping()[part][name]]))
    _control(part, name, st.selectbox, about, label=label, options=options)


def _same(value: Any) -> Any:
    return value


def _control(
    part: str,
    name: str,
    widget: Callable[..., Any],
    about: str,
    *,
    label: str = "",
    show: Callable[[Any], Any] = _same,
    take: Callable[[Any], Any] = _same,
    **settings: Any,
) -> None:
    """Draw the control of one field. A value that the method refuses is reported, and the one before stays."""

    def changed(value: Any) -> None:
        wanted = {**sessions.mapping()[part], name: take(value)}
        sessions.attempt(lambda: sessions.put(part, to_dict(from_dict(REGISTRIES[part], wanted, part))))

    shown = show(sessions.mapping()[part][name])
    control(widget, label or _label(name), f"{part}-{name}", shown, changed, help=about, **settings)


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
