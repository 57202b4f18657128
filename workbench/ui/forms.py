"""Controls for values that are kept elsewhere, and forms: one control for each field of a method's dataclass.

A value that a script writes into session state reaches the browser once, and only a widget that is on the screen takes
it: one in a closed popover misses it, starts with its bare default when it is opened, and the next action sends that
default back as if somebody had chosen it. So nothing is written into a widget here. The value is the widget's default,
which the browser gets with every run; where the value has changed other than through the widget, a new widget takes its
place, for which neither the browser nor the server remembers anything.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from itertools import islice
from typing import Any

import streamlit as st

from workbench import models, specs
from workbench.documents import Corpus
from workbench.errors import ModelUnavailable, WorkbenchError
from workbench.pipelines import REGISTRIES
from workbench.retrievers import Rerank, Retriever
from workbench.specs import Spec, defaults, from_dict, to_dict
from workbench.splitters.pieces import CHARACTERS
from workbench.tokens import BPE_ENCODINGS
from workbench.ui import state
from workbench.ui.layout import plain

_DEFAULT = {"selectbox": "index", "radio": "index", "multiselect": "default", "segmented_control": "default"}
"""The parameter that takes a widget's default, where it is not `value`."""
_SPACES = str.maketrans("0123456789", "".join(map(chr, range(0x2000, 0x200A))))
"""A turn is written in spaces: Streamlit strips them from the CSS class, so that `.st-key-NAME` is every turn's."""


def control(
    widget: Callable[..., Any], label: str, name: str, value: Any, change: Callable[[Any], object], **settings: Any
) -> None:
    """Draw a widget that shows this value, and call `change` with another one when the user chooses it.

    Args:
        widget: a widget of Streamlit or of a container: `st.slider`, `row.toggle`.
        name: what the control is called in session state and as the CSS class `st-key-NAME`.
        settings: the widget's own parameters; `options` where it chooses among some.
    """
    ends = [settings.get(end) for end in ("min_value", "max_value")]
    current, kind = _key(name, value, ends), widget.__name__
    default = _DEFAULT.get(kind, "value")
    shown = _place(settings["options"], value) if default == "index" else value
    widget(label, key=current, on_change=lambda: change(st.session_state[current]), **{default: shown}, **settings)


def _place(options: Sequence[Any], value: Any) -> int | None:
    return list(options).index(value) if value in options else None


def _key(name: str, value: Any, ends: list[Any]) -> str:
    """Return the key of the widget that shows this value: the one before, or a new one if that shows another.

    A slider with other ends is another widget to Streamlit, so it is one here: an earlier one may not come back.
    """
    known = f"{name} ends"
    if _counter(name) not in st.session_state:
        st.session_state[_counter(name)] = 0
    elif st.session_state.get(key(name), _GONE) != value or st.session_state.get(known) != ends:
        renew(name)
    st.session_state[known] = ends
    return key(name)


_GONE = object()


def key(name: str) -> str:
    """Return the key of the widget that has this name now: of a control, or of a draft that `renew` empties."""
    turn = st.session_state.get(_counter(name), 0)
    return name + (str(turn).translate(_SPACES) if turn else "")


def renew(name: str) -> None:
    """Let another widget take the place of the one with this name: it begins with its default."""
    st.session_state[_counter(name)] = st.session_state.get(_counter(name), 0) + 1


def _counter(name: str) -> str:
    return f"{name} turn"


CHARACTERS_A_TOKEN = 4  # about, in English; only to keep a size near what it was when the unit changes
SLIDERS = {"tokens": (16, 1024), CHARACTERS: (64, 6000)}


def kind_choice(part: str, caption: str) -> str:
    """Draw the choice of a part's kind, and return the kind. A new kind keeps the fields that both have."""

    def named(kind: str) -> str:
        return label(part, kind) + (" (not installed)" if missing(registry[kind]) else "")

    current: str = state.mapping()[part]["kind"]
    registry = REGISTRIES[part]
    control(
        st.selectbox,
        caption,
        f"{part}-kind",
        current,
        lambda kind: state.attempt(lambda: take_kind(part, kind)),
        options=list(registry),
        format_func=named,
        help="  \n".join(f"**{kind}**: {_first_line(cls)}" for kind, cls in registry.items()),
    )
    return current


