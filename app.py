"""The app: which pages there are, in which order. `make run` starts it."""

import streamlit as st

from workbench.ui import warming
from workbench.ui.layout import guarded

ICON = "workbench/ui/icon.png"  # a Material symbol would be fetched from the network
PAGES = {
    "pages/1_Bench.py": ":material/tune:",
    "pages/2_Documents.py": ":material/description:",
    "pages/3_Models.py": ":material/hub:",
    "pages/4_Golden_set.py": ":material/fact_check:",
    "pages/5_Experiments.py": ":material/science:",
    "pages/6_Decision.py": ":material/gavel:",
}

st.set_page_config(page_title="Chunking workbench", page_icon=ICON, layout="wide")
page = st.navigation([st.Page(path, icon=icon) for path, icon in PAGES.items()], position="top")
with guarded():
    page.run()
warming.drawn()
