"""Controls for values that are kept elsewhere: each shows what is kept whenever it becomes visible, and only a user
changes that through it.

A value that a script writes into session state reaches the browser once, and only a widget that is on the screen
takes it: one in a closed popover misses it, starts with its bare default when it is opened, and the next action sends
that default back as if somebody had chosen it. So nothing is written into a widget here. The value is the widget's
default, which the browser is told with every run, and where the value has changed other than through the widget, a new
widget takes its place, for which neither the browser nor the server remembers anything.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

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
