"""The server around the app: its pages, and the headers that every answer carries. `make run` starts it.

`streamlit run app.py` serves the same pages without the headers, and loads nothing ahead.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

# Before numpy is loaded. Threads of OpenBLAS that have nothing to do spin for 25 ms, beside requests that need the
# cores; where many users ask at once, their requests run beside each other anyway.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
if os.environ.get("WORKBENCH_MODE") == "team":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import streamlit as st
from starlette.middleware import Middleware

from workbench.ui import warming
from workbench.ui.headers import Headers


@asynccontextmanager
async def _living(_: st.App) -> AsyncIterator[None]:
    warming.begin()
    yield


app = st.App(Path(__file__).parents[2] / "app.py", lifespan=_living, middleware=[Middleware(Headers)])
