"""The server around the app: its pages, and the headers that every answer carries. `make run` starts it.

`streamlit run app.py` serves the same pages without the headers.
"""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from workbench.ui.headers import Headers

app = st.App(Path(__file__).parents[2] / "app.py", middleware=[Middleware(Headers)])