def _first_line(cls: type) -> str:
    told = missing(cls)
    return (cls.__doc__ or "").strip().split("\n")[0] + (f" Here {told}." if told else "")


def take_kind(part: str, kind: str) -> None:
    """Choose another method for a part of the current configuration; fields that both have keep their values."""
    before = state.mapping()[part]
    own = defaults(REGISTRIES[part][kind])
    shared = {name: value for name, value in before.items() if name in own and name != "header"}
    state.put(part, to_dict(from_dict(REGISTRIES[part], {"kind": kind, **shared}, part)))


def size_controls() -> None:
    """Draw sliders for chunk_size and chunk_overlap, and their unit. They fit each other whatever is moved."""
    splitter = state.mapping()["splitter"]
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
    state.change("splitter", chunk_size=size, chunk_overlap=min(overlap, most))


def take_overlap(overlap: int) -> None:
    """Let chunks overlap by this much from now on, as far as their size allows."""
    state.change("splitter", chunk_overlap=min(overlap, _splitter("chunk_size") - 1))


def take_unit(unit: str | None) -> None:
    """Measure sizes in this unit from now on; they stay about what they were."""
    if unit is None or unit == _splitter("unit"):
        return
    factor = CHARACTERS_A_TOKEN if unit == CHARACTERS else 1 / CHARACTERS_A_TOKEN
    size = max(1, round(_splitter("chunk_size") * factor))
    overlap = min(round(_splitter("chunk_overlap") * factor), size - 1)
    state.change("splitter", unit=unit, chunk_size=size, chunk_overlap=overlap)


def _splitter(field: str) -> Any:
    return state.mapping()["splitter"][field]


def tokenizer_choice() -> None:
    """Draw the choice of the tokenizer that counts; it follows the model until another is chosen."""
    options = [*model_names(), *BPE_ENCODINGS]
    _choice(
        "splitter", "tokenizer", options, "Tokens of", "Sizes count this tokenizer's tokens, special ones left out."
    )


def model_choice(label: str = "Embedding model") -> None:
    """Draw the choice of the embedding model. The tokenizer of sizes follows, unless it was another than its own."""
    current = state.mapping()["embedder"]["model"]
    help = "More models, folders and settings: page Models."
    control(st.selectbox, label, "model", current, take_model, options=model_names(), help=help)


def model_names() -> list[str]:
    """Return the packaged models, then those that the user named, then the one in use if it is neither."""
    named = state.workspace().settings.get("models", [])
    used = [state.mapping()["embedder"]["model"]]
    return list(dict.fromkeys([*(m.name for m in models.known()), *named, *used]))


def take_model(name: str) -> None:
    """Use this model from now on, or say why that cannot be."""
    from workbench.embedders import embedder_for

    before = state.mapping()["embedder"]["model"]
    try:
        state.put("embedder", to_dict(embedder_for(name)))
    except WorkbenchError as error:
        state.say("error", str(error))
        return
    if state.mapping()["splitter"]["tokenizer"] == before:
        state.change("splitter", tokenizer=name)


def field_controls(part: str, *, leave_out: Iterable[str] = (), keep: Iterable[str] | None = None) -> None:
    """Draw a control for each field of a part's method, but those left out; or only for those to `keep`."""
    cls = REGISTRIES[part][state.mapping()[part]["kind"]]
    for f in fields(cls):
        if f.name in keep if keep is not None else f.name not in leave_out:
            _field(part, f)


def _field(part: str, f: "Field[Any]") -> None:
    value, metadata = state.mapping()[part][f.name], f.metadata
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
    options = list(dict.fromkeys([*options, state.mapping()[part][name]]))
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
        wanted = {**state.mapping()[part], name: take(value)}
        state.attempt(lambda: state.put(part, to_dict(from_dict(REGISTRIES[part], wanted, part))))

    shown = show(state.mapping()[part][name])
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


