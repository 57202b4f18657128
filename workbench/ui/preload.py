"""Libraries that take seconds to load, loaded while the user reads the first page; and what collecting garbage costs.

The server begins it and says when the first page is drawn. Code that needs a library earlier waits for that one alone.
What the first page itself needs is loaded while the browser is still on its way to it.
"""

import gc
import importlib
import logging
import threading
import time

log = logging.getLogger(__name__)

FIRST = ("workbench.pipelines", "workbench.workspaces", "workbench.evaluations", "pandas")
"""What every page needs; pandas because Streamlit reads "300ms" with it."""

LIBRARIES = ("plotly.graph_objects", "scipy.sparse", "tokenizers", "faiss", "torch", "sentence_transformers")
"""In the order in which pages are likely to ask for them."""

PAINTING = 1.0
"""Seconds that the browser is given for the first page: an import takes turns with whatever else the server does."""
PATIENCE = 5.0
"""Seconds for which work in the background waits for the first page, should that fail."""
BETWEEN = 0.2
"""Seconds between two libraries, in which what was asked meanwhile is answered."""

_begun, _drawn = threading.Event(), threading.Event()


def begin() -> threading.Thread:
    """Start and return the thread that loads the libraries once a page was drawn."""
    _begun.set()
    thread = threading.Thread(target=_load, daemon=True, name="workbench-preload")
    thread.start()
    return thread


def drawn() -> None:
    """Note that a page was drawn: from now on there is time."""
    _drawn.set()


def wait() -> None:
    """Wait until the server's first page was drawn, before work in the background that would slow it down."""
    if _begun.is_set():
        _drawn.wait(PATIENCE)


def _load() -> None:
    for name in FIRST:
        _import(name)
    _drawn.wait()
    time.sleep(PAINTING)
    for name in LIBRARIES:
        _import(name)
        time.sleep(BETWEEN)
    settle_memory()


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 — a library that fails here fails again where it is needed, and is reported there
        log.warning("%s was not loaded ahead: %s: %s", name, type(error).__name__, error)


def settle_memory() -> None:
    """Exempt what lives as long as the server from garbage collection.

    Modules and their classes are half a million objects; to visit them takes a fifth of a second with the interpreter
    held. Python collects garbage whenever the objects that it does visit have grown by a quarter.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # the growth counts from here
