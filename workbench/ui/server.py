"""The server around the app: the headers that every answer carries, what is loaded ahead, and a run of a page."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

# Before numpy is loaded. Threads of OpenBLAS that have nothing to do spin for 25 ms, beside requests that need the
# cores; where many users ask at once, their requests run beside each other anyway.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
if os.environ.get("WORKBENCH_MODE") == "team":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import streamlit as st
from starlette.middleware import Middleware

from workbench.ui import preload
from workbench.ui.security_headers import SecurityHeaders

ICON = str(Path(__file__).with_name("icon.png"))  # a Material symbol would be fetched from the network

MIDDLEWARE = [Middleware(SecurityHeaders)]


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """Begin to load libraries when the server starts."""
    preload.begin()
    yield


def run_page(pages: Mapping[str, str]) -> None:
    """Draw the page that the URL names, of `pages`: script beside app.py → icon."""
    from workbench.ui.shell import guarded  # a page's own imports: the server starts without them

    st.set_page_config(page_title="Chunking workbench", page_icon=ICON, layout="wide")
    page = st.navigation([st.Page(path, icon=icon) for path, icon in pages.items()], position="top")
    with guarded():
        page.run()
    preload.drawn()