LONGEST = 24  # characters of a value that still reads at a glance


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not at its default: in words, and the default."""

    field: str
    words: str
    usual: Any


def differences(pipeline: Mapping[str, Any], part: str) -> list[Difference]:
    """Return the fields of a part that are not at their defaults, in their order.

    Args:
        pipeline: plain values, in the form of the pipeline file.
    """
    values = pipeline[part]
    usual = defaults(REGISTRIES[part][values["kind"]])
    if part == "splitter":  # sizes count the model's tokens, unless another tokenizer was chosen
        counts = values["unit"] == "tokens"
        usual["tokenizer"] = pipeline["embedder"]["model"] if counts else values["tokenizer"]
    plainly = {name: list(value) if isinstance(value, tuple) else value for name, value in usual.items()}
    return [Difference(f, _words(f, values[f]), plainly[f]) for f in plainly if values[f] != plainly[f]]


def _words(field: str, value: Any) -> str:
    name = field.replace("_", " ")
    if isinstance(value, bool):
        return f"{name} {'on' if value else 'off'}"
    if isinstance(value, int | float):
        return f"{name} {value:g}"
    if isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= LONGEST:
        return f"{name} {value}"
    return f"{name} changed"


def undo(part: str, difference: Difference) -> None:
    """Set the field back to its default; where that does not fit the other fields, the reason is reported."""
    wanted = {**state.mapping()[part], difference.field: difference.usual}
    state.attempt(lambda: state.put(part, to_dict(from_dict(REGISTRIES[part], wanted, part))))


def changed(part: str, leave_out: Iterable[str] = ()) -> None:
    """Draw what differs from the default, one button each; a click undoes it."""
    shown = [d for d in differences(state.mapping(), part) if d.field not in leave_out]
    if not shown:
        return
    with st.container(horizontal=True, gap="xxsmall", key=f"changed-{part}"):
        for difference in shown:
            st.button(
                plain(difference.words), icon=":material/undo:", icon_position="right",
                key=f"undo-{part}-{difference.field}", help="Not the default. A click sets it back.",
                on_click=undo, args=(part, difference),
            )  # fmt: skip


def label(part: str, kind: str) -> str:
    """Return what a kind is called on the pages: its class's label, or the kind itself where none is registered."""
    cls = REGISTRIES[part].get(kind)
    return specs.label(cls) if cls else kind


def labels(part: str) -> dict[str, str]:
    """Return what every kind of a part is called, by kind."""
    return {kind: label(part, kind) for kind in REGISTRIES[part]}


def missing(cls: type[Spec]) -> str:
    """Return what a kind needs and is not installed, with the remedy; "" where nothing is missing."""
    return cls.missing()


def unavailable(retriever: Retriever) -> str:
    """Return why it cannot search here, and what to do about it; "" where it can, once there are vectors."""
    if not isinstance(retriever, Rerank):
        return ""
    try:
        models.find(retriever.model)
    except ModelUnavailable as error:
        return str(error)
    return ""


MOST_OFFERED = 200
"""Documents in a list to choose from: every one is sent to the browser at every run."""


def offered(corpus: Corpus, key: str, chosen: Iterable[str]) -> list[str]:
    """Return the ids of the documents to choose from, `chosen` included; draw a search box where there are many."""
    if len(corpus) <= MOST_OFFERED:
        return [d.id for d in corpus]
    part = st.text_input(
        "Find a document", key=key, type="search", placeholder=f"part of one of {len(corpus):,} names"
    ).lower()
    named = islice((d.id for d in corpus if part in d.name.lower()), MOST_OFFERED)
    return list(dict.fromkeys([*(id for id in chosen if id in corpus), *named]))


def name_of(corpus: Corpus, id: str) -> str:
    """Return the document's name, for a list of ids."""
    return corpus.document(id).name if id in corpus else id
