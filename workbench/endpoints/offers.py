"""Which endpoints and remote models there are: those that the operator of this server defined, and nobody else.

They stand in the environment (`WORKBENCH_ENDPOINTS`: JSON, or the path of a YAML file) or are handed over by `define`,
which the app does with Streamlit's secrets. Pipelines and pages choose `endpoint/model` by name.
"""

import os
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from workbench.endpoints.definitions import Endpoint, Remote
from workbench.endpoints.reading import read_endpoint
from workbench.errors import ModelUnavailable, SpecError
from workbench.settings import allowed_models, team_mode

VARIABLE = "WORKBENCH_ENDPOINTS"
"""The environment variable that holds the definitions, or the path of a file with them."""

_given: dict[str, Endpoint] = {}
_giving = threading.Lock()


def define(mapping: Mapping[str, Any]) -> None:
    """Take definitions from Streamlit's secrets, in the form of the environment's; here `key` may hold a key itself.

    They replace those that were handed over before, and stand before those of the environment.

    Raises:
        SpecError: which endpoint and which field is not valid.
    """
    made = {name: read_endpoint(name, values, keys=True) for name, values in mapping.items()}
    with _giving:
        _given.clear()
        _given.update(made)


def defined() -> dict[str, Endpoint]:
    """Name → endpoint, as defined now.

    Raises:
        SpecError: the environment's definitions cannot be read or are not valid.
    """
    with _giving:
        given = dict(_given)
    return {**_of_environment(os.environ.get(VARIABLE, "").strip()), **given}


def endpoint(name: str) -> Endpoint:
    """The endpoint of this name.

    Raises:
        ModelUnavailable: there is none.
    """
    known = defined()
    if name not in known:
        some = f"defined are {', '.join(known)}" if known else "none is"
        raise ModelUnavailable(
            f"endpoint {name!r} is not defined; {some}. Define it in {VARIABLE} or the app's secrets"
        )
    return known[name]


def remote_models() -> tuple[str, ...]:
    """The names, endpoint/model, of the embedding models that may be used here."""
    names = (f"{e.name}/{model}" for e in defined().values() for model in e.models)
    return tuple(name for name in names if not team_mode() or name in allowed_models())


def chat_models() -> tuple[str, ...]:
    """The names, endpoint/model, of the chat models that may be used here."""
    names = (f"{e.name}/{model}" for e in defined().values() for model in e.chat_models)
    return tuple(name for name in names if not team_mode() or name in allowed_models())


def remote_model(name: str) -> Remote | None:
    """The embedding model of a name endpoint/model; None where the first part names no endpoint.

    Raises:
        ModelUnavailable: the endpoint has no such model, or team mode does not allow it.
    """
    first, slash, model = name.partition("/")
    if not slash or first not in (known := defined()):
        return None
    found = known[first]
    if model not in found.models:
        offered = ", ".join(found.models) or "none"
        raise ModelUnavailable(f"endpoint {first} has no embedding model {model!r}; defined for it: {offered}")
    check_allowed(name, remote_models())
    return Remote(found, model, found.models[model])


def check_allowed(name: str, offered: Iterable[str] = ()) -> None:
    """Raise ModelUnavailable where team mode does not allow the model."""
    if team_mode() and name not in allowed_models():
        rest = f"; offered are {', '.join(offered)}" if offered else ""
        raise ModelUnavailable(f"model {name!r} is not offered on this server{rest}")


def _of_environment(text: str) -> dict[str, Endpoint]:
    if not text:
        return {}
    if text.startswith("{"):
        return _read(text)
    path = Path(text).expanduser()
    try:
        return _read(path.read_text("utf-8"))
    except OSError as error:
        raise SpecError(
            f"{VARIABLE} names a file that cannot be read ({error.strerror}); give the path of a YAML file, or the "
            "definitions themselves as JSON"
        ) from None
    except UnicodeDecodeError:
        raise SpecError(f"{VARIABLE} names a file that is not UTF-8 text") from None


@lru_cache(maxsize=4)
def _read(text: str) -> dict[str, Endpoint]:
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:  # its message may quote the text
        mark = getattr(error, "problem_mark", None)
        raise SpecError(f"{VARIABLE} is not valid YAML or JSON{f' at line {mark.line + 1}' if mark else ''}") from None
    if not isinstance(data, Mapping):
        raise SpecError(f"{VARIABLE} must be a mapping: name → {{url, key_variable, models}}")
    return {name: read_endpoint(name, values) for name, values in data.items()}
